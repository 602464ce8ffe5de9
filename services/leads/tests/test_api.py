import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient
from sqlalchemy import select

from chassis.db import Database
from chassis.service import Runtime
from chassis.testing import Answers, AsRole, Outbox, Publisher
from contracts.event import Fact
from contracts.identity import UserCreated, UserState
from contracts.leads import (
    LeadAssigned,
    LeadCaptured,
    LeadChanged,
    LeadDeleted,
    LeadRestored,
    LeadStatusChanged,
    QueueChanged,
    QueueCreated,
    QueueDeleted,
)
from leads.commands.later import check_postponed
from leads.models import Assignment, Lead

API = "/api/leads/v1"
CLAIMS = "/api/dedup/v1/claims"
PERSON = {"last_name": "Nowak", "is_person": True}
COMPANY = {"first_name": "Ola", "last_name": "Nowak", "company": "Get Cloudy", "email": "ola@getcloudy.pl"}
CANDIDATE = {
    "object": "contact",
    "id": str(uuid4()),
    "label": "Ola Nowak",
    "score": 0.97,
    "reasons": [{"field": "email", "verdict": "decisive", "detail": "same e-mail address"}],
    "owner_id": None,
}


def decided(decision: str, **more: Any) -> Callable[[Any], Any]:
    """Dedup's answer to every item."""

    def reply(body: Any) -> Any:
        if not body:
            return (204, None)
        written = decision in ("clear", "alert")
        each = {"decision": decision, "claim_id": str(uuid4()) if written else None, **more}
        return {"results": [{"record_id": item["record_id"], **each} for item in body["items"]]}

    return reply


@pytest.fixture(autouse=True)
def _dedup_finds_nothing(answer: Answers) -> None:
    answer("dedup", CLAIMS, decided("clear"))


class Leads:
    """Short forms of the calls that most tests need."""

    def __init__(self, client: AsyncClient, as_role: AsRole) -> None:
        self.client, self.as_role = client, as_role

    async def capture(self, role: str = "sales", **fields: Any) -> dict[str, Any]:
        response = await self.client.post(f"{API}/leads", json={**PERSON, **fields}, headers=self.as_role(role))
        assert response.status_code == 201, response.text
        return dict(response.json())

    async def queue(self, *members: UUID, **fields: Any) -> dict[str, Any]:
        body = {"name": f"Queue {uuid4()}", "member_ids": [str(member) for member in members], **fields}
        response = await self.client.post(f"{API}/queues", json=body, headers=self.as_role("sales_manager"))
        assert response.status_code == 201, response.text
        return dict(response.json())

    async def form(self, **fields: Any) -> dict[str, Any]:
        body = {"name": "Landing page", **fields}
        response = await self.client.post(f"{API}/forms", json=body, headers=self.as_role("marketing"))
        assert response.status_code == 201, response.text
        return dict(response.json())

    async def take(self, queue_id: str, user_id: UUID) -> Any:
        return await self.client.post(f"{API}/queues/{queue_id}/take", headers=self.as_role("sales", user_id=user_id))


@pytest.fixture
def leads(client: AsyncClient, as_role: AsRole) -> Leads:
    return Leads(client, as_role)


def tag(version: int) -> dict[str, str]:
    return {"If-Match": f'"{version}"'}


def pointers(response: Any) -> set[tuple[str, str]]:
    return {(error["pointer"], error["code"]) for error in response.json()["errors"]}


async def known_user(publish: Publisher, **fields: Any) -> UUID:
    given = {"id": uuid4(), "version": 1, "created_at": "2026-11-23T09:00:00Z", "updated_at": "2026-11-23T09:00:00Z"}
    state = UserState.model_validate({**given, "email": "ola@example.com", "name": "Ola", **fields})
    await publish(UserCreated(state=state))
    return state.id


async def test_a_lead_without_an_owner_waits_in_the_default_queue(leads: Leads, emitted: Outbox) -> None:
    lead = await leads.capture(**COMPANY, phone="22 111 22 33", country="PL")
    assert (lead["owner_id"], lead["status"], lead["status_category"]) == (None, "new", "open")
    assert (lead["phone_e164"], lead["version"], lead["duplicate_check"]) == ("+48221112233", 1, "done")
    [queue] = await emitted(QueueCreated)
    assert (str(queue.state.id), queue.state.is_default) == (lead["queue_id"], True)
    [captured] = await emitted(LeadCaptured)
    assert (str(captured.state.id), captured.state.company) == (lead["id"], "Get Cloudy")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {("/last_name", "required")}),
        ({"last_name": "Nowak"}, {("/company", "required")}),
        ({**PERSON, "status": None}, {("/status", "not_text")}),
        ({**PERSON, "status": "lukewarm"}, {("/status", "not_an_option")}),
        ({**PERSON, "status": "converted"}, {("/status", "not_by_hand")}),
        ({**PERSON, "last_name": "  "}, {("/last_name", "required")}),
        ({**PERSON, "last_name": "x" * 101}, {("/last_name", "too_long")}),
        ({**PERSON, "horoscope": "fish"}, {("/horoscope", "unknown_field")}),
        ({**PERSON, "email": "nobody"}, {("/email", "email_invalid")}),
        ({**PERSON, "phone": "call me"}, {("/phone", "phone_invalid")}),
        ({**PERSON, "country": "XX"}, {("/country", "country_unknown")}),
        ({**PERSON, "is_person": "yes"}, {("/is_person", "not_yes_or_no")}),
        ({**PERSON, "owner_id": "me"}, {("/owner_id", "id_invalid")}),
        ({**PERSON, "queue_id": str(uuid4())}, {("/queue_id", "queue_unknown")}),
        ({**PERSON, "score": 99}, {("/score", "unknown_field")}),
    ],
)
async def test_bad_values_are_refused_with_a_pointer(
    client: AsyncClient, as_role: AsRole, body: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    response = await client.post(f"{API}/leads", json=body, headers=as_role("sales"))
    assert response.status_code == 422, response.text
    assert pointers(response) == expected


async def test_an_owner_or_a_queue_but_not_both(leads: Leads, client: AsyncClient, as_role: AsRole) -> None:
    me, queue = uuid4(), await leads.queue()
    headers = as_role("sales", user_id=me)
    own = await client.post(f"{API}/leads", json={**PERSON, "owner_id": str(me)}, headers=headers)
    assert (own.status_code, own.json()["owner_id"], own.json()["queue_id"]) == (201, str(me), None)
    body = {**PERSON, "owner_id": str(me), "queue_id": queue["id"]}
    assert pointers(await client.post(f"{API}/leads", json=body, headers=headers)) == {("/queue_id", "one_of_two")}
    foreign = await client.post(f"{API}/leads", json={**PERSON, "owner_id": str(uuid4())}, headers=headers)
    assert foreign.status_code == 403
    unknown = await client.post(f"{API}/leads", json={**PERSON, "owner_id": str(uuid4())}, headers=as_role("admin"))
    assert pointers(unknown) == {("/owner_id", "user_unknown")}


async def test_who_may_do_what(leads: Leads, client: AsyncClient, as_role: AsRole) -> None:
    lead = await leads.capture()
    address = f"{API}/leads/{lead['id']}"
    assert (await client.get(address)).status_code == 401
    assert (await client.get(address, headers=as_role("read_only"))).status_code == 200
    assert (await client.post(f"{API}/leads", json=PERSON, headers=as_role("read_only"))).status_code == 403
    change = {"title": "CEO"}
    for role in ("verifier", "read_only", "sales"):
        response = await client.patch(address, json=change, headers={**as_role(role), **tag(1)})
        assert response.status_code == 403, role
    assert (await client.patch(address, json=change, headers={**as_role("marketing"), **tag(1)})).status_code == 200
    assert (await client.put(f"{API}/statuses", json={}, headers=as_role("sales_manager"))).status_code == 403
    assert (await client.post(f"{API}/forms", json={"name": "F"}, headers=as_role("sales"))).status_code == 403
    assert (await client.post(f"{API}/queues", json={"name": "Q"}, headers=as_role("sales"))).status_code == 403


async def test_a_manager_works_on_the_leads_of_his_team_only(
    publish: Publisher, leads: Leads, client: AsyncClient, as_role: AsRole
) -> None:
    team = uuid4()
    mate, stranger = await known_user(publish, team_ids=[team]), await known_user(publish)
    manager = as_role("sales_manager", team_ids=[team])
    for owner, status in ((mate, 200), (stranger, 403)):
        lead = await leads.capture("marketing", owner_id=str(owner))
        response = await client.patch(f"{API}/leads/{lead['id']}", json={"title": "CEO"}, headers={**manager, **tag(1)})
        assert response.status_code == status


async def test_a_manager_enters_leads_for_his_team_only(
    publish: Publisher, client: AsyncClient, as_role: AsRole
) -> None:
    team = uuid4()
    mate, stranger = await known_user(publish, team_ids=[team]), await known_user(publish)
    manager = as_role("sales_manager", team_ids=[team])
    for owner, status in ((mate, 201), (stranger, 403)):
        body = {**PERSON, "owner_id": str(owner)}
        assert (await client.post(f"{API}/leads", json=body, headers=manager)).status_code == status


async def test_changes_need_the_version_and_say_what_was_before(
    leads: Leads, client: AsyncClient, as_role: AsRole, emitted: Outbox
) -> None:
    lead = await leads.capture(**COMPANY)
    address, headers = f"{API}/leads/{lead['id']}", as_role("admin")
    assert (await client.patch(address, json={"title": "CEO"}, headers=headers)).status_code == 428
    malformed = await client.patch(address, json={"title": "CEO"}, headers={**headers, "If-Match": "1"})
    assert malformed.status_code == 400
    changed = await client.patch(address, json={"title": "CEO", "phone": "+48221112233"}, headers={**headers, **tag(1)})
    assert (changed.status_code, changed.headers["etag"], changed.json()["phone_e164"]) == (200, '"2"', "+48221112233")
    assert (await client.patch(address, json={"title": "CTO"}, headers={**headers, **tag(1)})).status_code == 412
    [event] = await emitted(LeadChanged)
    assert event.previous == {"title": None, "phone": None, "phone_e164": None}


async def test_a_change_without_effect_says_nothing(
    leads: Leads, client: AsyncClient, as_role: AsRole, emitted: Outbox
) -> None:
    lead = await leads.capture(**COMPANY)
    headers = {**as_role("admin"), **tag(1)}
    same = await client.patch(f"{API}/leads/{lead['id']}", json={"company": "Get Cloudy"}, headers=headers)
    assert (same.status_code, same.json()["version"]) == (200, 1)
    assert await emitted(LeadChanged) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"last_name": None}, {("/last_name", "not_text")}),
        ({"is_person": None}, {("/is_person", "not_yes_or_no")}),
        ({"company": None}, {("/company", "required")}),
        ({"company": " "}, {("/company", "required")}),
        ({"owner_id": str(uuid4())}, {("/owner_id", "unknown_field")}),
    ],
)
async def test_a_change_cannot_take_away_what_a_lead_needs(
    leads: Leads, client: AsyncClient, as_role: AsRole, change: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    lead = await leads.capture(last_name="Nowak", company="Get Cloudy", is_person=False)
    response = await client.patch(f"{API}/leads/{lead['id']}", json=change, headers={**as_role("admin"), **tag(1)})
    assert (response.status_code, pointers(response)) == (422, expected)


async def test_only_a_matched_field_asks_for_duplicates(
    leads: Leads, client: AsyncClient, as_role: AsRole, answer: Answers
) -> None:
    lead = await leads.capture(**COMPANY)
    answer.asked.clear()
    headers = as_role("admin")
    await client.patch(f"{API}/leads/{lead['id']}", json={"title": "CEO"}, headers={**headers, **tag(1)})
    assert answer.asked == []
    await client.patch(f"{API}/leads/{lead['id']}", json={"email": "o@getcloudy.pl"}, headers={**headers, **tag(2)})
    [item] = [body["items"][0] for _, path, body in answer.asked if path.endswith("/claims")]
    assert (item["event"], item["fields"]["email"], item["record_id"]) == ("edit", "o@getcloudy.pl", lead["id"])


async def test_the_status_moves_with_its_category_and_history(
    leads: Leads, client: AsyncClient, as_role: AsRole, emitted: Outbox
) -> None:
    lead = await leads.capture()
    address, headers = f"{API}/leads/{lead['id']}", as_role("admin")
    moved = await client.post(f"{address}/status", json={"status": "contacted", "reason": "Called"}, headers=headers)
    assert (moved.json()["status_category"], moved.json()["version"]) == ("working", 2)
    for status, code in (("converted", "not_by_hand"), ("unheard", "not_an_option")):
        assert pointers(await client.post(f"{address}/status", json={"status": status}, headers=headers)) == {
            ("/status", code)
        }
    [event] = await emitted(LeadStatusChanged)
    assert event.previous["status"] == "new"
    history = (await client.get(f"{address}/history", headers=headers)).json()
    [change] = history["statuses"]
    assert (change["before"], change["after"], change["reason"]) == ("new", "contacted", "Called")


async def test_the_status_list_is_the_administrators(
    leads: Leads, client: AsyncClient, as_role: AsRole, emitted: Outbox
) -> None:
    lead = await leads.capture()
    headers = as_role("admin")
    read = await client.get(f"{API}/statuses", headers=as_role("sales"))
    assert (read.headers["etag"], read.json()["entries"][0]["value"]) == ('"0"', "new")
    other = {"entries": [{"value": "fresh", "label": "Fresh", "category": "open"}]}
    used = await client.put(f"{API}/statuses", json=other, headers={**headers, **tag(0)})
    assert (used.status_code, used.json()["statuses"]) == (409, ["new"])
    other["entries"].append({"value": "new", "label": "Nowy", "category": "working"})
    stored = await client.put(f"{API}/statuses", json=other, headers={**headers, **tag(0)})
    assert (stored.status_code, stored.json()["version"]) == (200, 1)
    assert (await client.put(f"{API}/statuses", json=other, headers={**headers, **tag(0)})).status_code == 412
    assert (await leads.capture())["status"] == "fresh"
    again = (await client.get(f"{API}/leads/{lead['id']}", headers=headers)).json()
    assert (again["status"], again["status_category"], again["version"]) == ("new", "working", 2)
    assert len(await emitted(LeadStatusChanged)) == 1


@pytest.mark.parametrize(
    ("entries", "pointer"),
    [
        ([], "/entries"),
        ([{"value": "a", "label": "A", "category": "working"}], "/entries"),
        ([{"value": "a", "label": "A", "category": "hot"}], "/entries/0/category"),
        ([{"value": "A B", "label": "A", "category": "open"}], "/entries/0/value"),
        ([{"value": "a", "label": "A", "category": "open"}] * 2, "/entries/1/value"),
    ],
)
async def test_a_status_list_that_cannot_work_is_refused(
    client: AsyncClient, as_role: AsRole, entries: list[Any], pointer: str
) -> None:
    response = await client.put(f"{API}/statuses", json={"entries": entries}, headers={**as_role("admin"), **tag(0)})
    assert response.status_code == 422
    assert pointer in {error["pointer"] for error in response.json()["errors"]}


async def test_a_lead_is_given_to_a_user_and_back_to_a_queue_keeping_its_arrival(
    publish: Publisher, leads: Leads, client: AsyncClient, as_role: AsRole, emitted: Outbox
) -> None:
    ola, lead = await known_user(publish), await leads.capture()
    address, headers = f"{API}/leads/{lead['id']}/owner", as_role("admin")
    given = await client.post(address, json={"owner_id": str(ola), "reason": "Her region"}, headers=headers)
    assert (given.json()["owner_id"], given.json()["queue_id"]) == (str(ola), None)
    again = await client.post(address, json={"owner_id": str(ola)}, headers=headers)
    assert again.json()["version"] == given.json()["version"]
    back = await client.post(address, json={"queue_id": lead["queue_id"]}, headers=headers)
    assert (back.json()["owner_id"], back.json()["arrived_at"]) == (None, lead["arrived_at"])
    nobody = await client.post(address, json={}, headers=headers)
    assert nobody.status_code == 422
    events = await emitted(LeadAssigned)
    assert [event.previous["owner_id"] for event in events] == [None, str(ola)]
    history = (await client.get(f"{API}/leads/{lead['id']}/history", headers=headers)).json()["assignments"]
    assert [(entry["how"], entry["reason"]) for entry in history] == [
        ("captured", None), ("given", "Her region"), ("given", None),
    ]  # fmt: skip


async def test_an_inactive_user_gets_no_leads(
    publish: Publisher, leads: Leads, client: AsyncClient, as_role: AsRole
) -> None:
    gone, lead = await known_user(publish, is_active=False), await leads.capture()
    response = await client.post(
        f"{API}/leads/{lead['id']}/owner", json={"owner_id": str(gone)}, headers=as_role("admin")
    )
    assert pointers(response) == {("/owner_id", "user_unknown")}


async def test_a_deleted_lead_is_gone_from_lists_and_can_be_restored(
    leads: Leads, client: AsyncClient, as_role: AsRole, emitted: Outbox
) -> None:
    lead = await leads.capture()
    address, headers = f"{API}/leads/{lead['id']}", as_role("admin")
    assert (await client.delete(address, headers={**headers, **tag(7)})).status_code == 412
    assert (await client.delete(address, headers={**headers, **tag(1)})).status_code == 204
    assert (await client.get(f"{API}/leads", headers=headers)).json()["items"] == []
    trash = (await client.get(f"{API}/leads", params={"deleted": True}, headers=headers)).json()["items"]
    assert [found["is_deleted"] for found in trash] == [True]
    assert (await client.patch(address, json={"title": "x"}, headers={**headers, **tag(2)})).status_code == 409
    restored = await client.post(f"{address}/restoration", headers=headers)
    assert (restored.status_code, restored.json()["is_deleted"]) == (200, False)
    assert (await client.post(f"{address}/restoration", headers=headers)).status_code == 409
    assert [len(await emitted(event)) for event in (LeadDeleted, LeadRestored)] == [1, 1]


async def test_deleted_leads_are_not_taken(leads: Leads, client: AsyncClient, as_role: AsRole) -> None:
    me = uuid4()
    queue = await leads.queue(me)
    lead = await leads.capture(queue_id=queue["id"])
    await client.delete(f"{API}/leads/{lead['id']}", headers={**as_role("admin"), **tag(1)})
    assert (await leads.take(queue["id"], me)).status_code == 204


async def test_lists_are_filtered_sorted_and_searched(leads: Leads, client: AsyncClient, as_role: AsRole) -> None:
    for last, city, phone in (
        ("Żuk", "Łódź", "+48221112233"), ("Kot", "Roma", "+390612345678"), ("Rana", "Roma", None),
    ):  # fmt: skip
        await leads.capture(last_name=last, city=city, phone=phone)

    async def names(**params: Any) -> list[str]:
        response = await client.get(f"{API}/leads", params=params, headers=as_role("sales"))
        assert response.status_code == 200, response.text
        return [lead["last_name"] for lead in response.json()["items"]]

    assert await names(filter="city:eq:Roma", sort="last_name") == ["Kot", "Rana"]
    assert await names(q="zuk") == ["Żuk"]
    assert await names(q="221112233") == ["Żuk"]
    assert await names(sort="-arrived_at", limit=1) == ["Rana"]
    strange = await client.get(f"{API}/leads", params={"filter": "search:eq:x"}, headers=as_role("sales"))
    assert (strange.status_code, strange.json()["errors"][0]["pointer"]) == (422, "?filter")


async def test_members_take_leads_in_the_order_of_arrival(leads: Leads, emitted: Outbox) -> None:
    me = uuid4()
    queue = await leads.queue(me)
    arrived = [(await leads.capture(queue_id=queue["id"]))["id"] for _ in range(3)]
    taken = [(await leads.take(queue["id"], me)).json() for _ in range(3)]
    assert [lead["id"] for lead in taken] == arrived
    assert {lead["owner_id"] for lead in taken} == {str(me)}
    empty = await leads.take(queue["id"], me)
    assert (empty.status_code, empty.content) == (204, b"")
    assert [event.previous["queue_id"] for event in await emitted(LeadAssigned)] == [queue["id"]] * 3


async def test_twenty_members_take_a_hundred_leads_each_once_and_first_come_first_served(
    leads: Leads, db: Database
) -> None:
    members = [uuid4() for _ in range(20)]
    queue = await leads.queue(*members)
    arrived = [(await leads.capture(queue_id=queue["id"]))["id"] for _ in range(100)]
    place = {lead_id: number for number, lead_id in enumerate(arrived)}

    async def work(member: UUID) -> list[int]:
        taken = []
        while (response := await leads.take(queue["id"], member)).status_code == 200:
            taken.append(place[response.json()["id"]])
        assert response.status_code == 204
        return taken

    hands = await asyncio.gather(*(work(member) for member in members))
    assert sorted(number for hand in hands for number in hand) == list(range(100))
    assert all(hand == sorted(hand) for hand in hands)
    async with db.read() as session:
        order = select(Assignment.lead_id).where(Assignment.how == "taken").order_by(Assignment.assigned_at)
        served = [place[str(lead_id)] for lead_id in (await session.execute(order)).scalars()]
    # Nobody is served before somebody who came much earlier: the hands reach into the line side by side.
    assert all(abs(number - position) < len(members) for position, number in enumerate(served))


async def test_only_members_take_and_teams_count(leads: Leads, client: AsyncClient, as_role: AsRole) -> None:
    team, queue = uuid4(), await leads.queue()
    await leads.capture(queue_id=queue["id"])
    assert (await leads.take(queue["id"], uuid4())).json()["code"] == "not_a_queue_member"
    assert (await client.post(f"{API}/queues/{queue['id']}/take", headers=as_role("admin"))).status_code == 403
    change = {"team_ids": [str(team)]}
    headers = {**as_role("sales_manager"), **tag(1)}
    assert (await client.patch(f"{API}/queues/{queue['id']}", json=change, headers=headers)).status_code == 200
    mate = as_role("sales", team_ids=[team])
    assert (await client.post(f"{API}/queues/{queue['id']}/take", headers=mate)).status_code == 200
    assert (await leads.take(str(uuid4()), uuid4())).json()["code"] == "queue_not_found"


async def test_queues_are_kept_and_exactly_one_is_the_default(
    leads: Leads, client: AsyncClient, as_role: AsRole, emitted: Outbox
) -> None:
    headers = as_role("sales_manager")
    first = (await client.get(f"{API}/queues", headers=headers)).json()["items"][0]
    second = await leads.queue(name="Corporate Sales – West Region", is_default=True)
    listed = (await client.get(f"{API}/queues", headers=headers)).json()["items"]
    assert {queue["id"]: queue["is_default"] for queue in listed} == {first["id"]: False, second["id"]: True}
    same = await client.post(f"{API}/queues", json={"name": "corporate sales – west region"}, headers=headers)
    assert (same.status_code, same.json()["code"]) == (409, "queue_name_taken")
    address = f"{API}/queues/{second['id']}"
    for call in (client.delete(address, headers={**headers, **tag(1)}), client.patch(
        address, json={"is_default": False}, headers={**headers, **tag(1)}
    )):  # fmt: skip
        assert (await call).json()["code"] == "default_queue_needed"
    assert (await leads.capture())["queue_id"] == second["id"]
    assert (await client.delete(f"{API}/queues/{first['id']}", headers={**headers, **tag(2)})).status_code == 204
    assert (await client.get(f"{API}/queues/{first['id']}", headers=headers)).status_code == 404
    kinds: tuple[type[Fact], ...] = (QueueCreated, QueueChanged, QueueDeleted)
    assert [len(await emitted(kind)) for kind in kinds] == [2, 1, 1]


async def test_a_queue_with_leads_stays(leads: Leads, client: AsyncClient, as_role: AsRole) -> None:
    queue = await leads.queue()
    await leads.capture(queue_id=queue["id"])
    seen = (await client.get(f"{API}/queues/{queue['id']}", headers=as_role("sales"))).json()
    assert (seen["waiting"], bool(seen["oldest_arrived_at"])) == (1, True)
    response = await client.delete(f"{API}/queues/{queue['id']}", headers={**as_role("sales_manager"), **tag(1)})
    assert (response.status_code, response.json()["code"]) == (409, "queue_not_empty")


async def test_likely_duplicates_are_shown_beside_the_new_lead(leads: Leads, answer: Answers) -> None:
    answer("dedup", CLAIMS, decided("alert", candidates=[CANDIDATE], hidden_matches=1))
    lead = await leads.capture(**COMPANY)
    assert lead["duplicate_candidates"][0]["label"] == "Ola Nowak"
    assert lead["hidden_matches"] == 1


@pytest.mark.parametrize(("decision", "code"), [("blocked", "duplicate_blocked"), ("confirm", "duplicate_confirm")])
async def test_a_rule_can_stop_a_lead(
    client: AsyncClient, as_role: AsRole, answer: Answers, db: Database, decision: str, code: str
) -> None:
    answer("dedup", CLAIMS, decided(decision, candidates=[CANDIDATE], token="seen"))
    body = {**COMPANY, "duplicate_token": "earlier"}
    response = await client.post(f"{API}/leads", json=body, headers=as_role("sales"))
    problem = response.json()
    assert (response.status_code, problem["code"], len(problem["candidates"])) == (409, code, 1)
    assert problem.get("token") == ("seen" if decision == "confirm" else None)
    [item] = answer.asked[-1][2]["items"]
    assert (item["confirm_token"], item["viewer"]["roles"]) == ("earlier", ["sales"])
    async with db.read() as session:
        assert (await session.execute(select(Lead))).first() is None


async def test_without_an_answer_the_lead_is_taken_and_checked_later(
    leads: Leads, answer: Answers, runtime: Runtime, client: AsyncClient, as_role: AsRole
) -> None:
    answer("dedup", CLAIMS, lambda body: (503, {"code": "unavailable"}))
    lead = await leads.capture(**COMPANY)
    assert lead["duplicate_check"] == "pending"
    waiting = await client.get(
        f"{API}/leads", params={"filter": "duplicate_check:eq:pending"}, headers=as_role("sales")
    )
    assert len(waiting.json()["items"]) == 1
    answer("dedup", CLAIMS, decided("alert"))
    assert [await check_postponed(runtime), await check_postponed(runtime)] == [1, 0]
    assert answer.asked[-1][2]["items"][0]["action"] == "alert"
    checked = (await client.get(f"{API}/leads/{lead['id']}", headers=as_role("sales"))).json()
    assert (checked["duplicate_check"], checked["version"]) == ("done", 1)


async def test_the_same_request_twice_makes_one_lead(client: AsyncClient, as_role: AsRole, emitted: Outbox) -> None:
    headers = {**as_role("sales"), "Idempotency-Key": "once"}
    first, second = [await client.post(f"{API}/leads", json=COMPANY, headers=headers) for _ in range(2)]
    assert first.json()["id"] == second.json()["id"]
    other = await client.post(f"{API}/leads", json=PERSON, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len(await emitted(LeadCaptured)) == 1


async def test_a_lead_in_the_bin_comes_back_although_its_queue_is_gone(
    leads: Leads, client: AsyncClient, as_role: AsRole
) -> None:
    queue, headers = await leads.queue(), as_role("admin")
    lead = await leads.capture(queue_id=queue["id"])
    await client.delete(f"{API}/leads/{lead['id']}", headers={**headers, **tag(1)})
    assert (await client.delete(f"{API}/queues/{queue['id']}", headers={**headers, **tag(1)})).status_code == 204
    restored = (await client.post(f"{API}/leads/{lead['id']}/restoration", headers=headers)).json()
    home = (await client.get(f"{API}/queues/{restored['queue_id']}", headers=headers)).json()
    assert home["is_default"]


async def test_a_refusal_by_dedup_loses_no_lead(leads: Leads, answer: Answers) -> None:
    answer("dedup", CLAIMS, lambda body: (403, {"code": "forbidden"}))
    assert (await leads.capture())["duplicate_check"] == "pending"


@pytest.mark.parametrize("words", ["!!!", "%", "_", "\\"])
async def test_searching_for_signs_finds_nothing(
    leads: Leads, client: AsyncClient, as_role: AsRole, words: str
) -> None:
    await leads.capture()
    found = await client.get(f"{API}/leads", params={"q": words}, headers=as_role("sales"))
    assert (found.status_code, found.json()["items"]) == (200, [])


async def test_the_api_describes_itself(client: AsyncClient, as_role: AsRole) -> None:
    document = (await client.get("/openapi.json")).json()
    body = document["paths"]["/api/leads/v1/forms/{form_key}/submissions"]["post"]["requestBody"]["content"]
    assert set(body) == {"application/json", "application/x-www-form-urlencoded"}
    meta = (await client.get(f"{API}/meta", headers=as_role("sales"))).json()
    described = {entry["name"]: {field["name"]: field for field in entry["fields"]} for entry in meta["objects"]}
    assert set(described) == {"lead", "queue", "form", "submission"}
    assert [name for name, field in described["lead"].items() if field["required"]] == ["last_name"]
    assert {option["value"] for option in described["lead"]["source"]["options"]} > {"toll_free", "trade_fair"}


async def test_the_changes_of_a_lead_name_field_and_values(leads: Leads, client: AsyncClient, as_role: AsRole) -> None:
    lead = await leads.capture()
    address, headers = f"{API}/leads/{lead['id']}", as_role("admin")
    await client.patch(address, json={"title": "Buyer"}, headers={**headers, "If-Match": '"1"'})
    [change] = (await client.get(f"{address}/changes", headers=headers)).json()["items"]
    assert (change["field"], change["old"], change["new"]) == ("title", None, "Buyer")
