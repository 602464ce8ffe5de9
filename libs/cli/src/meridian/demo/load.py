"""Demo data through the public API, as the demo's own people enter them. Loading twice adds nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

import httpx2

from meridian.client.connection import Bearer, Connection, Refused
from meridian.client.place import Place
from meridian.demo.countries import COUNTRIES
from meridian.demo.file import Row, organisations, plain
from meridian.demo.people import EMMA, JOSE, MANAGERS, MARCO, PEOPLE, SELLERS, TEAMS, Person

ACCOUNTS, CONTACTS = "/api/accounts/v1/accounts", "/api/accounts/v1/contacts"
ACTIVITIES, LEADS = "/api/activities/v1/activities", "/api/leads/v1/leads"
USERS, IDENTITY_TEAMS = "/api/identity/v1/users", "/api/identity/v1/teams"
ORGANISATIONS, TWINS, LEAD_COUNT = 38, 4, 12
CAMPAIGN = "Demo"
TITLES = ("Director", "Purchasing", "Office manager", "Owner")
SUBJECTS = ("Send the new catalogue", "Ask about the renewal", "Agree on a visit", "Talk about delivery times")
NOTES = ("Prefers to be called in the morning.", "Wants an offer before the summer.", "Knows us from the trade fair.")


@dataclass
class Loaded:
    """How many of each were new."""

    teams: int = 0
    users: int = 0
    accounts: int = 0
    contacts: int = 0
    leads: int = 0
    activities: int = 0
    refused_as_duplicates: int = 0


def load_demo(gateway_url: str, admin_email: str, admin_password: str, demo_password: str) -> Loaded:
    """Creates what is missing. `demo_password` is that of the demo users, who must exist only where nobody minds.

    Raises meridian.client.connection.Refused when the API says no.
    """
    loaded = Loaded()
    with signed_in(gateway_url, admin_email, admin_password) as admin:
        teams = _create_teams(admin, loaded)
        _create_users(admin, teams, demo_password, loaded)
        _appoint_managers(admin, teams)
    with people(gateway_url, demo_password) as by_email:
        _create_accounts(by_email, loaded)
        _create_leads(by_email[JOSE.email], loaded)
    return loaded


@contextmanager
def signed_in(url: str, email: str, password: str) -> Iterator[Connection]:
    found = Place(url.rstrip("/"), email=email, password=password)
    with httpx2.Client(base_url=found.url, auth=Bearer(found), timeout=30.0) as http:
        yield Connection(found, http)


@contextmanager
def people(url: str, password: str) -> Iterator[dict[str, Connection]]:
    """A connection for each demo user, signed in on first use."""
    clients = {
        person.email: httpx2.Client(
            base_url=url.rstrip("/"),
            auth=Bearer(Place(url.rstrip("/"), email=person.email, password=password)),
            timeout=30.0,
        )
        for person in PEOPLE
    }
    try:
        yield {email: Connection(Place(url.rstrip("/")), client) for email, client in clients.items()}
    finally:
        for client in clients.values():
            client.close()


def _create_teams(admin: Connection, loaded: Loaded) -> dict[str, str]:
    """{name: id} of the demo's teams."""
    found = {team["name"]: str(team["id"]) for team in admin.all(IDENTITY_TEAMS, limit=200)}
    for name in TEAMS:
        if name not in found:
            found[name] = admin.post(IDENTITY_TEAMS, {"name": name})["id"]
            loaded.teams += 1
    return found


def _create_users(admin: Connection, teams: dict[str, str], password: str, loaded: Loaded) -> None:
    found = {user["email"] for user in admin.all(USERS, limit=200)}
    for person in PEOPLE:
        if person.email not in found:
            admin.post(USERS, _user(person, teams[person.team], password))
            loaded.users += 1


def _user(person: Person, team: str, password: str) -> dict[str, Any]:
    return {
        "name": person.name,
        "email": person.email,
        "password": password,
        "roles": [person.role],
        "team_ids": [team],
        "time_zone": person.time_zone,
        "locale": person.locale,
    }


def _appoint_managers(admin: Connection, teams: dict[str, str]) -> None:
    ids = {user["email"]: user["id"] for user in admin.all(USERS, limit=200)}
    for name, manager in MANAGERS.items():
        team = admin.get(f"{IDENTITY_TEAMS}/{teams[name]}")
        if team.get("manager_id") is None:
            admin.patch(f"{IDENTITY_TEAMS}/{team['id']}", {"manager_id": ids[manager.email]}, team["version"])


def _create_accounts(by_email: dict[str, Connection], loaded: Loaded) -> None:
    reader = by_email[MARCO.email]
    known = {account["external_id"] for account in reader.all(ACCOUNTS, limit=200, filter="external_id:starts:demo-")}
    for number, row in enumerate(demo_organisations(), start=1):
        if f"demo-{number:03d}" not in known:
            _create_account(by_email, number, row, loaded)


def _create_account(by_email: dict[str, Connection], number: int, row: Row, loaded: Loaded) -> None:
    seller = SELLERS[row.country]
    connection = by_email[seller.email]
    key = key_for(connection, f"account-{number}")
    try:
        account = connection.post(ACCOUNTS, account_of(number, row), key=key("account"))
    except Refused as refused:
        if refused.code not in ("duplicate_blocked", "duplicate_confirm"):
            raise
        loaded.refused_as_duplicates += 1
        return
    loaded.accounts += 1
    random = Random(number)
    contacts = [
        connection.post(CONTACTS, contact, key=key(f"contact-{place}"))
        for place, contact in enumerate(contacts_of(random, account["id"], row))
    ]
    loaded.contacts += len(contacts)
    for place, activity in enumerate(activities_of(random, seller, account["id"], [each["id"] for each in contacts])):
        connection.post(ACTIVITIES, activity, key=key(f"activity-{place}"))
        loaded.activities += 1
    if decision := decision_on(number, row):
        by_email[EMMA.email].post(f"{ACCOUNTS}/{account['id']}/verification", decision, key=key("verification"))


def decision_on(number: int, row: Row) -> dict[str, str] | None:
    """Most are checked and right, some are refused, and some wait: every third, and those without a tax number."""
    if number % 3 == 0 or not row.tax_number:
        return None
    if number % 10 == 0:
        return {"decision": "rejected", "reason": "The tax number belongs to another company."}
    return {"decision": "verified"}


def key_for(connection: Connection, record: str) -> Callable[[str], str]:
    """Keys that are the same when loading is repeated after it broke off."""
    return lambda what: str(uuid5(NAMESPACE_URL, f"{connection.place.url}/{record}/{what}"))


def demo_organisations() -> list[Row]:
    """The organisations, and some of them once more as somebody else typed them."""
    rows = organisations(ORGANISATIONS, seed=7)
    twins = [
        replace(row, name=row.name[:-2] + row.name[-1], tax_number="", phone="", email="", street=f"{row.street} A")
        for row in rows[: TWINS * 3 : 3]
    ]
    return rows + twins


def account_of(number: int, row: Row) -> dict[str, Any]:
    """The body of POST /accounts."""
    optional = {"phone": row.phone, "email": row.email, "website": row.website, "tax_number": row.tax_number}
    address = {
        "street": row.street,
        "postal_code": row.postal_code,
        "city": row.city,
        "region": row.region,
        "country": row.country,
    }
    return {
        "name": row.name,
        "legal_name": row.full_name,
        "external_id": f"demo-{number:03d}",
        "source": "Demo",
        "billing": address,
        **{name: value for name, value in optional.items() if value},
    }


def contacts_of(random: Random, account_id: str, row: Row) -> list[dict[str, Any]]:
    """One or two people at the account."""
    country = next(each for each in COUNTRIES if each.code == row.country)
    domain = row.email.partition("@")[2] or f"{plain(row.name)}.{country.domain}"
    first_names = random.sample(country.first_names, random.randint(1, 2))
    return [_contact(random, account_id, first, random.choice(country.surnames), domain) for first in first_names]


def _contact(random: Random, account_id: str, first: str, last: str, domain: str) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "first_name": first,
        "last_name": last,
        "title": random.choice(TITLES),
        "email": f"{plain(first)}.{plain(last)}@{domain}",
    }


def activities_of(random: Random, seller: Person, account_id: str, contacts: list[str]) -> Iterator[dict[str, Any]]:
    """A call that was made, now and then a note, and for every second account a call to come."""
    links = [{"object": "account", "id": account_id}, {"object": "contact", "id": contacts[0]}]
    zone = seller.time_zone
    yield {
        "kind": "call",
        "status": "done",
        "subject": "First call",
        "outcome": random.choice(("reached", "no_answer", "left_message")),
        "wall_time": wall_time(zone, days=-random.randint(1, 20), hour=random.randint(9, 16)),
        "time_zone": zone,
        "links": links,
    }
    if random.random() < 0.4:
        yield {"kind": "note", "text": random.choice(NOTES), "links": links}
    if random.random() < 0.5:
        yield {
            "kind": "call",
            "subject": random.choice(SUBJECTS),
            "wall_time": wall_time(zone, days=random.randint(1, 14), hour=random.randint(9, 16)),
            "time_zone": zone,
            "links": links,
            "reminders": [{"minutes_before": 15}],
        }


def wall_time(zone: str, *, days: int, hour: int) -> str:
    """A full hour on a day from today, as the clock there shows it."""
    day = datetime.now(UTC).astimezone(ZoneInfo(zone)) + timedelta(days=days)
    return day.replace(hour=hour, minute=0, second=0, microsecond=0, tzinfo=None).isoformat(timespec="minutes")


def _create_leads(marketing: Connection, loaded: Loaded) -> None:
    known = {lead["email"] for lead in marketing.all(LEADS, limit=200, filter=f"campaign:eq:{CAMPAIGN}")}
    for number, lead in enumerate(demo_leads(), start=1):
        if lead["email"] not in known:
            marketing.post(LEADS, lead, key=key_for(marketing, f"lead-{number}")("lead"))
            loaded.leads += 1


def demo_leads() -> Iterator[dict[str, Any]]:
    """Requests of people whose organisations are not customers yet."""
    random = Random(11)
    for row in organisations(LEAD_COUNT, seed=23):
        country = next(each for each in COUNTRIES if each.code == row.country)
        first, last = random.choice(country.first_names), random.choice(country.surnames)
        yield {
            "first_name": first,
            "last_name": last,
            "company": row.full_name,
            "email": f"{plain(first)}.{plain(last)}@{row.email.partition('@')[2]}",
            "phone": row.phone,
            "city": row.city,
            "country": row.country,
            "source": random.choice(("web", "trade_fair", "email", "partner")),
            "campaign": CAMPAIGN,
            "description": "Asks for prices and delivery times.",
        }
