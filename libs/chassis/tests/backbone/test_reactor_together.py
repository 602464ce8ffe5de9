"""Events that share a transaction: as if each had its own, also when one of them fails."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from chassis.outbox import emit
from chassis.projector import inbox_row
from chassis.reactor import LONGEST_TOGETHER, TOGETHER, ReactorLoop, Sharing
from chassis.subscriptions import Received, Subscriptions
from chassis.tables import INBOX
from chassis.testing.events import envelope_of
from contracts.identity import TeamChanged, TeamCreated, TeamState

from .conftest import Bench, team_created, wait_until
from .teams import Team

EVENTS = 60


async def put(bench: Bench, names: list[str]) -> None:
    events = [team_created(name) for name in names]
    rows = [inbox_row("act", Received(event, envelope_of(event))) for event in events]
    async with bench.database.transaction() as session:
        await session.execute(INBOX.insert(), rows)


async def work_all(bench: Bench, subscriptions: Subscriptions, left: int) -> None:
    stopping = asyncio.Event()
    task = asyncio.create_task(ReactorLoop(bench.database, subscriptions, stopping, asyncio.Event()).run())

    async def done() -> bool:
        return await bench.count("inbox where attempts = 0") == 0 and await bench.count("inbox") == left

    await wait_until(done)
    stopping.set()
    await task


async def test_one_that_fails_takes_nothing_of_the_others_with_it(bench: Bench) -> None:
    await bench.rows("create table acted (name text, xid xid8 default pg_current_xact_id())")
    subscriptions = Subscriptions()

    @subscriptions.react(TeamCreated)
    async def act(session: Any, event: TeamCreated, received: Received) -> None:
        await (await session.connection()).exec_driver_sql("insert into acted (name) values ($1)", (event.state.name,))
        if event.state.name == "poison":
            raise ValueError("on purpose")

    await put(bench, [str(number) for number in range(EVENTS - 1)])
    await put(bench, ["poison"])
    await put(bench, [str(number) for number in range(EVENTS - 1, 2 * EVENTS)])
    await work_all(bench, subscriptions, 1)
    acted = await bench.rows("select name, xid from acted")
    assert Counter(row["name"] for row in acted) == Counter(map(str, range(2 * EVENTS)))
    assert len({row["xid"] for row in acted}) < len(acted)
    (failed,) = await bench.rows("select attempts, state, error from inbox")
    assert (failed["attempts"], failed["state"], failed["error"]) == (1, "pending", "ValueError('on purpose')")


async def test_each_says_what_it_changed_itself(bench: Bench) -> None:
    identity = await bench.create("0")
    subscriptions = Subscriptions()

    @subscriptions.react(TeamCreated)
    async def act(session: Any, event: TeamCreated, received: Received) -> None:
        team = await session.get_one(Team, identity, with_for_update=True)
        team.name = event.state.name
        await emit(session, TeamChanged, team)

    loop = ReactorLoop(bench.database, subscriptions, asyncio.Event(), asyncio.Event())
    await put(bench, ["1", "2", "3"])
    await loop._handle_together(await loop._claim(3))
    rows = await bench.rows("select version, headers->>'ce_causationid' cause, payload from outbox order by id")
    told = [TeamChanged.model_validate_json(row["payload"]) for row in rows[1:]]
    assert [(each.state.version, each.previous, each.state.name) for each in told] == [
        (version, {"name": str(version - 2)}, str(version - 1)) for version in (2, 3, 4)
    ]
    assert len({row["cause"] for row in rows[1:]}) == 3
    history = await bench.rows("select old, new from field_history order by id")
    assert [(row["old"], row["new"]) for row in history] == [(f'"{n}"', f'"{n + 1}"') for n in range(3)]


def test_a_slow_function_gets_each_event_alone() -> None:
    sharing = Sharing()
    rows: list[dict[str, Any]] = [{"handler": "act", "key": str(number), "seq": number} for number in range(100)]
    assert {len(part) for part in sharing.shared(rows)} == {1}
    for size in (1, 2, 4, 8, 16):
        sharing.took(rows[:size], LONGEST_TOGETHER / 2)
    assert max(len(part) for part in sharing.shared(rows)) == TOGETHER
    assert sharing.most(2) == 2 * TOGETHER
    sharing.failed(rows)
    assert {len(part) for part in sharing.shared(rows)} == {1}
    sharing.took(rows[:1], LONGEST_TOGETHER * 10)
    assert list(sharing.shared(rows[:3])) == [rows[:1], rows[1:2], rows[2:3]]
    assert sharing.most(16) == 16


async def put_chain(bench: Bench, identity: UUID, names: list[str]) -> None:
    now = datetime.now(UTC)
    for version, name in enumerate(names, 1):
        state = TeamState(id=identity, version=version, created_at=now, updated_at=now, name=name)
        event = TeamCreated(state=state)
        async with bench.database.transaction() as session:
            await session.execute(INBOX.insert(), [inbox_row("act", Received(event, envelope_of(event)))])


async def test_events_of_a_key_share_a_transaction_until_one_fails_and_the_rest_waits(bench: Bench) -> None:
    acted: list[str] = []
    subscriptions = Subscriptions()

    @subscriptions.react(TeamCreated)
    async def act(session: Any, event: TeamCreated, received: Received) -> None:
        if event.state.name == "poison":
            raise ValueError("on purpose")
        acted.append(event.state.name)

    await put_chain(bench, uuid4(), ["a1", "a2", "poison", "a4", "a5"])
    await put_chain(bench, uuid4(), ["b1", "b2"])
    loop = ReactorLoop(bench.database, subscriptions, asyncio.Event(), asyncio.Event())
    loop._sharing._sizes["act"] = TOGETHER
    await loop._work_together(await loop._claim(100, TOGETHER))
    assert acted[-4:] == ["a1", "a2", "b1", "b2"]
    left = await bench.rows("select attempts, state, lease_until from inbox order by seq")
    assert [tuple(row) for row in left] == [(1, "pending", None), (0, "pending", None), (0, "pending", None)]
    assert await loop._claim(100, TOGETHER) == []


async def test_a_claim_takes_of_a_key_what_comes_first_without_a_gap(bench: Bench) -> None:
    parked, held, free = uuid4(), uuid4(), uuid4()
    for identity in (parked, held, free):
        await put_chain(bench, identity, ["1", "2", "3", "4"])
    await bench.rows(f"update inbox set state = 'parked' where key = '{parked}' and headers->>'ce_sequence' ~ '1$'")
    loop = ReactorLoop(bench.database, Subscriptions(), asyncio.Event(), asyncio.Event())
    async with bench.database.transaction() as session:
        # Another worker is about to claim the second one, so nothing behind it may be taken.
        second = f"select 1 from inbox where key = '{held}' and headers->>'ce_sequence' ~ '2$' for update"
        await session.execute(text(second))
        claimed = await loop._claim(100, 3)
    taken = [(row["key"], int(row["headers"]["ce_sequence"])) for row in claimed]
    assert taken == [(str(held), 1), (str(free), 1), (str(free), 2), (str(free), 3)]
    # The rest of both keys waits for what is under a lease.
    assert await loop._claim(100, 3) == []
