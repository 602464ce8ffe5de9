"""Replicas from the compacted state topics, while their owners go on writing and the live consumer goes on following.

Every state up to the end of the topics as they were at the beginning is given to the projectors, whose versions keep
older states away; then the live consumer must have passed the end of the facts as it was at the beginning. From there
on what it applies is newer than anything the states could have brought.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.kafka import Partition, SourceRecord
from chassis.operations.jobs import Job, JobRefused
from chassis.operations.reading import Reading, alone, stretch
from chassis.operations.replay import CHUNK, patiently
from chassis.operations.states import decoded
from chassis.operations.versions import replicas
from chassis.projector import caused_by, fold, is_transient
from chassis.subscriptions import Received, Subscriptions, handler_name
from contracts.catalogue import Topic, topic_named

if TYPE_CHECKING:
    from chassis.service import Runtime

log = structlog.get_logger(__name__)

FOLLOW_LIMIT = 600.0
_POSITIONS = text("select topic, partition, next from consumer_offset where grp = :grp")


def topics_with_state(subscriptions: Subscriptions) -> list[Topic]:
    return [topic for name in subscriptions.projectors if (topic := topic_named(name)).has_state]


async def run(runtime: "Runtime", job: Job) -> dict[str, Any]:
    """The job; the result says what was read, and which facts the live consumer was waited for."""
    subscriptions = runtime.service.subscriptions
    topics = topics_with_state(subscriptions)
    if not topics:
        raise JobRefused(f"{runtime.service.name} keeps no replica that has a state topic")
    async with alone(runtime.bus, [topic.name for topic in topics]) as facts:
        goal = await facts.ends(facts.held())
    rewritten = list(replicas(runtime.service)) if job.parameters.get("rewrite") else []
    counts = await Filling(runtime, job, subscriptions, rewritten).fill([topic.state_name for topic in topics])
    await _follow(runtime, job, goal)
    return {**counts, "topics": len(topics)}


class Filling:
    """Gives states to the projectors, in transactions of their own."""

    def __init__(self, runtime: "Runtime", job: Job, subscriptions: Subscriptions, rewritten: Sequence[str]) -> None:
        self._runtime = runtime
        self._job = job
        self._subscriptions = subscriptions
        self._rewritten = rewritten
        self._states = self._tombstones = self._refused = 0

    async def fill(self, topics: Sequence[str]) -> dict[str, int]:
        async with alone(self._runtime.bus, topics) as consumer:
            bounds = await stretch(consumer)
            reading = Reading(consumer, bounds)
            async for _, records in reading.chunks():
                for chunk in _chunks(records):
                    await self._take(chunk)
                await self._job.report(phase="states", read=reading.passed, of=bounds.total, states=self._states)
        return {"states": self._states, "tombstones": self._tombstones, "refused": self._refused}

    async def _take(self, records: Sequence[SourceRecord]) -> None:
        received, unreadable = decoded(records)
        self._states += len(received)
        self._tombstones += sum(record.value is None for record in records)
        self._refused += unreadable
        folded = fold(received)
        try:
            await patiently(lambda: self._project(folded))
        except Exception as error:
            if is_transient(error):
                raise
            for each in folded:
                self._refused += await self._is_refused(each)

    async def _is_refused(self, one: Received) -> bool:
        try:
            await patiently(lambda: self._project([one]))
        except Exception as error:
            if is_transient(error):
                raise
            log.warning("state_refused", event_id=str(one.envelope.id), error=repr(error))
            return True
        return False

    async def _project(self, batch: Sequence[Received]) -> None:
        if not batch:
            return
        async with self._runtime.db.transaction() as session:
            for table in self._rewritten:
                await _make_way(session, table, batch)
            for projector in self._subscriptions.projectors[batch[0].event.TOPIC]:
                with caused_by(batch[-1].envelope, handler_name(projector)):
                    await projector(session, batch)


async def _make_way(session: AsyncSession, table: str, batch: Sequence[Received]) -> None:
    """Within this transaction rows of the same version look older, so that the projector writes them once more."""
    statement = text(f"""
        update "{table}" r set version = r.version - 1
        from unnest(cast(:ids as uuid[]), cast(:versions as bigint[])) as s (id, version)
        where r.id = s.id and r.version = s.version""")  # noqa: S608 - a name from the service's own tables
    ids = [each.event.state.id for each in batch]
    await session.execute(statement, {"ids": ids, "versions": [each.event.state.version for each in batch]})


def _chunks(records: Sequence[SourceRecord]) -> Iterator[Sequence[SourceRecord]]:
    for begin in range(0, len(records), CHUNK):
        yield records[begin : begin + CHUNK]


async def _follow(runtime: "Runtime", job: Job, goal: dict[Partition, int]) -> None:
    """Until the live consumer has passed the goal. Raises JobRefused when it does not move on."""
    best, waited = -1, 0.0
    while (behind := await _behind(runtime, goal)) > 0:
        waited = 0.0 if best < 0 or behind < best else waited + 1.0
        best = behind
        if waited > FOLLOW_LIMIT:
            raise JobRefused(f"the live consumer stands still, {behind} records before the end")
        await job.report(phase="following", behind=behind)
        await asyncio.sleep(1.0)


async def _behind(runtime: "Runtime", goal: dict[Partition, int]) -> int:
    async with runtime.db.read() as session:
        rows = await session.execute(_POSITIONS, {"grp": runtime.service.name})
        stored = {Partition(row.topic, row.partition): row.next for row in rows}
    return sum(max(end - stored.get(at, 0), 0) for at, end in goal.items())
