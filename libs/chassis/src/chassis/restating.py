"""The compacted state topics against the owner's rows: what is older there is told once more.

Two relays that send for one shard may write an old state after a newer one. Consumers of facts drop it by its version;
compaction keeps it. The relay says when that may have happened (`Leases.doubt`); some time later, when what was on its
way has arrived, the end of the topics is compared with the rows, and the difference leaves by the outbox as everything
else does: behind the row's lock, so it can never overtake a newer state.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog
from sqlalchemy import select, union_all
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import metrics
from chassis.context import SYSTEM, acting
from chassis.kafka import BrokerError, SourceRecord
from chassis.operations.jobs import JobRefused
from chassis.operations.reading import Reading, alone, stretch
from chassis.operations.states import snapshot_class
from chassis.operations.versions import NotKept, owned_model
from chassis.outbox import state_row
from chassis.tables import OUTBOX, OUTBOX_PARKED
from chassis.unit import unit_of
from contracts.catalogue import Topic, topics_of

if TYPE_CHECKING:
    from chassis.service import Runtime

log = structlog.get_logger(__name__)

SETTLE = 60.0
"""Seconds between the doubt and the look: for what was on its way. Whoever hung for longer doubts himself."""
WINDOW = timedelta(hours=1)
"""How far back the records are read that a doubt may be about."""
LOOK = 1.0
PAGE = 500
AWAY = (BrokerError, DBAPIError, OSError, TimeoutError, JobRefused)


@dataclass(frozen=True)
class Last:
    """The last record of a key: `version` is its sequence; `buried` that of the newest tombstone seen, or 0."""

    version: int
    is_tombstone: bool
    buried: int


async def keep_states(runtime: "Runtime", doubt: asyncio.Event) -> None:
    """Restates after every doubt until the process stops; tries again while the broker or the database is away."""
    while not runtime.stopping.is_set():
        if doubt.is_set() and not await _stops_within(runtime, SETTLE):
            doubt.clear()
            try:
                await restate(runtime, datetime.now(UTC) - WINDOW)
            except AWAY as error:
                log.warning("restating_interrupted", error=repr(error))
                doubt.set()
        await _stops_within(runtime, LOOK)


async def _stops_within(runtime: "Runtime", seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await runtime.stopping.wait()
    return runtime.stopping.is_set()


async def restate(runtime: "Runtime", since: datetime | None = None) -> dict[str, int]:
    """Compares every state topic of the service and tells anew what is older there; how many per topic.

    Only keys that have a record written at or after `since` (None: all). Raises BrokerError, JobRefused when a topic
    goes silent, and what the database raises.
    """
    told = {}
    for topic in topics_of(runtime.service.name):
        with suppress(NotKept):
            if topic.has_state:
                model = owned_model(runtime.service, topic.name)
                told[topic.name] = await _restate(runtime, topic, model, await _last(runtime, topic, since))
    return told


async def _last(runtime: "Runtime", topic: Topic, since: datetime | None) -> dict[UUID, Last]:
    found: dict[UUID, Last] = {}
    async with alone(runtime.bus, [topic.state_name]) as consumer:
        async for _, records in Reading(consumer, await stretch(consumer, since or "start")).chunks():
            for key, version, is_tombstone in _read(records):
                before = found[key].buried if key in found else 0
                found[key] = Last(version, is_tombstone, max(before, version) if is_tombstone else before)
    return found


def _read(records: Sequence[SourceRecord]) -> Iterator[tuple[UUID, int, bool]]:
    """What is no record of ours has no key or no sequence."""
    for record in records:
        with suppress(ValueError, KeyError):
            headers = dict(record.headers)
            yield UUID((record.key or b"").decode()), int(headers["ce_sequence"]), record.value is None


async def _restate(runtime: "Runtime", topic: Topic, model: Any, last: dict[UUID, Last]) -> int:
    keys, told = sorted(last), 0
    for begin in range(0, len(keys), PAGE):
        page = keys[begin : begin + PAGE]
        async with runtime.db.read() as session:
            rows = await session.execute(select(model.id, model.version).where(model.id.in_(page)))
            versions: dict[UUID, int] = {row.id: row.version for row in rows}
        for key in page:
            if _may_be_older(last[key], versions.get(key)):
                told += await _tell(runtime, topic, model, key, last[key])
    return told


def _may_be_older(last: Last, version: int | None) -> bool:
    """A key without a row is buried only if it was before: a database that lacks rows must not empty the topic."""
    return last.version < (last.buried if version is None else version)


async def _tell(runtime: "Runtime", topic: Topic, model: Any, key: UUID, last: Last) -> bool:
    """Looks again behind the row's lock; what still waits in the outbox will be told anyway."""
    with acting(SYSTEM):
        async with runtime.db.transaction() as session:
            record = await session.get(model, key, with_for_update=True)
            if await _waits(session, key):
                return False
            is_gone = record is None or (_buries(topic) and getattr(record, "is_deleted", False))
            version = last.buried if record is None else record.version
            if last.version >= version or (is_gone and last.is_tombstone):
                return False
            state = None if record is None or is_gone else record.state()
            unit_of(session).events.append(state_row(snapshot_class(topic), topic, key, version, state))
    metrics.states_restated.labels(topic.state_name).inc()
    log.warning("state_restated", topic=topic.state_name, key=str(key), there=last.version, version=version)
    return True


def _buries(topic: Topic) -> bool:
    """Whether a deleted record leaves the state topic."""
    return any(event.TOMBSTONE for event in topic.events)


async def _waits(session: AsyncSession, key: UUID) -> bool:
    rows = (select(table.c.id).where(table.c.aggregate_id == key) for table in (OUTBOX, OUTBOX_PARKED))
    return (await session.execute(union_all(*rows).limit(1))).first() is not None
