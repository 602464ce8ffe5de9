"""Takes records of a topic over into the service's database: at most once in effect, in order per key.

The position is a row in PostgreSQL, moved by compare-and-set in the transaction of the effect. Whoever else reads the
same partition moves it first or fails; Kafka's group only spreads the work.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

import structlog
from pydantic import ValidationError
from sqlalchemy import Table, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningInsert

from chassis import metrics, tracing
from chassis.context import Actor, acting
from chassis.db import Database
from chassis.failpoints import failpoint
from chassis.kafka import Partition, SourceRecord
from chassis.outbox import OutboxFull
from chassis.overlap import Working
from chassis.subscriptions import Projector, Received, Subscriptions, handler_name
from chassis.tables import CONSUMER_OFFSET, INBOX, QUARANTINE
from chassis.unit import unit_of
from contracts.catalogue import event_class
from contracts.envelope import Envelope, EnvelopeError, decode, encode
from contracts.event import Fact, Message

log = structlog.get_logger(__name__)

AT_ONCE = 500
"""Records that are decoded while the database works on those before them, all in one transaction."""
TRANSIENT_SQLSTATES = ("40001", "40P01", "55P03", "57014", "53", "08", "57P", "25006")


class Fenced(Exception):
    """Another member has moved the position: this batch is its business now."""


@dataclass(frozen=True)
class Batch:
    """Records of one partition from position `start` on; after them the position is `end`."""

    at: Partition
    start: int
    records: Sequence[SourceRecord]

    @property
    def end(self) -> int:
        return self.records[-1].offset + 1 if self.records else self.start

    def fresh(self) -> "Batch":
        """Without what lies before the position."""
        return Batch(self.at, self.start, [record for record in self.records if record.offset >= self.start])


@dataclass(frozen=True)
class Intake:
    """Takes batches over for one service; `group` names the position.

    `may_wait` holds the projectors that may have records set aside in the inbox; only for these it is asked.
    `queued` is set when a commit has left something for the reactors.
    """

    database: Database
    group: str
    subscriptions: Subscriptions
    may_wait: set[str] = field(default_factory=set)
    queued: asyncio.Event = field(default_factory=asyncio.Event)

    def assigned(self) -> None:
        """Somebody else may have set records aside while the partitions were theirs."""
        projectors = (each for every in self.subscriptions.projectors.values() for each in every)
        self.may_wait.update(map(handler_name, projectors))

    async def take(self, at: Partition, start: int, records: Sequence[SourceRecord]) -> int:
        """Applies records of one partition that begin at position `start`; returns the next position.

        Raises Fenced when the stored position is another, and what the database raises; then nothing has happened.
        """
        batch = Batch(at, start, records).fresh()
        if not batch.records:
            return start
        try:
            await self._apply([batch], one_by_one=False)
        except Exception as error:
            if isinstance(error, Fenced) or is_transient(error):
                raise
            log.warning("batch_failed", topic=at.topic, partition=at.number, offset=start, error=repr(error))
            await self._apply([batch], one_by_one=True)
        return batch.end

    async def take_together(self, batches: Sequence[Batch]) -> dict[Partition, int]:
        """Batches of several partitions in one transaction, all or none; returns the next positions.

        Raises whatever goes wrong with any of them; then each should be taken alone.
        """
        fresh = [batch.fresh() for batch in batches]
        await self._apply([batch for batch in fresh if batch.records], one_by_one=False)
        return {batch.at: batch.end for batch in fresh}

    async def _apply(self, batches: Sequence[Batch], *, one_by_one: bool) -> None:
        async with self.database.transaction() as session:
            await _move(session, self.group, batches)
            await self.effect(session, [record for batch in batches for record in batch.records], one_by_one=one_by_one)
            failpoint("intake.in_transaction")
        failpoint("intake.after_commit")
        if session.sync_session.info.get("has_queued"):
            self.queued.set()
        for batch in batches:
            metrics.records_applied.labels(batch.at.topic).inc(len(batch.records))

    async def effect(self, session: AsyncSession, records: Sequence[SourceRecord], *, one_by_one: bool) -> None:
        """What the records bring about, without moving a position: reactors get them once, replicas never go back."""
        async with Working() as working:
            for begin in range(0, len(records), AT_ONCE):
                found = _decoded(records[begin : begin + AT_ONCE])
                await working.next(self._bring_about(session, found, one_by_one))

    async def _bring_about(self, session: AsyncSession, found: "Decoded", one_by_one: bool) -> None:
        received = found.received
        for record, error in found.unreadable:
            await _quarantine(session, record, error)
        await self._queue_for_reactors(session, received)
        for topic, projectors in self.subscriptions.projectors.items():
            folded = fold([each for each in received if topic == each.event.TOPIC])
            for projector in projectors if folded else ():
                await self._project(session, projector, folded, one_by_one)

    async def _queue_for_reactors(self, session: AsyncSession, received: Sequence[Received[Any]]) -> None:
        rows = [
            inbox_row(handler_name(function), each)
            for each in received
            for function in self.subscriptions.reactors.get(each.envelope.type, [])
        ]
        if rows:
            await _queue(session, rows)

    async def _project(
        self, session: AsyncSession, projector: Projector, batch: Sequence[Received], one_by_one: bool
    ) -> None:
        ready = await self._without_waiting(session, projector, batch)
        if one_by_one:
            await self._project_each(session, projector, ready)
        elif ready:
            with caused_by(ready[-1].envelope, handler_name(projector), [each.envelope for each in ready[:-1]]):
                await projector(session, ready)

    async def _without_waiting(
        self, session: AsyncSession, projector: Projector, batch: Sequence[Received]
    ) -> Sequence[Received]:
        """What follows a record that was set aside waits behind it."""
        handler = handler_name(projector)
        if handler not in self.may_wait:
            return batch
        waiting = await _unfinished(session, handler)
        if not waiting:
            self.may_wait.discard(handler)
        for each in batch:
            if each.envelope.subject in waiting:
                await self._divert(session, handler, each)
        return [each for each in batch if each.envelope.subject not in waiting]

    async def _project_each(self, session: AsyncSession, projector: Projector, batch: Sequence[Received]) -> None:
        unit, handler = unit_of(session), handler_name(projector)
        for each in batch:
            emitted, changed = len(unit.events), len(unit.changes)
            try:
                async with session.begin_nested():
                    with caused_by(each.envelope, handler):
                        await projector(session, [each])
            except Exception as error:
                if is_transient(error):
                    raise
                del unit.events[emitted:], unit.changes[changed:]
                log.error("record_diverted", handler=handler, event_id=str(each.envelope.id), error=repr(error))
                await self._divert(session, handler, each)

    async def _divert(self, session: AsyncSession, handler: str, received: Received) -> None:
        """Poison of one key must not stop the partition: the inbox tries it again, later ones of the key wait there."""
        self.may_wait.add(handler)
        await _queue(session, [inbox_row(handler, received)])


async def _queue(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    await session.execute(upsert(INBOX).on_conflict_do_nothing(), rows)
    session.sync_session.info["has_queued"] = True


@dataclass(frozen=True)
class Decoded:
    received: list[Received[Any]]
    unreadable: list[tuple[SourceRecord, Exception]]


def _decoded(records: Sequence[SourceRecord]) -> Decoded:
    """What nobody here knows is skipped."""
    found = Decoded([], [])
    for record in records:
        try:
            received = parse(record)
        except (EnvelopeError, ValidationError) as error:
            found.unreadable.append((record, error))
            continue
        if received is None:
            metrics.records_skipped.labels(record.topic).inc()
        else:
            found.received.append(received)
    return found


def parse(record: SourceRecord) -> Received[Any] | None:
    """The event of a record; None when its type is unknown here. Raises EnvelopeError, ValidationError."""
    envelope, data = decode(record.headers, record.value)
    known = event_class(envelope.type)
    if known is None or not issubclass(known, Fact | Message):
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
    # SQLAlchemy's own time-out, which is none of Python's: all connections are in use, or lead nowhere.
    if isinstance(error, (OperationalError, InterfaceError, PoolTimeout, OSError, TimeoutError, OutboxFull)):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None) or ""
    return error.connection_invalidated or str(state).startswith(TRANSIENT_SQLSTATES)


_MOVE = text("""
update consumer_offset o set next = v.last, updated_at = clock_timestamp()
from unnest(cast(:topics as text[]), cast(:numbers as int[]), cast(:starts as bigint[]), cast(:ends as bigint[]))
  as v(topic, number, first, last)
where o.grp = :grp and o.topic = v.topic and o.partition = v.number and o.next = v.first
returning 1""")


async def _move(session: AsyncSession, group: str, batches: Sequence[Batch]) -> None:
    """Compare-and-set of all positions, before anything else: the rows stay locked until the effect commits."""
    ordered = sorted(batches, key=lambda batch: (batch.at.topic, batch.at.number))
    values = {
        "grp": group,
        "topics": [batch.at.topic for batch in ordered],
        "numbers": [batch.at.number for batch in ordered],
        "starts": [batch.start for batch in ordered],
        "ends": [batch.end for batch in ordered],
    }
    if len((await session.execute(_MOVE, values)).all()) != len(ordered):
        raise Fenced(", ".join(f"{batch.at.topic}/{batch.at.number} at {batch.start}" for batch in ordered))


async def _unfinished(session: AsyncSession, handler: str) -> set[str]:
    c = INBOX.c
    rows = await session.execute(select(c.key).where(c.handler == handler, c.state != "done").distinct())
    return set(rows.scalars())


def inbox_row(handler: str, received: Received[Any]) -> dict[str, Any]:
    """A row of the inbox: the whole event, so that nothing is needed from Kafka any more."""
    envelope = received.envelope
    return {
        "handler": handler,
        "event_id": envelope.id,
        "topic": received.event.TOPIC,
        "key": envelope.subject,
        "type": envelope.type,
        "headers": headers_of(envelope),
        "payload": received.event.model_dump_json().encode(),
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


@contextmanager
def caused_by(envelope: Envelope, handler: str, others: Sequence[Envelope] = ()) -> Iterator[None]:
    """Context in which everything emitted is an effect of the given event, by the same principal."""
    who = Actor(envelope.actor_type or "system", envelope.actor_id)
    with (
        tracing.handling(handler, envelope, others) as trace,
        acting(who, correlation=envelope.correlation_id, causation=str(envelope.id), trace=trace),
    ):
        yield


async def upsert_guarded(session: AsyncSession, model: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Inserts or updates rows of a replica by id, unless what is stored is newer or the same.

    Each row needs `id` and `version`; rows are written in the order of ids, so that two writers cannot deadlock. Of
    several rows with one id only that of the highest version is written.
    """
    newest: dict[Any, dict[str, Any]] = {}
    for row in rows:
        known = newest.get(row["id"])
        if known is None or known["version"] < row["version"]:
            newest[row["id"]] = row
    if newest:
        ordered = [newest[identity] for identity in sorted(newest, key=_rank)]
        await session.execute(_guarded(model.__table__, tuple(rows[0])), ordered)


def _rank(identity: Any) -> Any:
    """The same order as that of the ids as text, which costs more to make."""
    return identity.bytes if isinstance(identity, UUID) else str(identity)


@lru_cache(256)  # a statement costs more to write down than to run
def _guarded(table: Table, names: tuple[str, ...]) -> ReturningInsert[Any]:
    statement = upsert(table)
    changed = {name: statement.excluded[name] for name in names if name != "id"}
    guarded = statement.on_conflict_do_update(
        index_elements=[table.c.id], set_=changed, where=table.c.version < statement.excluded.version
    )
    # Only with RETURNING does SQLAlchemy send many rows in one statement.
    return guarded.returning(table.c.version)


_ADOPT = text("""
update consumer_offset o set topic_id = v.id
from unnest(cast(:topics as text[]), cast(:ids as text[])) as v(topic, id)
where o.grp = :grp and o.topic = v.topic and o.topic_id is null""")
_STRANGE = text("""
select distinct o.topic from consumer_offset o
join unnest(cast(:topics as text[]), cast(:ids as text[])) as v(topic, id) on o.topic = v.topic
where o.grp = :grp and o.topic_id <> v.id""")


async def strangers(session: AsyncSession, group: str, ids: dict[str, str]) -> set[str]:
    """Topics that are not those in which the stored positions count; a topic seen for the first time is noted."""
    values = {"grp": group, "topics": list(ids), "ids": list(ids.values())}
    await session.execute(_ADOPT, values)
    return set((await session.execute(_STRANGE, values)).scalars())


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
