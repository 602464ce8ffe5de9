"""A bounded stretch of topics, read outside every group: nobody's position moves, and it ends where it was said to."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from chassis.kafka import Bus, Consumer, Partition, SourceRecord
from chassis.operations.jobs import JobRefused

SILENCE = 30.0
"""Seconds without a record although the end is not reached."""

Edge = datetime | int | Literal["start", "end"]


@dataclass(frozen=True)
class Stretch:
    """First offset and the offset after the last one, per partition that has something in between."""

    starts: Mapping[Partition, int]
    ends: Mapping[Partition, int]

    @property
    def total(self) -> int:
        """Offsets in between: an upper bound for records, since compacted topics have holes."""
        return sum(self.ends[at] - start for at, start in self.starts.items())


@dataclass(frozen=True)
class Choice:
    """Which records of a stretch are meant; empty sets mean all. Times are those of the facts, the end excluded."""

    types: Collection[str] = ()
    key: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def takes(self, record: SourceRecord) -> bool:
        if self.key is not None and record.key != self.key.encode():
            return False
        headers = dict(record.headers)
        if self.types and headers.get("ce_type", b"").decode(errors="replace") not in self.types:
            return False
        return self._is_in_time(headers.get("ce_time"))

    def _is_in_time(self, ce_time: bytes | None) -> bool:
        if ce_time is None or (self.since is None and self.until is None):
            return True
        try:
            moment = datetime.fromisoformat(ce_time.decode())
        except ValueError:
            return True
        return (self.since is None or moment >= self.since) and (self.until is None or moment < self.until)


@asynccontextmanager
async def alone(bus: Bus, topics: Sequence[str]) -> AsyncIterator[Consumer]:
    """A consumer of its own with all partitions of the topics."""
    consumer = bus.consumer(topics, group=None)
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.close()


async def stretch(consumer: Consumer, first: Edge = "start", last: Edge = "end") -> Stretch:
    """From `first` up to `last` as the topics are now; what is written later is not part of it.

    A moment finds the first record written at or after it, which is never after the fact's own time. An offset is
    meant for every partition. Raises JobRefused when nothing is left in between.
    """
    held = consumer.held()
    begins, ends = await asyncio.gather(consumer.starts(held), consumer.ends(held))
    starts = await _edge(consumer, held, first, begins, ends)
    stops = ends if isinstance(last, datetime) else await _edge(consumer, held, last, begins, ends)
    kept = {at: max(starts[at], begins[at]) for at in held if max(starts[at], begins[at]) < min(stops[at], ends[at])}
    return Stretch(kept, {at: min(stops[at], ends[at]) for at in kept})


async def _edge(
    consumer: Consumer, held: Iterable[Partition], edge: Edge, begins: dict[Partition, int], ends: dict[Partition, int]
) -> dict[Partition, int]:
    if isinstance(edge, datetime):
        found = await consumer.at_time(held, edge)
        return {at: ends[at] if offset is None else offset for at, offset in found.items()}
    if isinstance(edge, int):
        return dict.fromkeys(held, edge)
    return begins if edge == "start" else ends


@dataclass
class Reading:
    """Reads a stretch partition by partition as it comes; `passed` counts the offsets behind us."""

    consumer: Consumer
    stretch: Stretch
    passed: int = 0
    _left: dict[Partition, int] = field(default_factory=dict)

    async def chunks(self) -> AsyncIterator[tuple[Partition, list[SourceRecord]]]:
        """Raises JobRefused when a partition goes silent before its end."""
        self._left = dict(self.stretch.ends)
        self.consumer.pause(self.consumer.held() - self._left.keys())
        for at, offset in self.stretch.starts.items():
            self.consumer.seek(at, offset)
        position = dict(self.stretch.starts)
        waited = 0.0
        while self._left:
            fetched = await self.consumer.fetch(1.0)
            waited = 0.0 if fetched else waited + 1.0
            if waited > SILENCE:
                raise JobRefused(f"no record for {SILENCE:.0f} s although {len(self._left)} partitions have not ended")
            for at, records in fetched.items():
                if at in self._left:
                    self.passed += min(records[-1].offset + 1, self._left[at]) - position[at]
                    position[at] = records[-1].offset + 1
                    yield at, [record for record in records if record.offset < self._left[at]]
                    self._settle(at, position[at])

    def _settle(self, at: Partition, position: int) -> None:
        if position >= self._left[at]:
            del self._left[at]
            self.consumer.pause([at])
