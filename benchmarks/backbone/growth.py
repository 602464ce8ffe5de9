"""How cost grows: with relays, with what waits in the outbox, with partitions."""

import asyncio
import os
import time

from benchmarks.backbone.bed import PARTITIONS, Bed, Place
from benchmarks.backbone.drains import of, pair_of
from benchmarks.report import Line
from chassis.kafka import Partition
from devstack.readiness import until

RELAYS, WAITING, COUNTS = (1, 2, 4), (1_000, 100_000, 1_000_000), (1, 6, 24)
ROWS, MEASURED = 40_000, 30_000


async def growth(bed: Bed) -> list[Line]:
    return [*await _relays(bed), *await _waiting(bed), *await _partitions(bed)]


async def until_published(bed: Bed, topic: str, records: int, limit: float = 180) -> tuple[int, float]:
    """How many records the topic has as soon as these are there, and when that was (monotonic clock)."""
    consumer = bed.bus.consumer([topic], None)
    await consumer.start()
    places = [Partition(topic, number) for number in range(PARTITIONS)]
    try:
        async with asyncio.timeout(limit):
            while (count := sum((await consumer.ends(places)).values())) < records:
                await asyncio.sleep(0.01)
            return count, time.monotonic()
    finally:
        await consumer.close()


async def _relays(bed: Bed) -> list[Line]:
    rows = bed.scaled(ROWS)
    rates = {count: await _drained(bed, count, rows, rows) for count in RELAYS}
    told = ", ".join(f"{count}: {rate:,.0f}" for count, rate in rates.items())
    return [Line("drain by 1, 2, 4 relays, events/s", "", told, f"{os.cpu_count()} cores for everything")]


async def _drained(bed: Bed, relays: int, rows: int, measured: int) -> float:
    """Events a second from the commit that makes `rows` visible until `measured` of them are published."""
    topic = await bed.topic()
    async with bed.database() as place:
        running = [bed.start("relay", dsn=place.dsn) for _ in range(relays)]
        await asyncio.gather(*(relay.ready() for relay in running))
        await _shared(place, relays)
        await place.fill_outbox(rows, topic, is_analyzed=False)
        began = time.monotonic()
        count, ended = await until_published(bed, topic, measured)
        return count / (ended - began)


async def _shared(place: Place, relays: int) -> None:
    held = "select count(*) as n from outbox_shard group by owner"
    statement = f"select max(n) - min(n) <= 1 and count(*) = $1 from ({held}) shards"

    async def even() -> bool:
        return bool(await place.value(statement, relays))

    if not await until(even, 30):
        raise RuntimeError(f"{relays} relays do not share the shards evenly")


async def _waiting(bed: Bed) -> list[Line]:
    counts = WAITING[:2] if bed.quick else WAITING
    rates = {rows: await _drained(bed, 1, rows, min(rows, MEASURED)) for rows in counts}
    told = ", ".join(f"{rows:,}: {rate:,.0f}" for rows, rate in rates.items())
    return [Line(f"first {MEASURED:,} events out of 1 k, 100 k, 1 M waiting rows, events/s", "", told)]


async def _partitions(bed: Bed) -> list[Line]:
    told, bare = [], []
    for count in COUNTS:
        ours, theirs = await pair_of(bed, bed.scaled(ROWS), partitions=count)
        told.append(f"{count}: {of(ours):,.0f} ({of(ours) / of(theirs):.2f} x)")
        bare.append(f"{count}: {of(theirs):,.0f}")
    return [Line("relay drain into 1, 6, 24 partitions, events/s", "", ", ".join(told), f"bare {', '.join(bare)}")]
