"""A limit for what may wait, and connections that lead nowhere any more."""

import asyncio
from typing import Any

import asyncpg
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, InterfaceError

from chassis.db import Database
from chassis.outbox import LOOK_EVERY, Level, OutboxFull
from chassis.problems import from_database
from chassis.projector import is_transient

from .conftest import Bench, wait_until


@pytest.fixture
async def limited(bench: Bench) -> Any:
    """A process whose outbox may hold ten events."""
    database = Database(bench.database.url, "identity", pool_size=2, outbox_limit=10)
    yield Bench(database, bench.bus)
    await database.close()


async def test_changes_are_refused_with_a_code_once_too_many_events_wait(limited: Bench, bench: Bench) -> None:
    for number in range(10):
        await bench.create(f"t{number}")
    with pytest.raises(OutboxFull) as refused:
        await limited.create("one too many")
    assert (refused.value.status, refused.value.problem()["code"]) == (503, "outbox_full")
    assert refused.value.headers["Retry-After"]
    assert await bench.count("zz_teams") == 10
    # For a consumer it is a reason to wait, not a fault of the event.
    assert is_transient(refused.value)
    async with bench.relaying():
        await wait_until(bench.drained)

    async def accepted() -> bool:
        try:
            await limited.create("after all")
        except OutboxFull:
            return False
        return True

    await wait_until(accepted)


async def test_one_old_row_does_not_make_the_outbox_full(limited: Bench, bench: Bench) -> None:
    identity = await bench.create("old")
    await bench.rows("alter table outbox alter column id restart with 5000000")
    await limited.rename(identity, "new")
    assert await bench.count("outbox") == 2


async def test_the_database_is_asked_at_most_once_a_second(bench: Bench) -> None:
    level, asked = Level(1000), []
    event.listen(
        bench.database.engine.sync_engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_: asked.append(statement),
    )
    began = asyncio.get_running_loop().time()
    async with bench.database.transaction() as session:
        for _ in range(50):
            await level.check(session)
    passed = asyncio.get_running_loop().time() - began
    assert 1 <= len([each for each in asked if "max(id)" in each]) <= 1 + passed / LOOK_EVERY


async def backends(bench: Bench) -> set[int]:
    rows = await bench.rows(
        "select pid from pg_stat_activity where datname = current_database() and application_name like 'meridian-%'"
    )
    return {row["pid"] for row in rows}


async def fill_the_pool(bench: Bench) -> None:
    async def hold() -> None:
        async with bench.database.transaction() as session:
            await session.execute(text("select pg_sleep(0.2)"))

    await asyncio.gather(*(hold() for _ in range(5)))


async def failure_of_a_write(bench: Bench) -> DBAPIError:
    with pytest.raises(DBAPIError) as failed:
        await bench.create("refused")
    assert from_database(failed.value).code == "database_unavailable"
    assert is_transient(failed.value)
    return failed.value


async def test_after_one_failure_no_connection_of_the_dead_pool_is_used_again(bench: Bench) -> None:
    await fill_the_pool(bench)
    before = await backends(bench)
    assert len(before) >= 5
    await bench.rows("select pg_terminate_backend(pid) from unnest($1::int[]) pid", list(before))
    await failure_of_a_write(bench)
    await asyncio.gather(*(bench.create(f"t{number}") for number in range(10)))
    assert not await backends(bench) & before


async def test_a_primary_that_became_read_only_is_left_at_once(bench: Bench) -> None:
    await fill_the_pool(bench)
    before = await backends(bench)

    async def demote() -> None:
        async with bench.database.engine.connect() as connection:
            await connection.execute(text("select pg_sleep(0.2)"))
            await connection.execute(text("set default_transaction_read_only = on"))
            await connection.commit()

    await asyncio.gather(*(demote() for _ in range(5)))
    failure = await failure_of_a_write(bench)
    assert failure.orig is not None and getattr(failure.orig, "sqlstate", None) == "25006"
    await asyncio.gather(*(bench.create(f"t{number}") for number in range(10)))
    assert not await backends(bench) & before


async def test_what_asyncpg_says_of_a_backend_ended_at_an_unlucky_moment_drops_the_pool_too(bench: Bench) -> None:
    await fill_the_pool(bench)
    before = await backends(bench)
    unlucky = [asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress")]

    def fail_once(*_: object) -> None:
        if unlucky:
            raise unlucky.pop()

    event.listen(bench.database.engine.sync_engine, "do_execute", fail_once)
    event.listen(bench.database.engine.sync_engine, "do_execute_no_params", fail_once)
    assert isinstance(await failure_of_a_write(bench), InterfaceError)
    await asyncio.gather(*(bench.create(f"t{number}") for number in range(10)))
    assert not await backends(bench) & before
