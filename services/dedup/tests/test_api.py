import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient
from sqlalchemy import func, select, text

from chassis.db import Database
from chassis.testing import AsRole, Outbox, Publisher
from contracts.dedup import DuplicateSetDismissed
from dedup.models import Bypass, Claim
from services.dedup.tests.builders import (
    OWNER,
    account,
    changed,
    contact,
    contact_created,
    created,
    deleted,
    item,
    user,
)

CLAIMS = "/api/dedup/v1/claims"
CHECKS = "/api/dedup/v1/checks"
SETS = "/api/dedup/v1/duplicate-sets"
NIP = "PL 525-000-11-22"
ADDRESS = {"street": "ul. Długa 10", "postal_code": "00-238", "city": "Warszawa", "country": "PL"}


class Asking:
    """The accounts service, as dedup sees it."""

    def __init__(self, client: AsyncClient, headers: dict[str, str]) -> None:
        self.client, self.headers = client, headers

    async def __call__(self, *items: dict[str, Any]) -> list[dict[str, Any]]:
        response = await self.client.post(CLAIMS, json={"items": items}, headers=self.headers)
        assert response.status_code == 200, response.text
        return list(response.json()["results"])


@pytest.fixture
def ask(client: AsyncClient, as_role: AsRole) -> Asking:
    return Asking(client, as_role("service"))


def viewer(*roles: str, user_id: UUID | None = None) -> dict[str, Any]:
    return {"user_id": str(user_id or uuid4()), "roles": list(roles), "team_ids": []}


async def claims_of(db: Database) -> int:
    async with db.read() as session:
        return (await session.execute(select(func.count()).select_from(Claim))).scalar_one()


async def set_rule(client: AsyncClient, headers: dict[str, str], name: str, version: int = 0, **rule: Any) -> Any:
    body = {"on_create": "block", "on_edit": "block", **rule}
    response = await client.put(
        f"/api/dedup/v1/rules/{name}", json=body, headers={**headers, "If-Match": f'"{version}"'}
    )
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_new_customer_is_clear_and_its_keys_are_leased(ask: Asking, db: Database) -> None:
    [result] = await ask(item(name="Get Cloudy", tax_number=NIP, billing=ADDRESS, phone="+48 22 111 22 33"))
    assert result["decision"] == "clear"
    assert result["claim_id"] and result["lease_until"]
    assert await claims_of(db) == 3


async def test_the_same_tax_number_in_another_spelling_is_blocked(ask: Asking, publish: Publisher) -> None:
    await publish(created(account(name="Get Cloudy", tax_number="5250001122", tax_country="PL")))
    [result] = await ask(item(name="Wholly Different Ltd", tax_number=NIP, _viewer=viewer("sales")))
    assert result["decision"] == "blocked"
    assert result["claim_id"] is None
    [candidate] = result["candidates"]
    assert candidate["label"] == "Get Cloudy"
    assert ("tax_number", "decisive") in {(reason["field"], reason["verdict"]) for reason in candidate["reasons"]}


async def test_a_blocked_record_leaves_nothing_behind(ask: Asking, publish: Publisher, db: Database) -> None:
    await publish(created(account(name="Get Cloudy", tax_number=NIP)))
    before = await claims_of(db)
    await ask(item(name="Other", tax_number=NIP, phone="+48 22 999 88 77"))
    assert await claims_of(db) == before


async def test_the_same_name_and_address_is_blocked_whatever_the_legal_form_and_the_street_word(
    ask: Asking, publish: Publisher
) -> None:
    await publish(created(account(name="GET CLOUDY Sp. z o.o.", billing=ADDRESS)))
    [result] = await ask(item(name="get cloudy", billing={**ADDRESS, "street": "Ulica DLUGA 10"}))
    assert result["decision"] == "blocked"


async def test_a_name_alone_alerts_and_never_blocks(ask: Asking, publish: Publisher) -> None:
    await publish(created(account(name="GET CLOUDY Sp. z o.o.")))
    [result] = await ask(item(name="Get Cloudy"))
    assert result["decision"] == "alert"
    assert result["claim_id"] is not None
    assert [candidate["label"] for candidate in result["candidates"]] == ["GET CLOUDY Sp. z o.o."]


async def test_shops_of_the_same_name_in_other_places_are_let_through(ask: Asking, publish: Publisher) -> None:
    await publish(created(account(name="Żabka", billing=ADDRESS, email="kontakt@zabka.pl")))
    elsewhere = {"street": "Piotrkowska 5", "postal_code": "90-406", "city": "Łódź"}
    [result] = await ask(item(name="Zabka", billing=elsewhere, email="kontakt@zabka.pl"))
    assert result["decision"] in ("clear", "alert")


async def test_deleted_records_never_block(ask: Asking, publish: Publisher) -> None:
    known = account(name="Get Cloudy", tax_number=NIP)
    await publish(created(known), deleted(known))
    [result] = await ask(item(name="Get Cloudy", tax_number=NIP))
    assert result["decision"] == "clear"


async def test_of_fifty_at_once_exactly_one_gets_the_keys(ask: Asking, db: Database) -> None:
    wanted = [
        item(name=f"Get Cloudy {n % 3}", tax_number=NIP, billing=ADDRESS, phone="+48221112233") for n in range(50)
    ]
    results = [result for [result] in await asyncio.gather(*(ask(each) for each in wanted))]
    decisions = [result["decision"] for result in results]
    assert decisions.count("blocked") == 49
    [winner] = [result for result in results if result["decision"] != "blocked"]
    async with db.read() as session:
        holders = set((await session.execute(select(Claim.record_id))).scalars())
    assert holders == {UUID(winner["record_id"])}


async def test_overlapping_keys_claimed_at_once_end_without_a_deadlock(ask: Asking) -> None:
    taxes = ["5250001122", "5260001246", "7010001122"]
    streets = [{"street": f"Długa {n}", "postal_code": "00238"} for n in range(3)]
    wanted = [item(name="Kot", tax_number=tax, billing=street) for tax in taxes for street in streets] * 4
    wanted = [{**each, "record_id": str(uuid4())} for each in wanted]
    results = [result for [result] in await asyncio.gather(*(ask(each) for each in wanted))]
    written = [result for result in results if result["decision"] != "blocked"]
    assert 1 <= len(written) <= 3


async def test_in_a_batch_the_first_of_two_twins_wins(ask: Asking) -> None:
    first, second = item(name="Get Cloudy", tax_number=NIP), item(name="Get Cloudy SA", tax_number=NIP)
    results = await ask(first, second, item(name="Somebody else"))
    assert [result["decision"] for result in results] == ["clear", "blocked", "clear"]
    [candidate] = results[1]["candidates"]
    assert (candidate["id"], candidate["label"]) == (first["record_id"], "Get Cloudy")


async def test_keys_of_a_blocked_record_go_to_the_next_in_the_batch(
    ask: Asking, publish: Publisher, db: Database
) -> None:
    await publish(created(account(name="Holder", tax_number=NIP)))
    shared: dict[str, Any] = {"name": "Twin", "billing": ADDRESS}
    refused, second = item(**shared, tax_number=NIP), item(**shared)
    results = await ask(refused, second)
    assert [result["decision"] for result in results] == ["blocked", "clear"]
    async with db.read() as session:
        key = select(Claim.record_id).where(Claim.key.startswith("name_address:"))
        assert (await session.execute(key)).scalar_one() == UUID(second["record_id"])


async def test_asking_again_for_the_same_record_is_no_conflict(ask: Asking) -> None:
    once = item(name="Get Cloudy", tax_number=NIP)
    assert [(await ask(once))[0]["decision"] for _ in range(2)] == ["clear", "clear"]


async def test_a_released_claim_is_free_for_others(ask: Asking, client: AsyncClient, as_role: AsRole) -> None:
    [result] = await ask(item(name="Get Cloudy", tax_number=NIP))
    response = await client.delete(f"{CLAIMS}/{result['claim_id']}", headers=as_role("service"))
    assert response.status_code == 204
    [again] = await ask(item(name="Get Cloudy", tax_number=NIP))
    assert again["decision"] == "clear"


async def test_an_expired_lease_is_taken_over_but_a_confirmed_claim_is_not(
    ask: Asking, publish: Publisher, db: Database
) -> None:
    crashed, confirmed = item(name="Crashed", tax_number=NIP), account(name="Confirmed", tax_number="7010001122")
    await ask(crashed)
    await publish(created(confirmed))
    async with db.transaction() as session:
        await session.execute(text("UPDATE claims SET lease_until = now() - interval '1 second'"))
    results = await ask(item(name="Heir", tax_number=NIP), item(name="Late", tax_number="7010001122"))
    assert [result["decision"] for result in results] == ["clear", "blocked"]


async def test_the_records_event_confirms_its_claim(ask: Asking, publish: Publisher, db: Database) -> None:
    known = account(name="Get Cloudy", tax_number=NIP)
    [result] = await ask({**item(name="Get Cloudy", tax_number=NIP), "record_id": str(known.id)})
    await publish(created(known))
    async with db.read() as session:
        claims = (await session.execute(select(Claim))).scalars().all()
    assert {claim.is_confirmed for claim in claims} == {True}
    assert result["decision"] == "clear"


async def test_an_import_that_only_reports_is_never_blocked(ask: Asking, publish: Publisher) -> None:
    await publish(created(account(name="Get Cloudy", tax_number=NIP)))
    [result] = await ask(item(name="Get Cloudy", tax_number=NIP, _action="alert", _path="import"))
    assert result["decision"] == "alert"
    assert len(result["candidates"]) == 1


async def test_a_restored_record_is_only_reported(ask: Asking, publish: Publisher) -> None:
    await publish(created(account(name="Get Cloudy", tax_number=NIP)))
    [result] = await ask(item(name="Get Cloudy", tax_number=NIP, _path="restore"))
    assert result["decision"] == "alert"


async def test_editing_a_tax_number_into_anothers_is_blocked_and_other_edits_are_not(
    ask: Asking, publish: Publisher
) -> None:
    mine = account(name="Mine", phone="+48 22 111 22 33")
    await publish(created(mine), created(account(name="Theirs", tax_number=NIP)))
    edit = {**item(name="Mine", _event="edit"), "record_id": str(mine.id)}
    stolen = {**edit, "fields": {"name": "Mine", "tax_number": NIP}}
    harmless = {**edit, "fields": {"name": "Mine", "phone": "+48 22 111 22 34"}}
    assert [result["decision"] for result in await ask(stolen, harmless)] == ["blocked", "clear"]


async def test_a_record_that_was_let_in_as_a_duplicate_can_be_edited(ask: Asking, publish: Publisher) -> None:
    twin = account(name="Get Cloudy", tax_number=NIP)
    await publish(created(account(name="Get Cloudy", tax_number=NIP)), created(twin))
    fields = {"name": "Get Cloudy", "tax_number": NIP, "phone": "+48 22 111 22 34"}
    [result] = await ask({**item(_event="edit", **fields), "record_id": str(twin.id)})
    assert result["decision"] == "alert"


async def test_a_bypass_needs_the_right_and_a_reason_and_is_recorded(
    ask: Asking, publish: Publisher, db: Database
) -> None:
    await publish(created(account(name="Get Cloudy", tax_number=NIP)))
    twin = {"name": "Get Cloudy", "tax_number": NIP, "_bypass_reason": "A branch with its own books"}
    results = await ask(
        item(**twin, _viewer=viewer("sales")),
        item(**{**twin, "_bypass_reason": " "}, _viewer=viewer("verifier")),
        item(**twin, _viewer=viewer("verifier")),
    )
    assert [result["decision"] for result in results] == ["blocked", "blocked", "alert"]
    async with db.read() as session:
        [bypass] = (await session.execute(select(Bypass))).scalars()
    assert (bypass.reason, bypass.object) == ("A branch with its own books", "account")


async def test_a_confirm_rule_asks_once_and_its_token_is_bound_to_the_candidates(
    ask: Asking, publish: Publisher, client: AsyncClient, as_role: AsRole
) -> None:
    await set_rule(client, as_role("admin"), "account", on_create="confirm")
    await publish(created(account(name="Get Cloudy", tax_number=NIP)))
    wanted = item(name="Get Cloudy", tax_number=NIP)
    [asked] = await ask(wanted)
    assert (asked["decision"], asked["claim_id"]) == ("confirm", None)
    [foreign] = await ask({**wanted, "confirm_token": "0" * 64})
    [unattended] = await ask({**wanted, "path": "import", "record_id": str(uuid4())})
    [confirmed] = await ask({**wanted, "confirm_token": asked["token"]})
    decisions = [foreign["decision"], unattended["decision"], confirmed["decision"]]
    assert decisions == ["confirm", "alert", "alert"]
    await publish(created(account(name="Get Cloudy")))
    [changed_since] = await ask({**wanted, "confirm_token": asked["token"]})
    assert changed_since["decision"] == "confirm"


async def test_a_rule_that_is_off_finds_nothing(
    ask: Asking, publish: Publisher, client: AsyncClient, as_role: AsRole
) -> None:
    await set_rule(client, as_role("admin"), "account", on_create="off", on_edit="off")
    await publish(created(account(name="Get Cloudy", tax_number=NIP)))
    [result] = await ask(item(name="Get Cloudy", tax_number=NIP))
    assert (result["decision"], result["candidates"]) == ("clear", [])


async def test_only_services_claim(client: AsyncClient, as_role: AsRole) -> None:
    body = {"items": [item(name="Get Cloudy")]}
    assert (await client.post(CLAIMS, json=body)).status_code == 401
    for role in ("admin", "sales", "sales_manager", "verifier"):
        assert (await client.post(CLAIMS, json=body, headers=as_role(role))).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"items": []},
        {"items": [{"object": "invoice", "record_id": str(uuid4()), "fields": {}}]},
        {"items": [{"object": "account", "record_id": "x", "fields": {}}]},
        {"items": [{"object": "account", "record_id": str(uuid4()), "fields": {}}] * 501},
    ],
)
async def test_claims_that_cannot_be_meant_are_refused(
    client: AsyncClient, as_role: AsRole, body: dict[str, Any]
) -> None:
    response = await client.post(CLAIMS, json=body, headers=as_role("service"))
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"].startswith("/items")


STRANGE: list[Any] = [
    None,
    7,
    True,
    [],
    {"street": 5},
    "\u202e",
    "x" * 20000,
    "🦄" * 3000,
    "株" * 3000,
    "'; DROP TABLE records",
]


@pytest.mark.parametrize("value", STRANGE)
async def test_strange_values_are_compared_as_well_as_they_can_be(ask: Asking, value: Any) -> None:
    place = {"street": value, "postal_code": value, "city": value}
    [result] = await ask(item(name=value, phone=value, billing=place, email=value, website=value, tax_number=value))
    assert result["decision"] == "clear"


async def test_a_private_contact_of_somebody_else_is_only_counted(
    ask: Asking, publish: Publisher, client: AsyncClient, as_role: AsRole
) -> None:
    secret = contact(first_name="Anna", last_name="Tajemnicza", email="anna@tajemnicza.pl", account_id=None)
    await publish(contact_created(secret))
    fields = {"first_name": "Anna", "last_name": "Tajemnicza", "email": "anna@tajemnicza.pl"}
    [mine, theirs, nobody] = await ask(
        item("contact", **fields, _viewer=viewer("sales", user_id=OWNER)),
        item("contact", **fields, _viewer=viewer("sales_manager")),
        item("contact", **fields),
    )
    assert len(mine["candidates"]) == 1
    assert (theirs["decision"], theirs["candidates"], theirs["hidden_matches"]) == ("blocked", [], 1)
    assert (nobody["candidates"], nobody["hidden_matches"]) == ([], 1)
    draft = {"object": "contact", "fields": fields}
    checked = (await client.post(CHECKS, json=draft, headers=as_role("sales"))).text
    assert '"hidden_matches":1' in checked and "Tajemnicza" not in checked


async def test_a_draft_is_checked_while_typing_and_nothing_is_reserved(
    publish: Publisher, client: AsyncClient, as_role: AsRole, db: Database
) -> None:
    await publish(created(account(name="Zakład Ślusarski Kowalski", billing=ADDRESS)))
    before = await claims_of(db)
    for fields in ({"name": "zaklad slusarski kowalsky"}, {"billing": {**ADDRESS, "street": "Ulica Długa 10 m. 5"}}):
        response = await client.post(CHECKS, json={"object": "account", "fields": fields}, headers=as_role("sales"))
        assert [found["label"] for found in response.json()["candidates"]] == ["Zakład Ślusarski Kowalski"], fields
    assert await claims_of(db) == before


async def test_rules_are_versioned_and_only_admins_set_them(client: AsyncClient, as_role: AsRole) -> None:
    read = await client.get("/api/dedup/v1/rules/account", headers=as_role("sales"))
    assert (read.json()["on_create"], read.headers["etag"]) == ("block", '"0"')
    body = {"on_create": "alert", "on_edit": "off"}
    address = "/api/dedup/v1/rules/account"
    assert (await client.put(address, json=body, headers=as_role("sales_manager"))).status_code == 403
    assert (await client.put(address, json=body, headers=as_role("admin"))).status_code == 428
    stored = await set_rule(client, as_role("admin"), "account", 0, **body)
    assert (stored["version"], stored["on_edit"], stored["block_on"]) == (
        1,
        "off",
        ["email_name", "name_address", "tax"],
    )
    stale = await client.put(address, json=body, headers={**as_role("admin"), "If-Match": '"0"'})
    assert stale.status_code == 412
    unknown = {**body, "block_on": ["horoscope"]}
    refused = await client.put(address, json=unknown, headers={**as_role("admin"), "If-Match": '"1"'})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/block_on")
    assert (await client.get("/api/dedup/v1/rules/invoice", headers=as_role("admin"))).status_code == 422


async def test_sets_are_listed_surest_first_with_reasons_and_owners(
    publish: Publisher, client: AsyncClient, as_role: AsRole
) -> None:
    await publish(user(id=OWNER, email="ola@example.com", name="Ola Nowak"))
    await publish(*(created(account(name="Alfa Beta Gamma")) for _ in range(2)))
    await publish(*(created(account(name="Get Cloudy", tax_number=NIP, billing=ADDRESS)) for _ in range(2)))
    page = (await client.get(SETS, params={"filter": "status:eq:open"}, headers=as_role("sales"))).json()
    assert [len(found["members"]) for found in page["items"]] == [2, 2]
    best = page["items"][0]["members"][0]
    assert (best["label"], best["owner_name"]) == ("Get Cloudy", "Ola Nowak")
    assert {"field": "tax_number", "verdict": "decisive", "detail": "same tax number"} in best["reasons"]
    sure = await client.get(SETS, params={"filter": "score:gte:0.95"}, headers=as_role("sales"))
    assert len(sure.json()["items"]) == 1


async def test_sets_come_in_pages_and_a_broken_cursor_is_refused(
    publish: Publisher, client: AsyncClient, as_role: AsRole
) -> None:
    for word in ("Alfa", "Beta", "Gamma", "Delta", "Epsilon"):
        await publish(*(created(account(name=f"{word}{word}")) for _ in range(2)))
    seen, cursor = [], None
    for _ in range(3):
        params = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await client.get(SETS, params=params, headers=as_role("sales"))).json()
        seen += [found["id"] for found in page["items"]]
        cursor = page["next_cursor"]
    assert (len(set(seen)), cursor) == (5, None)
    broken = await client.get(SETS, params={"cursor": "AAAA"}, headers=as_role("sales"))
    assert (broken.status_code, broken.json()["code"]) == (400, "cursor_invalid")


async def test_a_set_shows_private_contacts_of_others_as_a_number(
    publish: Publisher, client: AsyncClient, as_role: AsRole
) -> None:
    person = {"first_name": "Anna", "last_name": "Tajemnicza", "email": "anna@tajemnicza.pl"}
    other = uuid4()
    await publish(
        contact_created(contact(**person)),
        contact_created(contact(**{**person, "first_name": "Annna"}, account_id=None, owner_id=other)),
    )
    [seen] = (await client.get(SETS, headers=as_role("sales"))).json()["items"]
    assert (len(seen["members"]), seen["hidden_members"]) == (1, 1)
    assert "Annna" not in str(seen) and seen["members"][0]["reasons"] == []
    own = (await client.get(f"{SETS}/{seen['id']}", headers=as_role("sales", user_id=other))).json()
    assert (len(own["members"]), own["hidden_members"]) == (2, 0)


async def test_a_set_of_private_contacts_does_not_exist_for_others(
    publish: Publisher, client: AsyncClient, as_role: AsRole
) -> None:
    person = {"first_name": "Anna", "last_name": "Tajemnicza", "email": "anna@tajemnicza.pl", "account_id": None}
    await publish(*(contact_created(contact(**person)) for _ in range(2)))
    [mine] = (await client.get(SETS, headers=as_role("sales", user_id=OWNER))).json()["items"]
    assert (await client.get(SETS, headers=as_role("sales"))).json()["items"] == []
    assert (await client.get(f"{SETS}/{mine['id']}", headers=as_role("sales"))).status_code == 404


async def test_a_dismissed_pair_stays_dismissed_until_one_of_them_changes(
    publish: Publisher, client: AsyncClient, as_role: AsRole, emitted: Outbox
) -> None:
    one, other = account(name="Get Cloudy"), account(name="Get Cloudy")
    await publish(created(one), created(other))
    [found] = (await client.get(SETS, headers=as_role("verifier"))).json()["items"]
    address = f"{SETS}/{found['id']}/dismissal"
    done = await client.post(address, json={"reason": "Two shops"}, headers=as_role("verifier"))
    assert (done.status_code, done.json()["status"], done.json()["reason"]) == (200, "dismissed", "Two shops")
    assert len(await emitted(DuplicateSetDismissed)) == 1
    again = await client.post(address, json={"reason": "Two shops"}, headers=as_role("verifier"))
    assert (again.status_code, again.json()["code"]) == (409, "duplicate_set_closed")

    quiet = changed(one, rating="hot")
    await publish(quiet)
    assert await open_sets(client, as_role) == []
    draft = {"object": "account", "record_id": str(one.id), "fields": {"name": "Get Cloudy"}}
    assert (await client.post(CHECKS, json=draft, headers=as_role("sales"))).json()["total"] == 0

    await publish(changed(quiet.state, phone="+48 22 111 22 33"))
    assert len(await open_sets(client, as_role)) == 1


async def open_sets(client: AsyncClient, as_role: AsRole) -> list[dict[str, Any]]:
    page = await client.get(SETS, params={"filter": "status:eq:open"}, headers=as_role("sales"))
    return list(page.json()["items"])


async def test_who_may_dismiss(publish: Publisher, client: AsyncClient, as_role: AsRole) -> None:
    await publish(*(created(account(name="Get Cloudy")) for _ in range(2)))
    [found] = (await client.get(SETS, headers=as_role("sales"))).json()["items"]
    address, body = f"{SETS}/{found['id']}/dismissal", {"reason": "Two shops"}
    for role in ("sales", "marketing", "read_only"):
        assert (await client.post(address, json=body, headers=as_role(role))).status_code == 403
    blank = await client.post(address, json={"reason": "  "}, headers=as_role("sales", user_id=OWNER))
    assert (blank.status_code, blank.json()["errors"][0]["pointer"]) == (422, "/reason")
    assert (await client.post(address, json=body, headers=as_role("sales", user_id=OWNER))).status_code == 200
    missing = await client.post(f"{SETS}/{uuid4()}/dismissal", json=body, headers=as_role("admin"))
    assert (missing.status_code, missing.json()["code"]) == (404, "duplicate_set_not_found")
