"""The relay while the broker is away, the database drops it, or nothing keeps two relays apart."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from uuid import UUID

import asyncpg
import pytest

from chassis.kafka import Bus, Client, Producer, Record, SourceRecord
from chassis.leases import Leases
from chassis.relay import Relay
from chassis.tables import SHARDS
from contracts.catalogue import topics_of
from libs.chassis.tests.broker import Broker

from .conftest import TOPIC, Bench, wait_until
from .test_relay import first_versions, kill_relays, read_topic, write_concurrently


@dataclass
class Everything(Leases):
    """No lease at all: every relay works on every shard."""

    shards: list[int] = field(default_factory=lambda: list(range(SHARDS)))

    async def keep(self, connection: asyncpg.Connection) -> bool:
        return True

    async def renew(self, connection: asyncpg.Connection) -> None:
        return None

    def may_be_lost(self) -> bool:
        return False

    async def leave(self, connection: asyncpg.Connection) -> None:
        return None


@dataclass(frozen=True)
class StallingBus(Bus):
    """Its producers stand still for a random while before and after a batch, as a frozen process does."""

    async def producer(self) -> Producer:
        return Stalling(await super().producer())


class Stalling:
    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    async def send_batch(self, records: Sequence[Record], limit: float) -> list[BaseException | None]:
        await asyncio.sleep(random.choice((0, 0, 0.05, 0.3)))
        results = await self._producer.send_batch(records, limit)
        await asyncio.sleep(random.choice((0, 0, 0.05, 0.3)))
        return results

    async def close(self) -> None:
        await self._producer.close()


@asynccontextmanager
async def without_leases(bench: Bench, relays: int) -> AsyncIterator[None]:
    stopping, bus = asyncio.Event(), StallingBus(bench.bus.bootstrap, "stalling", client=bench.bus.client)
    running = [Relay(bench.dsn, bus, stopping, leases=Everything()) for _ in range(relays)]
    tasks = [asyncio.create_task(relay.run()) for relay in running]
    try:
        yield
    finally:
        stopping.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 20)


@pytest.mark.parametrize("client", ["aiokafka", "confluent"])
async def test_three_relays_that_nothing_keeps_apart_publish_in_order_and_repeat_the_same_bytes(bench: Bench) -> None:
    written: set[UUID] = set()
    records: dict[str, list[SourceRecord]] = {}
    async with without_leases(bench, relays=3), asyncio.timeout(100):
        # Until the relays have really overlapped: mostly in the first round.
        while not records or not all(len(found) > 21 * len(written) for found in records.values()):
            writing = asyncio.create_task(write_concurrently(bench, aggregates=12, changes=20))
            for _ in range(4):
                await wait_until(lambda: kill_relays(bench))
            written |= await writing
            await wait_until(bench.drained, 60)
            records = {topic: await read_topic(bench, topic, written) for topic in (TOPIC, f"{TOPIC}.state")}
    for found in records.values():
        assert first_versions(found) == {str(identity).encode(): list(range(1, 22)) for identity in written}
        assert different_repeats(found) == []


def different_repeats(records: list[SourceRecord]) -> list[str]:
    """Event ids that were published with more than one content."""
    contents = defaultdict(set)
    for record in records:
        headers = dict(record.headers)
        contents[headers["ce_id"].decode()].add((record.key, record.value, tuple(map(tuple, record.headers))))
    return [identity for identity, found in contents.items() if len(found) > 1]


@pytest.fixture
async def cut_off(bench: Bench, broker: Broker, client: Client) -> Bench:
    """The bench on a broker whose lines can be cut."""
    bus = Bus(broker.proxied, "bench", answer_limit=3, client=client)
    await bus.create_topics(topics_of("identity"), partitions=6, replication=1)
    return replace(bench, bus=bus)


async def leases(bench: Bench) -> set[tuple[str, int]]:
    """Owners and terms of the leases that hold."""
    held = await bench.rows("select owner, term from outbox_shard where lease_until > clock_timestamp()")
    return {(row["owner"], row["term"]) for row in held}


@pytest.mark.parametrize("client", ["aiokafka", "confluent"])
async def test_while_the_broker_is_away_writing_goes_on_and_the_leases_stay(cut_off: Bench, broker: Broker) -> None:
    async with cut_off.relaying(relays=1) as (relay,):
        first = await cut_off.create("before")
        await wait_until(cut_off.drained)
        before = await leases(cut_off)
        async with broker.proxy.closed():
            ids = await write_concurrently(cut_off, aggregates=5, changes=3)
            longer_than_a_lease = time.monotonic() + 6.5

            async def long_enough() -> bool:
                assert len(relay.shards) == SHARDS
                return time.monotonic() > longer_than_a_lease

            await wait_until(long_enough)
            assert await leases(cut_off) == before
            assert await cut_off.count("outbox") == 5 * 4
        back = time.monotonic()
        await wait_until(cut_off.drained)
        assert time.monotonic() - back < 15
    published = await read_topic(cut_off, TOPIC, {first, *ids})
    assert first_versions(published) == {
        str(first).encode(): [1],
        **{str(identity).encode(): [1, 2, 3, 4] for identity in ids},
    }


@pytest.mark.parametrize("client", ["aiokafka", "confluent"])
async def test_a_relay_ends_in_time_while_the_broker_hangs_and_keeps_what_was_not_acknowledged(
    cut_off: Bench, broker: Broker
) -> None:
    stopping = asyncio.Event()
    running = asyncio.create_task(Relay(cut_off.dsn, cut_off.bus, stopping).run())
    await cut_off.create("before")
    await wait_until(cut_off.drained)
    with broker.frozen():
        await cut_off.create("meanwhile")
        await cut_off.create("meanwhile too")
        stopping.set()
        began = time.monotonic()
        await running
        assert time.monotonic() - began < 10
    assert await cut_off.count("outbox") == 2
    assert await leases(cut_off) == set()


async def shards_of(relay: Leases, connection: asyncpg.Connection) -> list[int]:
    relay._kept_at = -1e9
    await relay.keep(connection)
    return relay.shards


async def test_a_lease_ends_by_the_clock_of_the_database_and_each_owner_has_a_new_term(bench: Bench) -> None:
    connection = await asyncpg.connect(bench.dsn)
    first, second = Leases(), Leases()
    await first.begin(connection)
    assert await shards_of(first, connection) == list(range(SHARDS))
    assert {term for _, term in await leases(bench)} == {1}
    # The first one stands still for longer than a lease: nothing but the database's clock says so.
    await connection.execute("update outbox_shard set lease_until = clock_timestamp() - interval '1 millisecond'")
    await connection.execute("update relay_member set seen_at = clock_timestamp() - interval '1 minute'")
    assert await shards_of(second, connection) == list(range(SHARDS))
    assert await leases(bench) == {(second.owner, 2)}
    # It comes back and renews nothing that is not its own any more.
    assert await shards_of(first, connection) == []
    assert await leases(bench) == {(second.owner, 2)}
    # As two they share.
    assert len(await shards_of(second, connection)) == SHARDS // 2
    assert len(await shards_of(first, connection)) == SHARDS // 2
    assert {term for _, term in await leases(bench)} == {2, 3}
    await connection.close()
