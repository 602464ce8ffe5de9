import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import DateTime, Text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column
from uuid_utils.compat import uuid7

from chassis.db import Database
from chassis.due import run_due

from .conftest import Bench, wait_until
from .teams import Base


class Alarm(Base):
    __tablename__ = "alarms"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    state: Mapped[str] = mapped_column(Text, default="pending")
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Process:
    def __init__(self, bench: Bench) -> None:
        self.db = bench.database
        self.stopping = asyncio.Event()


async def ring(session: AsyncSession, alarms: Any) -> None:
    for alarm in alarms:
        alarm.state = "fired"


async def test_many_workers_fire_each_row_once_and_none_before_its_time(bench: Bench) -> None:
    await bench.rows("create table rung (id uuid, early boolean)")
    await bench.rows(
        "create function note() returns trigger language plpgsql as "
        "$$ begin insert into rung values (new.id, clock_timestamp() < new.due_at); return new; end $$"
    )
    await bench.rows("create trigger note after update on alarms for each row execute function note()")
    await bench.rows(
        "insert into alarms (id, state, due_at) select gen_random_uuid(), 'pending',"
        " clock_timestamp() + make_interval(secs => n * 0.002) from generate_series(1, 500) n"
    )
    process = Process(bench)
    workers = [asyncio.create_task(run_due(process, Alarm, ring, batch=20)) for _ in range(4)]

    async def all_fired() -> bool:
        return int((await bench.rows("select count(*) from alarms where state = 'pending'"))[0][0]) == 0

    await wait_until(all_fired)
    process.stopping.set()
    await asyncio.gather(*workers)
    (row,) = await bench.rows("select count(*) n, count(distinct id) d, count(*) filter (where early) early from rung")
    assert (row["n"], row["d"], row["early"]) == (500, 500, 0)


async def test_a_handler_that_fails_fires_nothing(bench: Bench) -> None:
    await bench.rows("insert into alarms (id, state, due_at) values (gen_random_uuid(), 'pending', now())")

    async def fail(session: AsyncSession, alarms: Any) -> None:
        await ring(session, alarms)
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError):
        await run_due(Process(bench), Alarm, fail)
    assert [row["state"] for row in await bench.rows("select state from alarms")] == ["pending"]


async def test_a_pool_without_a_free_connection_is_waited_for(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    await bench.rows("insert into alarms (id, state, due_at) values (gen_random_uuid(), 'pending', now())")
    process = Process(bench)
    process.db = Database(bench.database.url, "identity", pool_size=1)
    process.db.engine.pool._timeout = 0.05  # type: ignore[attr-defined]
    async with process.db.engine.connect():
        firing = asyncio.create_task(run_due(process, Alarm, ring, poll=0.05))

        async def refused_twice() -> bool:
            return firing.done() or caplog.text.count("due_queue_interrupted") > 1

        await wait_until(refused_twice)
        assert not firing.done()

    async def has_fired() -> bool:
        return [row["state"] for row in await bench.rows("select state from alarms")] == ["fired"]

    await wait_until(has_fired)
    process.stopping.set()
    await firing
    await process.db.close()
