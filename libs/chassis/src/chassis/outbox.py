"""Events leave a transaction as rows of the outbox, written after the aggregate's row is locked and flushed."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID
from zlib import crc32

from pydantic import JsonValue
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from chassis import context, tables
from chassis.errors import Unavailable
from chassis.tables import FIELD_HISTORY, OUTBOX
from chassis.unit import UNTRACKED, Aggregate, Change, Unit, unit_of
from contracts.catalogue import Topic, topic_of
from contracts.envelope import Envelope, encode
from contracts.event import Event, Fact, State

MAX_PAYLOAD = 65_536
"""Bytes. Larger facts would slow every subscriber; the limit is checked where the writer can still be told."""

LOOK_EVERY = 1.0

FactT = TypeVar("FactT", bound=Fact)


class WrongProducer(TypeError):
    """A service tried to publish another one's fact."""


class UnwrittenAggregate(RuntimeError):
    """The event's aggregate has no new version in this transaction, so nothing holds its order."""


class EventTooLarge(ValueError):
    """The encoded fact exceeds MAX_PAYLOAD."""


async def emit(session: AsyncSession, event_class: type[FactT], aggregate: Aggregate, **extra: Any) -> FactT:
    """Queues one fact about `aggregate`, which must have been changed in this transaction.

    Flushes first: the UPDATE takes the row lock and raises the version before any outbox id is drawn.
    `extra` are further fields of the event class. Raises WrongProducer, UnwrittenAggregate.
    """
    await session.flush()
    return _queue(unit_of(session), event_class, aggregate, extra)


async def emit_many(session: AsyncSession, event_class: type[FactT], aggregates: Sequence[Aggregate]) -> list[FactT]:
    """The same for many aggregates with one flush."""
    await session.flush()
    unit = unit_of(session)
    return [_queue(unit, event_class, aggregate, {}) for aggregate in aggregates]


def _queue(unit: Unit, event_class: type[FactT], aggregate: Aggregate, extra: dict[str, Any]) -> FactT:
    topic = topic_of(event_class)
    if topic.producer != unit.service:
        raise WrongProducer(f"{unit.service} may not publish {event_class.TYPE}")
    state = aggregate.state()
    if unit.version_when_loaded(state.id) == state.version:
        raise UnwrittenAggregate(f"{event_class.TYPE}: {state.id} has no new version in this transaction")
    previous = unit.previous(state)
    previous.pop("version", None)
    event = event_class(state=state, previous=previous, **extra)
    unit.events.append(_row(event))
    _remember_changes(unit, topic, event)
    return event


def _remember_changes(unit: Unit, topic: Topic, event: Fact) -> None:
    after = event.state.model_dump(mode="json") if event.previous else {}
    for name, old in event.previous.items():
        mark = (event.state.id, event.state.version, name)
        if name not in UNTRACKED and mark not in unit.recorded:
            unit.recorded.add(mark)
            change = Change(event.state.id, event.state.version, name, old, after.get(name))
            unit.changes.append(_history_row(topic.aggregate, change))


class OutboxFull(Unavailable):
    """More events wait for the broker than the settings allow: writing on would fill the disk."""

    code = "outbox_full"
    title = "Too many changes wait to be published"


_IS_FULL = text("""
select (select max(id) from outbox) - (select min(id) from outbox) + 1 >= :limit
   and (select count(*) from (select from outbox limit :limit) waiting) >= :limit""")


@dataclass
class Level:
    """Whether fewer than `limit` events wait, asked anew at most once in LOOK_EVERY seconds by whoever writes then.

    The ids' span is an upper bound that two looks at an index tell; rows are counted only when it is reached.
    """

    limit: int
    _is_full: bool = False
    _looked_at: float = -1e9

    async def check(self, session: AsyncSession) -> None:
        """Raises OutboxFull."""
        now = time.monotonic()
        if now - self._looked_at >= LOOK_EVERY:
            self._looked_at = now
            self._is_full = bool((await session.execute(_IS_FULL, {"limit": self.limit})).scalar())
        if self._is_full:
            raise OutboxFull(headers={"Retry-After": "5"})


async def write(session: AsyncSession, level: Level) -> None:
    """Writes what the unit has gathered; Database.transaction calls it as the last thing before the commit.

    Raises OutboxFull.
    """
    await session.flush()
    unit = unit_of(session)
    if unit.changes:
        await session.execute(insert(FIELD_HISTORY), unit.changes)
    if unit.events:
        await level.check(session)
        await session.execute(insert(OUTBOX), unit.events)


def shard_of(aggregate_id: UUID) -> int:
    return crc32(aggregate_id.bytes) % tables.SHARDS


def _row(event: Fact) -> dict[str, Any]:
    topic = topic_of(type(event))
    payload = event.model_dump_json().encode()
    if len(payload) > MAX_PAYLOAD:
        raise EventTooLarge(f"{event.TYPE} about {event.state.id}: {len(payload)} bytes")
    envelope = envelope_of(event, topic, event.state.id, event.state.version)
    return {
        "shard": shard_of(event.state.id),
        "topic": topic.name,
        "state_topic": topic.state_name if topic.has_state else None,
        "tombstone": event.TOMBSTONE,
        "aggregate_type": topic.aggregate,
        "aggregate_id": event.state.id,
        "version": event.state.version,
        "event_id": envelope.id,
        "type": event.TYPE,
        "headers": {name: value.decode() for name, value in encode(envelope)},
        "payload": payload,
    }


def envelope_of(event: Event | type[Event], topic: Topic, key: UUID, sequence: int) -> Envelope:
    """The envelope of something written now, by whoever acts now."""
    who = context.actor.get()
    return Envelope(
        id=uuid7(),
        type=event.TYPE,
        source=f"/crm/{topic.producer}",
        subject=str(key),
        time=datetime.now(UTC),
        sequence=sequence,
        correlation_id=context.current_correlation_id(),
        causation_id=context.causation_id.get(),
        traceparent=context.traceparent.get(),
        actor_type=who.type,
        actor_id=who.id,
        classification=topic.classification,
        dataschema=event.SCHEMA,
    )


def state_row(kind: type[Fact], topic: Topic, key: UUID, version: int, state: State | None) -> dict[str, Any]:
    """A row that puts nothing but the state into the state topic, or a tombstone; `kind` says how it is called there.

    The aggregate must be locked, as for a fact, so that no newer state is told before it.
    """
    envelope = envelope_of(kind, topic, key, version)
    return {
        "shard": shard_of(key),
        "topic": topic.state_name,
        "state_topic": topic.state_name,
        "tombstone": state is None,
        "aggregate_type": topic.aggregate,
        "aggregate_id": key,
        "version": version,
        "event_id": envelope.id,
        "type": kind.TYPE,
        "headers": {name: value.decode() for name, value in encode(envelope)},
        "payload": b"" if state is None else state.model_dump_json().encode(),
    }


def _history_row(aggregate: str, change: Change) -> dict[str, JsonValue | UUID]:
    who = context.actor.get()
    return {
        "object": aggregate,
        "object_id": change.object_id,
        "version": change.version,
        "field": change.field,
        "old": change.old,
        "new": change.new,
        "actor_type": who.type,
        "actor_id": who.id,
        "correlation_id": context.current_correlation_id(),
    }
