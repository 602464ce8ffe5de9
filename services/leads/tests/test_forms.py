from typing import Any

import pytest
from httpx2 import AsyncClient
from sqlalchemy import select

from chassis.db import Database
from chassis.testing import Answers, AsRole, Outbox
from contracts.leads import LeadCaptured
from leads.domain import HONEYPOT
from leads.models import Submission

API = "/api/leads/v1"
CLAIMS = "/api/dedup/v1/claims"
VISITOR = {"last_name": "Nowak", "company": "Get Cloudy", "email": "ola@getcloudy.pl"}


@pytest.fixture(autouse=True)
def _dedup_finds_nothing(answer: Answers) -> None:
    decide(answer, "clear")


def decide(answer: Answers, decision: str) -> None:
    def reply(body: Any) -> Any:
        return {"results": [{"record_id": item["record_id"], "decision": decision} for item in body["items"]]}

    answer("dedup", CLAIMS, reply)


async def a_form(client: AsyncClient, as_role: AsRole, **fields: Any) -> dict[str, Any]:
    body = {"name": "Landing page", **fields}
    response = await client.post(f"{API}/forms", json=body, headers=as_role("marketing"))
    assert response.status_code == 201, response.text
    return dict(response.json())


async def submit(client: AsyncClient, form: dict[str, Any], fields: Any = None, **options: Any) -> Any:
    given = options or {"json": VISITOR if fields is None else fields}
    return await client.post(f"{API}/forms/{form['key']}/submissions", **given)


async def submissions(db: Database) -> list[Submission]:
    async with db.read() as session:
        return list((await session.execute(select(Submission).order_by(Submission.id))).scalars())


async def test_a_visitor_becomes_a_lead_without_signing_in(
    client: AsyncClient, as_role: AsRole, emitted: Outbox, db: Database
) -> None:
    form = await a_form(client, as_role, source="trade_fair", campaign="Expo 2026")
    taken = await submit(client, form, {**VISITOR, "utm_source": "mailing", "utm_campaign": "autumn"})
    assert taken.status_code == 202
    [event] = await emitted(LeadCaptured)
    lead = event.state
    assert (lead.source, lead.campaign, lead.form) == ("trade_fair", "Expo 2026", form["key"])
    assert (lead.utm, lead.status, lead.owner_id) == ({"source": "mailing", "campaign": "autumn"}, "new", None)
    [kept] = await submissions(db)
    assert (str(kept.id), kept.outcome, kept.lead_id) == (taken.json()["id"], "captured", lead.id)


async def test_a_plain_html_form_is_understood(client: AsyncClient, as_role: AsRole, emitted: Outbox) -> None:
    form = await a_form(client, as_role)
    body = "last_name=%C5%BBuk&is_person=on&company=&description=Prosz%C4%99+o+ofert%C4%99"
    sent = {"content": body, "headers": {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}}
    assert (await submit(client, form, **sent)).status_code == 202
    [event] = await emitted(LeadCaptured)
    assert (event.state.last_name, event.state.is_person) == ("Żuk", True)
    assert event.state.description == "Proszę o ofertę"


async def test_the_forms_queue_gets_its_leads(client: AsyncClient, as_role: AsRole, emitted: Outbox) -> None:
    queue = await client.post(f"{API}/queues", json={"name": "West"}, headers=as_role("sales_manager"))
    form = await a_form(client, as_role, queue_id=queue.json()["id"])
    await submit(client, form)
    [event] = await emitted(LeadCaptured)
    assert str(event.state.queue_id) == queue.json()["id"]


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({}, "/last_name", "required"),
        ({"last_name": "Nowak"}, "/company", "required"),
        ({**VISITOR, "email": "nobody"}, "/email", "email_invalid"),
        ({**VISITOR, "owner_id": "1"}, "/owner_id", "unknown_field"),
        ({**VISITOR, "status": "qualified"}, "/status", "unknown_field"),
        ({**VISITOR, "is_person": "perhaps"}, "/is_person", "not_yes_or_no"),
        ({**VISITOR, "last_name": "a\x00b"}, None, "malformed_json"),
        ([1], "", "not_an_object"),
    ],
)
async def test_what_cannot_be_taken_is_said_field_by_field(
    client: AsyncClient, as_role: AsRole, fields: Any, pointer: str | None, code: str
) -> None:
    response = await submit(client, await a_form(client, as_role), fields)
    problem = response.json()
    if pointer is None:
        assert response.status_code in (400, 422)
        return
    assert response.status_code == 422
    assert (pointer, code) in {(error["pointer"], error["code"]) for error in problem["errors"]}


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"content": "{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"content": "<lead/>", "headers": {"Content-Type": "application/xml"}}, 415),
        ({"content": b"\xff=\xfe", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 422),
        ({"content": "&".join(["a=1"] * 200), "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 422),
        ({"content": "x" * 70_000, "headers": {"Content-Type": "application/json"}}, 413),
    ],
)
async def test_bodies_that_nobody_meant_are_refused(
    client: AsyncClient, as_role: AsRole, options: dict[str, Any], status: int
) -> None:
    response = await submit(client, await a_form(client, as_role), **options)
    assert response.status_code == status, response.text


async def test_a_robot_gets_the_usual_answer_and_makes_no_lead(
    client: AsyncClient, as_role: AsRole, emitted: Outbox, db: Database
) -> None:
    form = await a_form(client, as_role)
    response = await submit(client, form, {"last_name": "Cheap pills", HONEYPOT: "http://pills.example"})
    assert (response.status_code, set(response.json())) == (202, {"id"})
    assert await emitted(LeadCaptured) == []
    assert [kept.outcome for kept in await submissions(db)] == ["spam"]


async def test_a_duplicate_under_a_block_rule_gets_the_usual_answer_and_is_kept(
    client: AsyncClient, as_role: AsRole, answer: Answers, emitted: Outbox, db: Database
) -> None:
    form = await a_form(client, as_role)
    decide(answer, "blocked")
    response = await submit(client, form)
    assert (response.status_code, set(response.json())) == (202, {"id"})
    assert await emitted(LeadCaptured) == []
    [kept] = await submissions(db)
    assert (kept.outcome, kept.fields["email"]) == ("duplicate", "ola@getcloudy.pl")
    listed = await client.get(f"{API}/submissions", headers=as_role("sales"))
    assert [found["outcome"] for found in listed.json()["items"]] == ["duplicate"]
    assert (await client.get(f"{API}/submissions", headers=as_role("read_only"))).status_code == 403


async def test_no_request_is_lost_while_dedup_is_down(
    client: AsyncClient, as_role: AsRole, answer: Answers, emitted: Outbox
) -> None:
    form = await a_form(client, as_role)
    answer("dedup", CLAIMS, lambda body: (503, {}))
    assert (await submit(client, form)).status_code == 202
    assert len(await emitted(LeadCaptured)) == 1


async def test_a_form_takes_so_many_in_a_minute(client: AsyncClient, as_role: AsRole) -> None:
    form, other = await a_form(client, as_role, per_minute=2), await a_form(client, as_role)
    assert [(await submit(client, form)).status_code for _ in range(3)] == [202, 202, 429]
    assert (await submit(client, other)).status_code == 202


async def test_closed_and_unknown_forms_look_the_same(client: AsyncClient, as_role: AsRole) -> None:
    form = await a_form(client, as_role)
    headers = {**as_role("marketing"), "If-Match": '"1"'}
    closed = await client.patch(f"{API}/forms/{form['id']}", json={"is_active": False}, headers=headers)
    assert (closed.status_code, closed.json()["version"]) == (200, 2)
    answers = [await submit(client, form), await submit(client, {"key": "nothing"})]
    assert {(response.status_code, response.json()["code"]) for response in answers} == {(404, "form_not_found")}
