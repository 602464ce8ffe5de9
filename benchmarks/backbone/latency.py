"""From a commit to the start of the handler in another process, at a fixed rate of commits."""

from typing import Any

from benchmarks.backbone.bed import Bed, Place
from benchmarks.backbone.sample import TOPIC
from benchmarks.load import Measured
from benchmarks.report import Line
from devstack.readiness import until

TARGETS = {200: (8, 20), 1_000: (7, 25)}
"""Commits a second: milliseconds of p50 and p99."""
SECONDS = 12.0
SKIPPED = 2.0
"""Seconds at the beginning that do not count: processes have just started."""


async def latency(bed: Bed) -> list[Line]:
    bare = await _bare(bed)
    lines = []
    for rate in TARGETS:
        lines.append(await _measured(bed, rate, "projector", bare))
    for rate in TARGETS:
        lines.append(await _measured(bed, rate, "reactor", bare))
    return lines


async def _bare(bed: Bed) -> Measured:
    """One record through the broker and back, by the bare client."""
    topic = await bed.topic()
    async with bed.database() as place:
        await place.fill_outbox(1, topic)
        seconds = await bed.start("round_trip", dsn=place.dsn, topic=topic, rounds=500).result()
    return Measured(seconds[50:])


async def _measured(bed: Bed, rate: int, kind: str, bare: Measured) -> Line:
    async with bed.database() as place:
        await place.start_at_the_end("bench")
        consumer = bed.start("follow", dsn=place.dsn, url=place.url, group="bench", kind=kind)
        relay = bed.start("relay", dsn=place.dsn)
        await consumer.ready()
        await relay.ready()
        commits = await written(place, rate)
        await until_handled(place, "bench")
        starts = dict(await consumer.finish())
        await relay.finish()
    since_ack, since_sent, missing = delays(commits, starts)
    return _line(rate, kind, since_ack, since_sent, missing, bare)


async def written(place: Place, rate: int, topic: str = TOPIC) -> list[Any]:
    """What the writer committed, its first seconds left out."""
    seconds = SECONDS / 2 if place.bed.quick else SECONDS
    writer = place.bed.start("write", dsn=place.dsn, topic=topic, rate=rate, seconds=seconds)
    commits = await writer.result()
    began = min(sent for _, sent, *_ in commits)
    return [commit for commit in commits if commit[1] >= began + SKIPPED]


async def until_handled(place: Place, group: str, limit: float = 60) -> None:
    """Every event is published, taken over and handled."""
    await _until(place, "select not exists (select from outbox)", limit)
    ends = await place.ends()
    statement = "select sum(next) >= $1 from consumer_offset where grp = $2"
    await _until(place, statement, limit, sum(ends.values()), group)
    await _until(place, "select not exists (select from inbox where state <> 'done')", limit)


async def _until(place: Place, statement: str, limit: float, *values: Any) -> None:
    async def holds() -> bool:
        return bool(await place.value(statement, *values))

    if not await until(holds, limit):
        raise RuntimeError(f"not after {limit:.0f} s: {statement}")


def delays(commits: list[Any], seen: dict[str, float]) -> tuple[Measured, Measured, int]:
    """Since the acknowledged commit, since its statement was sent, and how many were never seen."""
    since_ack, since_sent = Measured(), Measured()
    for event_id, sent, acked, _ in commits:
        if event_id in seen:
            since_ack.latencies.append(max(seen[event_id] - acked, 0.0))
            since_sent.latencies.append(seen[event_id] - sent)
    return since_ack, since_sent, len(commits) - len(since_ack.latencies)


def _line(rate: int, kind: str, acked: Measured, sent: Measured, missing: int, bare: Measured) -> Line:
    p50, p99 = TARGETS[rate]
    is_target = kind == "projector"
    met = acked.percentile(0.5) <= p50 and acked.percentile(0.99) <= p99 and not missing
    since_sent = f"since COMMIT was sent {pair(sent)}" + (f", {missing} missing" if missing else "")
    ratio = acked.percentile(0.5) / bare.percentile(0.5)
    return Line(
        f"commit to the {kind}'s start at {rate:,}/s: p50 / p99",
        f"<= {p50} / {p99} ms" if is_target else "",
        f"{pair(acked)}; {since_sent}",
        f"bare send and receive {pair(bare)}, ratio of p50 {ratio:.1f}",
        met if is_target else None,
    )


def pair(measured: Measured) -> str:
    return f"{measured.percentile(0.5):.1f} / {measured.percentile(0.99):.1f} ms"
