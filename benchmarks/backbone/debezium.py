"""Debezium's outbox router beside our relay: same table, same writers, same broker, same consumer at the end."""

import time

import psutil

from benchmarks.backbone.bed import Bed, Place
from benchmarks.backbone.connect import MEGABYTE, Connect
from benchmarks.backbone.growth import until_published
from benchmarks.backbone.latency import TARGETS, delays, pair, written
from benchmarks.load import Measured
from benchmarks.report import Line

ROWS = 40_000


async def debezium(bed: Bed) -> list[Line]:
    ours = await _ours(bed)
    theirs = await _theirs(bed)
    lines = []
    for rate, (mine, other) in {rate: (ours.waits[rate], theirs.waits[rate]) for rate in TARGETS}.items():
        lines.append(
            Line(
                f"commit to a bare consumer at {rate:,}/s: p50 / p99",
                "beside Debezium",
                pair(mine),
                f"Debezium {pair(other)}; ours {_better(mine.percentile(0.5), other.percentile(0.5))} at p50,"
                f" {_better(mine.percentile(0.99), other.percentile(0.99))} at p99",
            )
        )
    rates = f"{ours.rate:,.0f} events/s, {ours.rate / theirs.rate:.2f} x"
    lines.append(
        Line(f"drain of {bed.scaled(ROWS):,} events", "beside Debezium", rates, f"Debezium {theirs.rate:,.0f}")
    )
    memory = f"{ours.megabytes:.0f} MB"
    against = f"Debezium {theirs.megabytes:.0f} MB and a replication slot"
    return [*lines, Line("memory of the sending process (RSS)", "beside Debezium", memory, against)]


def _better(mine: float, other: float) -> str:
    return "better" if mine <= other else "worse"


class Seen:
    """What one of the two did: waits by rate of commits, events a second, and memory after all of it."""

    def __init__(self) -> None:
        self.waits: dict[int, Measured] = {}
        self.rate = 0.0
        self.megabytes = 0.0


async def _ours(bed: Bed) -> Seen:
    seen = Seen()
    async with bed.database() as place:
        relay = bed.start("relay", dsn=place.dsn)
        await relay.ready()
        for rate in TARGETS:
            seen.waits[rate] = await _waits(place, rate)
        await relay.finish()
        topic = await bed.topic()
        await place.fill_outbox(bed.scaled(ROWS), topic)
        relay = bed.start("relay", dsn=place.dsn)
        seen.rate = await _rate(bed, topic)
        seen.megabytes = psutil.Process(relay.process.pid).memory_info().rss / MEGABYTE
    return seen


async def _theirs(bed: Bed) -> Seen:
    seen = Seen()
    async with bed.database() as place:
        connect = Connect(bed, place, bed.folder / f"connect-{time.monotonic_ns()}")
        connect.prepare()
        connect.launch()
        try:
            await connect.streaming()
            await _waits(place, max(TARGETS))  # for the JVM to compile what is hot
            for rate in TARGETS:
                seen.waits[rate] = await _waits(place, rate)
            topic = await bed.topic()
            with connect.frozen():
                await place.fill_in_steps(bed.scaled(ROWS), topic)
            seen.rate = await _rate(bed, topic)
            seen.megabytes = connect.megabytes
        finally:
            await connect.forget()
    return seen


async def _waits(place: Place, rate: int) -> Measured:
    topic = await place.bed.topic()
    consumer = place.bed.start("arrivals", topic=topic)
    await consumer.ready()
    commits = await written(place, rate, topic)
    await until_published(place.bed, topic, len(commits))
    measured, _, missing = delays(commits, dict(await consumer.finish()))
    measured.failed = missing
    return measured


async def _rate(bed: Bed, topic: str) -> float:
    """Events a second between a tenth of them and all."""
    rows = bed.scaled(ROWS)
    first, at = await until_published(bed, topic, rows // 10)
    last, end = await until_published(bed, topic, rows)
    return (last - first) / (end - at)
