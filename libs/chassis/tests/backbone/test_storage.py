"""What administrators do to a database while events wait in it: long transactions, dumps, restores."""

import asyncio
import subprocess
from uuid import UUID

import asyncpg

from chassis.db import Database
from chassis.worker import plain_dsn
from devstack.postgres import binaries, installation
from devstack.servers import SharedServers, shared

from .conftest import TOPIC, Bench, wait_until
from .test_relay import first_versions, read_topic, write_concurrently


async def test_i16_a_long_transaction_holds_no_event_back(bench: Bench) -> None:
    long = await asyncpg.connect(plain_dsn(bench.database.url))
    try:
        await long.execute("begin isolation level repeatable read")
        # With an id of its own and a snapshot: whoever orders by transaction ids would now wait for its end.
        await long.execute("select pg_current_xact_id(), count(*) from outbox")
        async with bench.relaying(relays=2):
            ids = await write_concurrently(bench, aggregates=5, changes=20)
            await wait_until(bench.drained)
        assert await long.fetchval("select pg_current_xact_id_if_assigned() is not null")
    finally:
        await long.close()
    versions = first_versions(await read_topic(bench, TOPIC, ids))
    assert versions == {str(identity).encode(): list(range(1, 22)) for identity in ids}


async def test_i17_what_waits_is_published_after_a_dump_and_restore(bench: Bench) -> None:
    ids = await write_concurrently(bench, aggregates=4, changes=3)
    with shared() as elsewhere:
        restored = await asyncio.to_thread(_move, plain_dsn(bench.database.url), elsewhere)
        database = Database(restored.replace("postgresql://", "postgresql+asyncpg://"), "identity", pool_size=5)
        new = Bench(database, bench.bus)
        try:
            await _publish_and_go_on(new, ids)
        finally:
            await database.close()
    records = await read_topic(bench, TOPIC, ids)
    assert first_versions(records) == {str(identity).encode(): [1, 2, 3, 4, 5] for identity in ids}
    assert len(records) == 5 * len(ids)


async def _publish_and_go_on(new: Bench, ids: set[UUID]) -> None:
    async with new.relaying():
        await wait_until(new.drained)
        for identity in ids:
            await new.rename(identity, "after the move")
        await wait_until(new.drained)


def _move(source: str, elsewhere: SharedServers) -> str:
    """Dumps the database into a fresh one of another cluster; its address."""
    server = elsewhere.postgres_url
    programs, name = binaries(installation()), f"moved_{source.rsplit('_', 1)[1]}"
    target = f"{server.rsplit('/', 1)[0]}/{name}"
    subprocess.run([programs / "psql", "-qd", server, "-c", f"create database {name}"], check=True)
    dump = subprocess.run([programs / "pg_dump", "-d", source], check=True, capture_output=True)
    restore = [str(programs / "psql"), "-qX", "-v", "ON_ERROR_STOP=1", "-d", target]
    subprocess.run(restore, input=dump.stdout, check=True, stdout=subprocess.DEVNULL)
    return target
