"""The people and records that the tests in a browser work with, made over the API of a running system."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from devstack.scratch import System
from meridian.demo.file import Row, organisations
from meridian.demo.load import account_of
from tests.integration.conftest import ask, rule

PASSWORD = "correct horse battery"
ACCOUNTS = 12
ANNA, MARCO, ZOFIA, LUCIA = "Anna Clarke", "Marco Rossi", "Zofia Żak", "Lucía García"
LOCALES = {ANNA: "en-GB", MARCO: "it-IT", ZOFIA: "pl-PL", LUCIA: "es-ES"}


@dataclass
class Colleague:
    id: str
    email: str
    token: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass
class Office:
    """What was made, by name."""

    system: System
    team: str
    people: dict[str, Colleague]
    accounts: list[dict[str, Any]]
    contact: dict[str, Any]
    lead: dict[str, Any]

    async def account(self, name: str, **fields: Any) -> Any:
        """One more account of Anna's."""
        return await self.made("accounts", "accounts", {"kind": "business", "name": name, **fields})

    async def made(self, service: str, plural: str, body: dict[str, Any], of: str = ANNA) -> Any:
        path = f"/api/{service}/v1/{plural}"
        return await ask(self.system, "POST", path, 201, json=body, headers=self.people[of].headers)


async def furnished(system: System) -> Office:
    await system.renew()
    team = (await ask(system, "POST", "/api/identity/v1/teams", 201, json={"name": "Sellers"}))["id"]
    people = {name: await _hired(system, name, team) for name in LOCALES}
    office = Office(system, team, people, [], {}, {})
    rows = organisations(ACCOUNTS, seed=3)
    async with rule(system, "account", on_create="alert"):
        office.accounts = list(
            await asyncio.gather(*(_account(office, number, row) for number, row in enumerate(rows)))
        )
        await _account(office, 900, rows[0])
    await asyncio.gather(_people(office), _leads(office), _activities(office))
    return office


async def _hired(system: System, name: str, team: str) -> Colleague:
    email = f"{name.split()[0].lower().replace('í', 'i')}@office.example"
    body = {"name": name, "email": email, "password": PASSWORD, "roles": ["sales"], "team_ids": [team]}
    body |= {"time_zone": "Europe/Rome", "locale": LOCALES[name]}
    made = await ask(system, "POST", "/api/identity/v1/users", 201, json=body)
    path = "/api/identity/v1/sessions"
    session = await ask(system, "POST", path, 201, json={"email": email, "password": PASSWORD})
    return Colleague(made["id"], email, session["access_token"])


async def _account(office: Office, number: int, row: Row) -> Any:
    return await office.made("accounts", "accounts", account_of(number, row))


async def _people(office: Office) -> None:
    body = {"account_id": office.accounts[0]["id"], "first_name": "Giulia", "last_name": "D'Angelo"}
    body |= {"title": "Amministratrice", "email": "giulia.dangelo@example.com", "mobile": "+39 333 1234567"}
    office.contact = await office.made("accounts", "contacts", body)


async def _leads(office: Office) -> None:
    path = "/api/leads/v1/queues"
    queue = await ask(office.system, "POST", path, 201, json={"name": "Web", "team_ids": [office.team]})
    for number, name in enumerate(("Nowak", "Ferrari", "Ortega")):
        body = {"first_name": "Ada", "last_name": name, "company": f"{name} & Co", "queue_id": queue["id"]}
        body |= {"email": f"ada.{name.lower()}@example.org", "source": "web", "phone": f"+39 02 555 010{number}"}
        await office.made("leads", "leads", body)
    body = {"first_name": "Jan", "last_name": "Kiepura", "company": "Opera Sp. z o.o.", "email": "jan@opera.example"}
    office.lead = await office.made("leads", "leads", body | {"owner_id": office.people[ANNA].id})


async def _activities(office: Office) -> None:
    links = [{"object": "account", "id": office.accounts[0]["id"]}]
    now = datetime.now(UTC)
    call = {"kind": "call", "time_zone": "Europe/Rome", "links": links}
    late, later = ((now + timedelta(days=days)).strftime("%Y-%m-%dT09:00") for days in (-2, 3))
    for body in (
        call | {"subject": "Ask about the order", "wall_time": late},
        call | {"subject": "Offer the new catalogue", "wall_time": later, "reminders": [{"minutes_before": 15}]},
        call | {"subject": "First call", "status": "done", "outcome": "reached", "wall_time": late},
        {"kind": "task", "subject": "Send the price list", "due_on": now.strftime("%Y-%m-%d"), "links": links},
        {"kind": "note", "text": "Prefers to be called before noon.", "links": links},
    ):
        await office.made("activities", "activities", body)
