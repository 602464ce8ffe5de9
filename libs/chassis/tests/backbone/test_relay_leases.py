"""A relay keeps its shards while a broker hangs, and sends nothing that may be another relay's by now."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import asyncpg

from chassis.kafka import Producer, Record
from chassis.leases import LEASE_SECONDS, Leases
from chassis.relay import Relay, _decode_json

from .conftest import TOPIC, Bench, wait_until
from .test_relay import read_topic


class Gate:
    """In front of real producers: while it is shut nothing passes; `asked` says which relay wanted to send."""

    def __init__(self, bench: Bench) -> None:
        self._bus = bench.bus
        self.opened = asyncio.Event()
        self.asked: list[str] = []

    def bus_of(self, name: str) -> Any:
        return GatedBus(self, name)

    async def producer(self) -> Producer:
        return await self._bus.producer()


class GatedBus:
    def __init__(self, gate: Gate, name: str) -> None:
        self._gate, self._name = gate, name

    async def producer(self) -> "GatedBus":
        self._producer = await self._gate.producer()
        return self

    async def send_batch(self, records: Sequence[Record], limit: float) -> list[BaseException | None]:
        self._gate.asked.append(self._name)
        await self._gate.opened.wait()
        return await self._producer.send_batch(records, limit)

    async def close(self) -> None:
        await self._producer.close()


async def test_a_broker_that_hangs_for_longer_than_a_lease_gets_each_event_once(bench: Bench) -> None:
    gate, stopping = Gate(bench), asyncio.Event()
    relays = [Relay(bench.dsn, gate.bus_of(name), stopping, leases=Leases(owner=name)) for name in ("a", "b")]
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    try:
        await wait_until(lambda: _shared(bench))
        identity = await bench.create("once")
        began = time.monotonic()

        async def hung_for_long() -> bool:
            return bool(gate.asked) and time.monotonic() - began > LEASE_SECONDS + 3

        await wait_until(hung_for_long)
        assert len(gate.asked) == 1
        gate.opened.set()
        await wait_until(bench.drained)
        assert len(await read_topic(bench, TOPIC, {identity})) == 1
    finally:
        gate.opened.set()
        stopping.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 30)


async def _shared(bench: Bench) -> bool:
    """Both relays hold half of the shards."""
    held = "select count(*) n from outbox_shard where lease_until > clock_timestamp() group by owner"
    return [row["n"] for row in await bench.rows(held)] == [8, 8]


async def test_what_was_fetched_before_a_long_pause_is_not_sent(bench: Bench) -> None:
    gate = Gate(bench)
    gate.opened.set()
    leases = Leases(shards=list(range(16)))
    relay = Relay(bench.dsn, gate.bus_of("late"), asyncio.Event(), leases=leases)
    await bench.create("late")
    connection = await asyncpg.connect(relay.dsn)
    try:
        await _decode_json(connection)
        leases._renewed_at = asyncio.get_running_loop().time() - LEASE_SECONDS
        assert (await relay._round(connection), gate.asked) == (0, [])
        leases._renewed_at = asyncio.get_running_loop().time()
        assert (await relay._round(connection), gate.asked) == (1, ["late"])
    finally:
        await relay._drop_producer()
        await connection.close()
