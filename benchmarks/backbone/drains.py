"""How fast a full outbox is published, beside the bare producer on the same records."""

from statistics import median
from typing import Any

from benchmarks.backbone.bed import PARTITIONS, Bed
from benchmarks.backbone.sample import STATE_TOPIC, TOPIC
from benchmarks.report import Line

ROWS = 44_000
REPETITIONS = 3
LEAST_RATIO, LEAST_PER_CPU = 0.9, 35_000


async def drains(bed: Bed) -> list[Line]:
    return [*await _mode(bed, "facts only", None), *await _mode(bed, "fact + state, two records an event", STATE_TOPIC)]


async def _mode(bed: Bed, mode: str, state_topic: str | None) -> list[Line]:
    pairs = [await pair_of(bed, bed.scaled(ROWS), state_topic) for _ in range(1 if bed.quick else REPETITIONS)]
    ours, bare = [of(each) for each, _ in pairs], [of(each) for _, each in pairs]
    ratio = median(mine / theirs for mine, theirs in zip(ours, bare, strict=True))
    per_cpu = median(each["events"] / each["cpu"] for each, _ in pairs)
    bare_per_cpu = median(each["events"] / each["cpu"] for _, each in pairs)
    is_target = state_topic is None
    return [
        Line(
            f"relay drain, one process, batch 500, {mode}",
            f">= {LEAST_RATIO} x bare" if is_target else "",
            f"{median(ours):,.0f} events/s, {ratio:.2f} x",
            f"bare aiokafka producer {median(bare):,.0f} events/s",
            ratio >= LEAST_RATIO if is_target else None,
        ),
        Line(
            f"relay, events per CPU-second, {mode}",
            f">= {LEAST_PER_CPU:,}" if is_target else "",
            f"{per_cpu:,.0f}",
            f"bare producer {bare_per_cpu:,.0f}, ratio {per_cpu / bare_per_cpu:.2f}",
            per_cpu >= LEAST_PER_CPU if is_target else None,
        ),
    ]


def of(result: dict[str, float]) -> float:
    """Events a second."""
    return result["events"] / result["seconds"]


async def pair_of(
    bed: Bed, rows: int, state_topic: str | None = None, partitions: int = PARTITIONS
) -> tuple[dict[str, float], dict[str, float]]:
    """The relay's result and the bare producer's on the same rows, one right after the other."""
    topic = TOPIC if state_topic else await bed.topic(partitions)
    async with bed.database() as place:
        await place.fill_outbox(rows, topic, state_topic)
        options: dict[str, Any] = {"dsn": place.dsn, "topic": topic, "rows": rows}
        await bed.settle()
        bare = await bed.start("produce", **options).result()
        await bed.settle()
        ours = await bed.start("drain", **options).result()
    return ours, bare
