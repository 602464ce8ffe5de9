"""The operators' routes on a real database: for admins only, every change with a reason, the order of a key kept."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from workshop.models import Team

from chassis.operations import parked
from chassis.operations.wording import without_data
from chassis.outbox import emit
from chassis.projector import inbox_row
from chassis.subscriptions import Received
from chassis.tables import INBOX
from chassis.testing.events import envelope_of
from contracts.catalogue import topic_of
from contracts.examples import example
from contracts.identity import TeamChanged, TeamCreated, UserDeactivated

OPERATIONS = "/api/identity/v1/operations"
REASON = "the template is repaired"


def deactivated(name: str, version: int, key: UUID) -> Received:
    event = example(UserDeactivated, topic_of(UserDeactivated))
    state = event.state.model_copy(update={"name": name, "version": version, "id": key})
    event = event.model_copy(update={"state": state})
    return Received(event, envelope_of(event))


async def parked_key(db: Any, handler: str = "open_team_in_memory") -> str:
    """Three events of one key in the inbox; the first one was tried in vain."""
    key = uuid4()
    events = [deactivated(name, version, key) for version, name in enumerate(("Trouble", "Second", "Third"), 1)]
    async with db.transaction() as session:
        await session.execute(INBOX.insert(), [inbox_row(handler, each) for each in events])
        first = "update inbox set state = 'parked', attempts = 5, error = 'RuntimeError' where event_id = :id"
        await session.execute(text(first), {"id": events[0].envelope.id})
    return str(key)


async def rows(db: Any, statement: str) -> list[Any]:
    async with db.read() as session:
        return list((await session.execute(text(statement))).all())


async def test_a_parked_key_is_listed_and_shown_without_its_data(client: Any, db: Any, as_role: Any) -> None:
    key = await parked_key(db)
    (found,) = (await client.get(f"{OPERATIONS}/parked", headers=as_role("admin"))).json()
    assert (found["source"], found["name"], found["key"]) == ("inbox", "open_team_in_memory", key)
    assert (found["attempts"], found["behind"], found["error"]) == (5, 2, "RuntimeError")
    shown = (await client.get(f"{OPERATIONS}/parked/events?key={key}", headers=as_role("admin"))).json()
    assert [(each["sequence"], each["state"]) for each in shown] == [(1, "parked"), (2, "pending"), (3, "pending")]
    assert "Trouble" not in str(shown), "what happened to whom is nobody's business here"


async def test_a_retried_key_goes_on_in_its_order(client: Any, db: Any, as_role: Any, publish: Any) -> None:
    key = await parked_key(db)
    await publish.react()
    assert await rows(db, "select name from teams") == [], "nothing overtakes the parked event"
    async with db.transaction() as session:  # the cure: what broke the handler is gone
        mend = (
            "update inbox set payload = convert_to(replace(convert_from(payload, 'UTF8'), 'Trouble', 'First'), 'UTF8')"
        )
        await session.execute(text(mend))
    body = {"key": key, "reason": REASON}
    answer = await client.post(f"{OPERATIONS}/parked/retries", json=body, headers=as_role("admin"))
    assert answer.status_code == 200 and len(answer.json()["event_ids"]) == 1
    await publish.react()
    names = [name for (name,) in await rows(db, "select name from teams order by created_at, id")]
    assert names == ["In memory of First", "In memory of Second", "In memory of Third"]
    assert (await client.get(f"{OPERATIONS}/parked", headers=as_role("admin"))).json() == []


async def test_dropping_gives_up_the_first_event_only(client: Any, db: Any, as_role: Any, publish: Any) -> None:
    body = {"key": await parked_key(db), "reason": "a typing error of the importer"}
    await client.post(f"{OPERATIONS}/parked/drops", json=body, headers=as_role("admin"))
    await publish.react()
    names = [name for (name,) in await rows(db, "select name from teams order by created_at, id")]
    assert names == ["In memory of Second", "In memory of Third"]


async def test_dropping_the_whole_key_leaves_nothing(client: Any, db: Any, as_role: Any, publish: Any) -> None:
    body = {"key": await parked_key(db), "reason": "all of it is made up", "whole": True}
    answer = await client.post(f"{OPERATIONS}/parked/drops", json=body, headers=as_role("admin"))
    assert len(answer.json()["event_ids"]) == 3
    await publish.react()
    assert await rows(db, "select name from teams") == []


async def test_every_change_leaves_a_row_that_nobody_can_alter(client: Any, db: Any, as_role: Any) -> None:
    key = await parked_key(db)
    headers = as_role("admin", name="Olga Operator")
    await client.post(f"{OPERATIONS}/parked/retries", json={"key": key, "reason": REASON}, headers=headers)
    (entry,) = (await client.get(f"{OPERATIONS}/audit", headers=headers)).json()
    assert (entry["action"], entry["object"], entry["reason"]) == ("parked.retry", key, REASON)
    assert entry["actor_name"] == "Olga Operator" and entry["details"]["name"] == "open_team_in_memory"
    for change in ("update operator_audit set reason = ''", "delete from operator_audit", "truncate operator_audit"):
        with pytest.raises(Exception, match="append-only"):
            async with db.transaction() as session:
                await session.execute(text(change))


async def test_without_a_reason_nothing_happens(client: Any, db: Any, as_role: Any) -> None:
    key = await parked_key(db)
    for body in ({"key": key}, {"key": key, "reason": "  "}):
        answer = await client.post(f"{OPERATIONS}/parked/retries", json=body, headers=as_role("admin"))
        assert answer.status_code == 422
    assert await rows(db, "select state from inbox where state = 'parked'") == [("parked",)]
    assert await rows(db, "select * from operator_audit") == []


async def test_a_key_parked_by_two_handlers_must_be_named(client: Any, db: Any, as_role: Any) -> None:
    key = await parked_key(db)
    async with db.transaction() as session:
        await session.execute(INBOX.insert(), [inbox_row("keep_user_replica", deactivated("Ann", 1, UUID(key)))])
        await session.execute(text("update inbox set state = 'parked' where handler = 'keep_user_replica'"))
    body = {"key": key, "reason": REASON}
    answer = await client.post(f"{OPERATIONS}/parked/retries", json=body, headers=as_role("admin"))
    assert (answer.status_code, answer.json()["code"]) == (409, "several_parked")
    body["name"] = "keep_user_replica"
    answer = await client.post(f"{OPERATIONS}/parked/retries", json=body, headers=as_role("admin"))
    assert answer.json()["name"] == "keep_user_replica"
    assert len(await rows(db, "select 1 from inbox where state = 'parked'")) == 1


async def test_an_unknown_key_is_not_found(client: Any, as_role: Any) -> None:
    body = {"key": str(uuid4()), "reason": REASON}
    answer = await client.post(f"{OPERATIONS}/parked/retries", json=body, headers=as_role("admin"))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_parked")


async def team_with_events(db: Any) -> str:
    async with db.transaction() as session:
        team = Team(name="First")
        session.add(team)
        await emit(session, TeamCreated, team)
    for name in ("Second", "Third"):
        async with db.transaction() as session:
            found = await session.get_one(Team, team.id, with_for_update=True)
            found.name = name
            await emit(session, TeamChanged, found)
    return str(team.id)


SET_ASIDE = """
with moved as (delete from outbox where version <= 2 returning *)
insert into outbox_parked (id, shard, topic, state_topic, tombstone, aggregate_type, aggregate_id, version, event_id,
                           type, headers, payload, created_at, reason)
select id, shard, topic, state_topic, tombstone, aggregate_type, aggregate_id, version, event_id,
       type, headers, payload, created_at, 'MessageSizeTooLargeError()' from moved"""


async def test_events_that_kafka_refused_go_back_in_front_of_later_ones(client: Any, db: Any, as_role: Any) -> None:
    key = await team_with_events(db)
    async with db.transaction() as session:
        await session.execute(text(SET_ASIDE))
    (found,) = (await client.get(f"{OPERATIONS}/parked", headers=as_role("admin"))).json()
    assert (found["source"], found["name"], found["key"], found["behind"]) == ("outbox", "crm.identity.team", key, 1)
    state = (await client.get(f"{OPERATIONS}/outbox", headers=as_role("admin"))).json()
    assert (state["waiting"], state["parked_rows"], state["parked_keys"]) == (1, 2, 1)
    body = {"key": key, "reason": "the broker takes larger records now"}
    await client.post(f"{OPERATIONS}/parked/retries", json=body, headers=as_role("admin"))
    assert [version for (version,) in await rows(db, "select version from outbox order by id")] == [1, 2, 3]
    assert await rows(db, "select * from outbox_parked") == []


async def test_dropping_a_refused_event_sends_those_behind_it(client: Any, db: Any, as_role: Any) -> None:
    key = await team_with_events(db)
    async with db.transaction() as session:
        await session.execute(text(SET_ASIDE))
    body = {"key": key, "reason": "the next version says it all"}
    await client.post(f"{OPERATIONS}/parked/drops", json=body, headers=as_role("admin"))
    assert [version for (version,) in await rows(db, "select version from outbox order by id")] == [2, 3]


async def quarantine(db: Any, value: bytes, headers: list[tuple[str, bytes]], offset: int) -> int:
    statement = text("""insert into quarantine (topic, partition, "offset", key, headers, value, error)
        values ('crm.identity.user', 0, :offset, :key, cast(:headers as jsonb), :value, 'ValidationError')
        returning id""")
    pairs = str([[name, raw.decode("latin-1")] for name, raw in headers]).replace("'", '"')
    async with db.transaction() as session:
        found = await session.execute(statement, {"offset": offset, "key": b"k", "headers": pairs, "value": value})
        return int(found.scalar_one())


async def test_what_can_be_decoded_by_now_leaves_the_quarantine(
    client: Any, db: Any, as_role: Any, publish: Any
) -> None:
    from contracts.envelope import encode

    received = deactivated("Ann", 3, uuid4())
    good = await quarantine(db, received.event.model_dump_json().encode(), encode(received.envelope), 1)
    bad = await quarantine(db, b"\xff\x00", [], 2)
    body = {"ids": [good, bad, 10**6], "reason": "the reader is mended"}
    retried = (await client.post(f"{OPERATIONS}/quarantine/retries", json=body, headers=as_role("admin"))).json()
    assert retried["applied"] == [good] and set(retried["refused"]) == {str(bad), "1000000"}
    assert [each["id"] for each in (await client.get(f"{OPERATIONS}/quarantine", headers=as_role("admin"))).json()] == [
        bad
    ]
    assert await rows(db, "select name, version from user_replicas") == [("Ann", 3)]
    await publish.react()
    assert await rows(db, "select name from teams") == [("In memory of Ann",)]


async def test_taking_a_record_out_is_audited_too(client: Any, db: Any, as_role: Any) -> None:
    number = await quarantine(db, b"\xff\x00", [("ce_id", b"\xfe")], 7)
    body = {"ids": [number], "reason": "to read it by hand"}
    (record,) = (await client.post(f"{OPERATIONS}/quarantine/exports", json=body, headers=as_role("admin"))).json()
    assert (record["value"], record["offset"]) == ("/wA=", 7)
    assert [tuple(each) for each in await rows(db, "select action, object from operator_audit")] == [
        ("quarantine.export", "crm.identity.user/0@7")
    ]


@pytest.mark.parametrize("role", ["sales_manager", "service", "read_only"])
async def test_nobody_but_an_admin_gets_in(client: Any, as_role: Any, role: str) -> None:
    for path in ("parked", "outbox", "audit", "quarantine"):
        assert (await client.get(f"{OPERATIONS}/{path}", headers=as_role(role))).status_code == 403
        assert (await client.get(f"{OPERATIONS}/{path}")).status_code == 401


async def test_two_operators_at_once_change_it_once(db: Any) -> None:
    key = await parked_key(db)
    async with db.transaction() as session:
        found = await parked.only_parked(session, key, None)
        await parked.retry(session, found)
    with pytest.raises(parked.NotParked):
        async with db.transaction() as session:
            await parked.retry(session, found)


REFUSED = (
    "IntegrityError('(sqlalchemy.dialects.postgresql.asyncpg.CheckViolationError) "
    'new row for relation "teams" violates check constraint "short"'
    "\\nDETAIL:  Failing row contains (Ann Secret).')"
)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (REFUSED, 'CheckViolationError: new row for relation "teams" violates check constraint "short"'),
        ("ValueError('no')", "ValueError('no')"),
        ("X('a [SQL: insert] [parameters: (Ann Secret)]')", "X('a"),
        ("1 error [type=string_type, input_value='Ann Secret', input_type=int]", "[type=string_type, input_type=int]"),
    ],
)
def test_an_error_is_told_without_the_values_it_quotes(error: str, said: str) -> None:
    assert said in without_data(error) and "Secret" not in without_data(error)
