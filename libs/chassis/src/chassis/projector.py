"""Takes records of a topic over into the service's database: at most once in effect, in order per key.

The position is a row in PostgreSQL, moved by compare-and-set in the transaction of the effect. Whoever else reads the
same partition moves it first or fails; Kafka's group only spreads the work.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy import and_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import metrics
from chassis.context import Actor, acting
from chassis.db import Database
from chassis.kafka import Partition, SourceRecord
from chassis.subscriptions import Projector, Received, Subscriptions, handler_name
from chassis.tables import CONSUMER_OFFSET, INBOX, QUARANTINE
from chassis.unit import unit_of
from contracts.catalogue import event_class
from contracts.envelope import Envelope, EnvelopeError, decode, encode
from contracts.event import Fact

log = structlog.get_logger(__name__)

TRANSIENT_SQLSTATES = ("40001", "40P01", "55P03", "57014", "53", "08", "57P", "25006")


class Fenced(Exception):
    """Another member has moved the position: this batch is its business now."""


@dataclass(frozen=True)
class Intake:
    """Takes batches over for one service; `group` names the position."""

    database: Database
    group: str
    subscriptions: Subscriptions

    async def take(self, at: Partition, start: int, records: Sequence[SourceRecord]) -> int:
        """Applies records of one partition that begin at position `start`; returns the next position.

        Raises Fenced when the stored position is another, and what the database raises; then nothing has happened.
        """
        fresh = [record for record in records if record.offset >= start]
        if not fresh:
            return start
        end = fresh[-1].offset + 1
        try:
            await self._apply(at, start, end, fresh, one_by_one=False)
        except Exception as error:
            if isinstance(error, Fenced) or is_transient(error):
                raise
            log.warning("batch_failed", topic=at.topic, partition=at.number, offset=start, error=repr(error))
            await self._apply(at, start, end, fresh, one_by_one=True)
        metrics.records_applied.labels(at.topic).inc(len(fresh))
        return end

    async def _apply(
        self, at: Partition, start: int, end: int, records: Sequence[SourceRecord], *, one_by_one: bool
    ) -> None:
        async with self.database.transaction() as session:
            await _move(session, self.group, at, start, end)
            received = await self._decoded(session, records)
            await self._queue_for_reactors(session, received, records)
            for projector in self.subscriptions.projectors.get(at.topic, []):
                await self._project(session, projector, received, one_by_one)

    async def _decoded(self, session: AsyncSession, records: Sequence[SourceRecord]) -> dict[int, Received]:
        """By offset; what cannot be decoded goes to the quarantine, what nobody here knows is skipped."""
        found: dict[int, Received] = {}
        for record in records:
            try:
                received = parse(record)
            except (EnvelopeError, ValidationError) as error:
                await _quarantine(session, record, error)
                continue
            if received is None:
                metrics.records_skipped.labels(record.topic).inc()
            else:
                found[record.offset] = received
        return found

    async def _queue_for_reactors(
        self, session: AsyncSession, received: dict[int, Received], records: Sequence[SourceRecord]
    ) -> None:
        rows = [
            inbox_row(handler_name(function), record.topic, received[record.offset], record.value)
            for record in records
            if record.offset in received
            for function in self.subscriptions.reactors.get(received[record.offset].envelope.type, [])
        ]
        if rows:
            await session.execute(upsert(INBOX).on_conflict_do_nothing(), rows)

    async def _project(
        self, session: AsyncSession, projector: Projector, received: dict[int, Received], one_by_one: bool
    ) -> None:
        batch = fold(list(received.values()))
        waiting = await _unfinished(session, handler_name(projector), [each.envelope.subject for each in batch])
        for each in [each for each in batch if each.envelope.subject in waiting]:
            await _divert(session, projector, each)
        ready = [each for each in batch if each.envelope.subject not in waiting]
        if one_by_one:
            await _project_each(session, projector, ready)
        elif ready:
            with caused_by(ready[-1].envelope):
                await projector(session, ready)


def parse(record: SourceRecord) -> Received | None:
    """The event of a record; None when its type is unknown here. Raises EnvelopeError, ValidationError."""
    envelope, data = decode(record.headers, record.value)
    known = event_class(envelope.type)
    if known is None or not issubclass(known, Fact):
        return None
    return Received(known.model_validate_json(data or b""), envelope)


def fold(received: Sequence[Received]) -> list[Received]:
    """The last record per key, by key: facts are fat, and the order keeps two projectors from a deadlock."""
    newest: dict[str, Received] = {}
    for each in received:
        known = newest.get(each.envelope.subject)
        if known is None or known.envelope.sequence <= each.envelope.sequence:
            newest[each.envelope.subject] = each
    return [newest[key] for key in sorted(newest)]


def is_transient(error: BaseException) -> bool:
    """Whether the same work may succeed in a moment: the database is away, or somebody was in the way."""
    if isinstance(error, (OperationalError, InterfaceError, OSError, TimeoutError)):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None) or ""
    return error.connection_invalidated or str(state).startswith(TRANSIENT_SQLSTATES)


async def _move(session: AsyncSession, group: str, at: Partition, start: int, end: int) -> None:
    c = CONSUMER_OFFSET.c
    here = and_(c.grp == group, c.topic == at.topic, c.partition == at.number, c.next == start)
    moved = update(CONSUMER_OFFSET).where(here).values(next=end, updated_at=text("clock_timestamp()"))
    if (await session.execute(moved.returning(c.next))).first() is None:
        raise Fenced(f"{at.topic}/{at.number} at {start}")


async def _unfinished(session: AsyncSession, handler: str, keys: Sequence[str]) -> set[str]:
    c = INBOX.c
    rows = await session.execute(
        select(c.key).where(c.handler == handler, c.key.in_(keys), c.state != "done").distinct()
    )
    return set(rows.scalars())


async def _project_each(session: AsyncSession, projector: Projector, batch: Sequence[Received]) -> None:
    unit = unit_of(session)
    for each in batch:
        emitted, changed = len(unit.events), len(unit.changes)
        try:
            async with session.begin_nested():
                with caused_by(each.envelope):
                    await projector(session, [each])
        except Exception as error:
            if is_transient(error):
                raise
            del unit.events[emitted:], unit.changes[changed:]
            log.error(
                "record_diverted", handler=handler_name(projector), event_id=str(each.envelope.id), error=repr(error)
            )
            await _divert(session, projector, each)


async def _divert(session: AsyncSession, projector: Projector, received: Received) -> None:
    """Poison of one key must not stop the partition: the inbox tries it again, and later ones of the key wait there."""
    row = inbox_row(handler_name(projector), received.event.TOPIC, received, received.event.model_dump_json().encode())
    await session.execute(upsert(INBOX).on_conflict_do_nothing(), [row])


def inbox_row(handler: str, topic: str, received: Received, payload: bytes | None) -> dict[str, Any]:
    """A row of the inbox: the whole event, so that nothing is needed from Kafka any more."""
    envelope = received.envelope
    return {
        "handler": handler,
        "event_id": envelope.id,
        "topic": topic,
        "key": envelope.subject,
        "type": envelope.type,
        "headers": headers_of(envelope),
        "payload": payload,
    }


def headers_of(envelope: Envelope) -> dict[str, str]:
    return {name: value.decode() for name, value in encode(envelope)}


async def _quarantine(session: AsyncSession, record: SourceRecord, error: Exception) -> None:
    metrics.records_quarantined.labels(record.topic).inc()
    log.error("record_quarantined", topic=record.topic, partition=record.partition, offset=record.offset)
    row = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "key": record.key,
        "headers": [[name, value.decode("latin-1")] for name, value in record.headers if value is not None],
        "value": record.value,
        "error": repr(error)[:2000],
    }
    await session.execute(upsert(QUARANTINE).on_conflict_do_nothing(), [row])


def caused_by(envelope: Envelope) -> AbstractContextManager[None]:
    """Context in which everything emitted is an effect of the given event, by the same principal."""
    who = Actor(envelope.actor_type or "system", envelope.actor_id)
    return acting(who, correlation=envelope.correlation_id, causation=str(envelope.id), trace=envelope.traceparent)


async def upsert_guarded(session: AsyncSession, model: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Inserts or updates rows of a replica by id, unless what is stored is newer or the same.

    Each row needs `id` and `version`; rows are written in the order of ids, so that two writers cannot deadlock.
    """
    if not rows:
        return
    table = model.__table__
    statement = upsert(table)
    changed = {name: statement.excluded[name] for name in rows[0] if name != "id"}
    guarded = statement.on_conflict_do_update(
        index_elements=[table.c.id], set_=changed, where=table.c.version < statement.excluded.version
    )
    await session.execute(guarded, sorted(rows, key=lambda row: str(row["id"])))


async def stored_positions(session: AsyncSession, group: str, starts: dict[Partition, int]) -> dict[Partition, int]:
    """The next offset per partition, beginning at `starts` where nothing is stored yet."""
    rows = [
        {"grp": group, "topic": at.topic, "partition": at.number, "next": offset, "first_seen": offset}
        for at, offset in starts.items()
    ]
    if not rows:
        return {}
    await session.execute(upsert(CONSUMER_OFFSET).on_conflict_do_nothing(), rows)
    c = CONSUMER_OFFSET.c
    stored = await session.execute(select(c.topic, c.partition, c.next).where(c.grp == group))
    known = {Partition(topic, number): offset for topic, number, offset in stored}
    return {at: known[at] for at in starts}
