"""How fast consumers take over and handle what waits for them, beside the bare statements."""

from collections.abc import Awaitable, Callable
from statistics import median

from benchmarks.backbone.bed import Bed
from benchmarks.backbone.drains import of
from benchmarks.backbone.sample import TOPIC
from benchmarks.report import Line

RECORDS, EVENTS, KEYS = 40_000, 6_400, 32
LEAST_RATIO = 0.4

Pair = tuple[dict[str, float], dict[str, float]]


async def effects(bed: Bed) -> list[Line]:
    projected = f"projector, one process, {bed.scaled(RECORDS):,} keys"
    reacted = f"reactor, one process, {KEYS} keys"
    return [
        await _line(bed, projected, _projected, "bare set-based SQL, 500 rows a commit"),
        await _line(bed, reacted, _reacted, f"bare, a transaction per event, {KEYS} connections"),
    ]


async def _line(bed: Bed, what: str, measure: Callable[[Bed], Awaitable[Pair]], baseline: str) -> Line:
    pairs = [await measure(bed) for _ in range(1 if bed.quick else 2)]
    ours, bare = [of(each) for each, _ in pairs], [of(each) for _, each in pairs]
    ratio = median(mine / theirs for mine, theirs in zip(ours, bare, strict=True))
    per_cpu = median(each["events"] / each["cpu"] for each, _ in pairs)
    return Line(
        what,
        f">= {LEAST_RATIO} x bare",
        f"{median(ours):,.0f} events/s, {ratio:.2f} x; {per_cpu:,.0f} per CPU-second",
        f"{baseline} {median(bare):,.0f} events/s",
        ratio >= LEAST_RATIO,
    )


async def _projected(bed: Bed) -> Pair:
    """Every record has a key of its own, so nothing is saved by keeping only the newest of each."""
    rows = bed.scaled(RECORDS)
    async with bed.database() as place:
        await place.start_at_the_end("bench")
        await place.fill_outbox(rows, keys=rows)
        await bed.start("produce", dsn=place.dsn, topic=TOPIC, rows=rows).result()
        await bed.settle()
        bare = await bed.start("upsert", dsn=place.dsn, rows=rows).result()
        await place.execute("truncate team_replicas")
        await bed.settle()
        ours = await bed.start("project", url=place.url, group="bench", rows=rows).result()
    return ours, bare


async def _reacted(bed: Bed) -> Pair:
    rows = bed.scaled(EVENTS)
    async with bed.database() as place:
        await bed.settle()
        bare = await bed.start("handle", dsn=place.dsn, rows=rows, keys=KEYS).result()
        await place.execute("truncate effects, inbox_done")
        await place.fill_inbox(rows, "note_effect", KEYS)
        await bed.settle()
        ours = await bed.start("react", url=place.url, rows=rows).result()
    return ours, bare
