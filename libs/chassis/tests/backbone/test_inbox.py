"""What was handled is remembered for a week, in partitions that are dropped as a whole."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from chassis.projector import inbox_row
from chassis.reactor import ReactorLoop
from chassis.subscriptions import Received, Subscriptions, handler_name
from chassis.tables import INBOX, INBOX_DONE
from chassis.testing.events import envelope_of
from contracts.identity import TeamCreated

from .conftest import Bench, team_created, wait_until


class Counting:
    """A reactor that counts, and waits for `gate` in the middle of its transaction."""

    def __init__(self) -> None:
        self.subscriptions = Subscriptions()
        self.calls: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = asyncio.Event()

        @self.subscriptions.react(TeamCreated)
        async def count_calls(session: Any, event: TeamCreated, received: Received) -> None:
            self.calls.append(received.envelope.subject)
            self.begun.set()
            await self.gate.wait()

        self.handler = handler_name(count_calls)


async def put(bench: Bench, counting: Counting, received: Received) -> None:
    async with bench.database.transaction() as session:
        await session.execute(INBOX.insert(), [inbox_row(counting.handler, received)])


async def work(bench: Bench, counting: Counting) -> None:
    loop = ReactorLoop(bench.database, counting.subscriptions, asyncio.Event(), asyncio.Event())
    while rows := await loop._claim(8):
        for row in rows:
            await loop._handle(row)


def received_event() -> Received:
    event = team_created("twice")
    return Received(event, envelope_of(event))


async def test_a_repeat_after_the_work_was_done_has_no_effect(bench: Bench) -> None:
    counting, received = Counting(), received_event()
    for _ in range(3):
        await put(bench, counting, received)
        await work(bench, counting)
    assert len(counting.calls) == 1
    assert (await bench.count("inbox"), await bench.count("inbox_done")) == (0, 1)


async def test_a_repeat_that_arrives_while_the_first_is_being_finished_has_no_effect(bench: Bench) -> None:
    counting, received = Counting(), received_event()
    counting.gate.clear()
    await put(bench, counting, received)
    first = asyncio.create_task(work(bench, counting))
    await counting.begun.wait()
    # The row is deleted but not committed: the repeat waits for that and is then no conflict any more.
    repeat = asyncio.create_task(put(bench, counting, received))

    async def waits() -> bool:
        query = "select from pg_stat_activity where wait_event_type = 'Lock' and query like 'INSERT INTO inbox%'"
        return bool(await bench.rows(query))

    await wait_until(waits)
    counting.gate.set()
    await asyncio.gather(first, repeat)
    await work(bench, counting)
    assert len(counting.calls) == 1
    assert await bench.count("inbox") == 0


async def test_days_are_made_ahead_and_dropped_whole_when_they_are_old(bench: Bench) -> None:
    (row,) = await bench.rows("select (clock_timestamp() at time zone 'utc')::date as today")
    today: date = row["today"]
    old, kept = today - timedelta(days=8), today - timedelta(days=7)
    for day in (old, kept):
        await bench.rows(
            f"create table inbox_done_{day:%Y%m%d} partition of inbox_done"
            f" for values from ('{day}') to ('{day + timedelta(days=1)}')"
        )
        await bench.rows(
            f"insert into inbox_done (handler, event_id, done_on) values ('h', gen_random_uuid(), '{day}')"
        )
    await bench.rows("insert into inbox_done values ('h', gen_random_uuid(), current_date - 400)")
    assert [row[0] for row in await bench.rows("select rotate_inbox_done(7, 7)")] == [1]
    parts = await bench.rows(
        "select relname from pg_class where relname like 'inbox_done_2%' and relkind = 'r' order by 1"
    )
    assert [part[0][-8:] for part in parts] == [f"{kept + timedelta(days=n):%Y%m%d}" for n in (0, *range(7, 15))]
    assert [row[0] for row in await bench.rows("select done_on from inbox_done")] == [kept]


async def test_what_an_operator_dropped_stays_known(bench: Bench) -> None:
    counting, received = Counting(), received_event()
    await put(bench, counting, received)
    await bench.rows("update inbox set state = 'done', done_at = now()")
    await ReactorLoop(bench.database, counting.subscriptions, asyncio.Event(), asyncio.Event())._forget_old()
    assert await bench.count("inbox") == 0
    await put(bench, counting, received)
    await work(bench, counting)
    assert counting.calls == []


@pytest.mark.parametrize("attempts", [1, 4])
async def test_a_database_that_is_in_the_way_counts_no_attempt(bench: Bench, attempts: int) -> None:
    counting, received = Counting(), received_event()
    await put(bench, counting, received)
    loop = ReactorLoop(bench.database, counting.subscriptions, asyncio.Event(), asyncio.Event())
    for _ in range(attempts):
        await bench.rows("update inbox set next_at = now(), lease_until = null")
        (row,) = await loop._claim(1)
        await loop._settle_failure(row, TimeoutError())
    (row,) = await bench.rows("select attempts, postponed, state, next_at - clock_timestamp() as wait from inbox")
    assert (row["attempts"], row["postponed"], row["state"]) == (0, attempts, "pending")
    assert row["wait"] <= timedelta(seconds=0.1 * 2**attempts)


async def test_the_memory_of_days_is_asked_by_key_in_every_partition(bench: Bench) -> None:
    """The check before each effect must not read whole days."""
    async with bench.database.transaction() as session:
        await session.execute(text("set local enable_seqscan = off"))
        question = INBOX_DONE.select().where(
            INBOX_DONE.c.handler == "h", INBOX_DONE.c.event_id == received_event().envelope.id
        )
        compiled = str(question.compile(session.bind, compile_kwargs={"literal_binds": True}))
        plan = "\n".join((await session.execute(text(f"explain {compiled}"))).scalars())
    assert "Seq Scan" not in plan
