"""A state topic that ends with an old state is mended without waiting for the next change of the record."""

import asyncio
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from chassis import metrics, restating
from chassis.kafka import SourceRecord
from chassis.kafka.port import Record
from chassis.leases import LEASE_SECONDS, Leases, LeasesLost
from chassis.outbox import emit
from contracts.catalogue import topic_named
from contracts.envelope import decode
from contracts.identity import TeamDeleted

from .conftest import TOPIC, Bench, wait_until
from .teams import Base, Team
from .test_relay import read_topic

STATES = f"{TOPIC}.state"


def runtime_of(bench: Bench) -> Any:
    service = SimpleNamespace(name="identity", metadata=Base.metadata)
    return SimpleNamespace(db=bench.database, bus=bench.bus, service=service, stopping=asyncio.Event())


async def states(bench: Bench, identity: UUID) -> list[SourceRecord]:
    return [record for record in await read_topic(bench, STATES, {identity}) if record.key == str(identity).encode()]


async def last_version(bench: Bench, identity: UUID) -> int:
    last = (await states(bench, identity))[-1]
    envelope, data = decode(last.headers, last.value)
    assert envelope.type == topic_named(TOPIC).state_type
    found = topic_named(TOPIC).state_model.model_validate_json(data or b"").version
    assert found == envelope.sequence
    return found


async def repeat_late(bench: Bench, identity: UUID, number: int) -> None:
    """The bytes of a relay that hung, written when all is over."""
    old = (await states(bench, identity))[number]
    producer = await bench.bus.producer()
    assert old.key is not None
    assert await producer.send_batch([Record(STATES, old.key, old.value, old.headers)], 20) == [None]
    await producer.close()


async def test_a_late_repeat_is_mended_after_the_doubt_and_nothing_else_is_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restating, "SETTLE", 0.0)
    async with bench.relaying():
        stale = await bench.create("old")
        await bench.rename(stale, "new")
        await wait_until(bench.drained)
        await repeat_late(bench, stale, 0)
        assert await last_version(bench, stale) == 1
        runtime, doubt = runtime_of(bench), asyncio.Event()
        task = asyncio.create_task(restating.keep_states(runtime, doubt))

        async def told() -> bool:
            return float(metrics.states_restated.labels(STATES)._value.get()) > before

        before = metrics.states_restated.labels(STATES)._value.get()
        doubt.set()
        await wait_until(told)
        await wait_until(bench.drained)
        runtime.stopping.set()
        await task
        assert not doubt.is_set()
        assert await last_version(bench, stale) == 2
        assert (await restating.restate(runtime_of(bench)))[TOPIC] == 0
        assert len(await read_topic(bench, TOPIC, {stale})) == 2, "no fact was told again"
        await bench.rename(stale, "newer")
        await wait_until(bench.drained)
        there = [decode(record.headers, record.value)[0].sequence for record in await states(bench, stale)]
        assert there == [1, 2, 1, 2, 3]


async def test_the_dead_stay_buried_and_what_waits_is_left_to_the_relay(bench: Bench) -> None:
    async with bench.relaying():
        gone, waiting = await bench.create("gone"), await bench.create("waiting")
        async with bench.database.transaction() as session:
            team = await session.get_one(Team, gone, with_for_update=True)
            team.name = "last words"
            await emit(session, TeamDeleted, team)
        await wait_until(bench.drained)
        await bench.rows("delete from zz_teams where id = $1", gone)
        await repeat_late(bench, gone, 0)
        assert await restating.restate(runtime_of(bench)) == {TOPIC: 1}
        await wait_until(bench.drained)
    last = (await states(bench, gone))[-1]
    assert last.value is None
    await bench.rename(waiting, "not published yet")
    assert (await restating.restate(runtime_of(bench)))[TOPIC] == 0


async def test_doubt_comes_with_a_lost_lease_and_with_one_that_was_not_given_back(bench: Bench) -> None:
    connection = await asyncpg.connect(bench.dsn)
    first, orderly, heir = Leases(), Leases(), Leases()
    try:
        await first.begin(connection)
        await first.keep(connection)
        await first.leave(connection)
        await orderly.keep(connection)
        assert len(orderly.shards) == 16
        assert not first.doubt.is_set() and not orderly.doubt.is_set()
        await connection.execute("update outbox_shard set lease_until = clock_timestamp() - interval '1 ms'")
        await connection.execute("delete from relay_member")
        await heir.keep(connection)
        assert len(heir.shards) == 16 and heir.doubt.is_set()
        orderly._renewed_at -= LEASE_SECONDS
        with pytest.raises(LeasesLost):
            await orderly.renew(connection)
        assert orderly.doubt.is_set()
    finally:
        await connection.close()
