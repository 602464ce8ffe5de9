"""Keys that wait for an operator: in the inbox behind an event that keeps failing, in the outbox behind one that the
broker refuses.

Nothing here can break the order of a key. A worker of the inbox only claims the first unfinished event of a key; rows
of the outbox get their old id back, which is lower than that of every later event of the key.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import Conflict, NotFound
from chassis.operations.wording import without_data

Source = Literal["inbox", "outbox"]


class ParkedKey(BaseModel):
    """A key and the event at its head; `name` is the handler that fails, or the topic that the event is meant for."""

    source: Source
    name: str
    key: str
    event_id: UUID
    type: str
    attempts: int
    error: str
    since: datetime = Field(description="When the event came in.")
    behind: int = Field(description="Later events of the key that wait behind it.")


class WaitingEvent(BaseModel):
    """One event of a parked key, without its data."""

    source: Source
    name: str
    seq: int
    event_id: UUID
    type: str
    sequence: int = Field(description="Version of the record after the event.")
    state: str
    attempts: int
    error: str | None
    time: datetime
    correlation_id: str
    causation_id: str | None
    traceparent: str | None
    actor: str | None
    bytes: int


class NotParked(NotFound):
    code = "not_parked"
    title = "Nothing is parked under this key"


class SeveralParked(Conflict):
    code = "several_parked"
    title = "Several handlers have parked this key; name one"


_LIST = text("""
select 'inbox' as source, p.handler as name, p.key, p.event_id, p.type, p.attempts, coalesce(p.error, '') as error,
       p.created_at as since,
       (select count(*) from inbox w where w.handler = p.handler and w.key = p.key and w.state <> 'done'
        and w.seq > p.seq) as behind
from inbox p where p.state = 'parked' and (cast(:key as text) is null or p.key = :key)
union all
select 'outbox', h.topic, h.aggregate_id::text, h.event_id, h.type, 0, h.reason, h.created_at,
       (select count(*) from outbox_parked w where w.aggregate_id = h.aggregate_id and w.id > h.id)
from outbox_parked h
where not exists (select from outbox_parked e where e.aggregate_id = h.aggregate_id and e.id < h.id)
  and (cast(:key as text) is null or h.aggregate_id::text = :key)
order by since limit :limit""")
_EVENTS = text("""
select 'inbox' as source, handler as name, seq, event_id, type, headers, state, attempts, error,
       created_at as time, coalesce(length(payload), 0) as bytes
from inbox where key = :key and state <> 'done'
  and handler in (select handler from inbox where key = :key and state = 'parked')
union all
select 'outbox', topic, id, event_id, type, headers, 'parked', 0, reason, created_at, length(payload)
from outbox_parked where aggregate_id::text = :key
order by name, seq limit :limit""")
_RETRY_INBOX = text("""
update inbox set state = 'pending', attempts = 0, next_at = clock_timestamp(), lease_until = null
where handler = :name and key = :key and state = 'parked' returning event_id""")
_DROP_INBOX = text("""
update inbox set state = 'done', done_at = clock_timestamp(), lease_until = null, error = 'dropped: ' || :reason
where handler = :name and key = :key and state <> 'done' and (:whole or state = 'parked') returning event_id""")
# The relay that would park what follows holds the same lock.
_LOCK_KEY = text("select pg_advisory_xact_lock(7234003, hashtext(:key))")
_RETRY_OUTBOX = text("""
with moved as (delete from outbox_parked where aggregate_id::text = :key returning *)
insert into outbox (id, shard, topic, state_topic, tombstone, aggregate_type, aggregate_id, version, event_id, type,
                    headers, payload, created_at)
overriding system value
select id, shard, topic, state_topic, tombstone, aggregate_type, aggregate_id, version, event_id, type,
       headers, payload, created_at from moved order by id
returning event_id""")
_DROP_OUTBOX = text("""
delete from outbox_parked where aggregate_id::text = :key
  and (:whole or id = (select min(id) from outbox_parked where aggregate_id::text = :key)) returning event_id""")


async def parked_keys(session: AsyncSession, key: str | None, limit: int) -> list[ParkedKey]:
    """The longest waiting first."""
    rows = await session.execute(_LIST, {"key": key, "limit": limit})
    return [ParkedKey.model_validate({**row, "error": without_data(row["error"])}) for row in rows.mappings()]


async def waiting_events(session: AsyncSession, key: str, limit: int) -> list[WaitingEvent]:
    """All unfinished events of a parked key in their order. Raises NotParked."""
    rows = (await session.execute(_EVENTS, {"key": key, "limit": limit})).mappings().all()
    if not rows:
        raise NotParked(f"No event of {key} is parked.")
    return [_waiting(row) for row in rows]


def _waiting(row: RowMapping) -> WaitingEvent:
    headers: dict[str, str] = row["headers"]
    return WaitingEvent(
        **{name: value for name, value in row.items() if name not in ("headers", "error")},
        error=without_data(row["error"]) if row["error"] else None,
        sequence=int(headers.get("ce_sequence", "0")),
        correlation_id=headers.get("ce_correlationid", ""),
        causation_id=headers.get("ce_causationid"),
        traceparent=headers.get("traceparent"),
        actor=headers.get("ce_authid"),
    )


async def only_parked(session: AsyncSession, key: str, name: str | None) -> ParkedKey:
    """The one place where the key is parked. Raises NotParked, and SeveralParked unless `name` says which."""
    found = [each for each in await parked_keys(session, key, 100) if name in (None, each.name)]
    if not found:
        raise NotParked(f"No event of {key} is parked{f' by {name}' if name else ''}.")
    if len(found) > 1:
        raise SeveralParked(f"{key} is parked by {', '.join(each.name for each in found)}.")
    return found[0]


async def retry(session: AsyncSession, parked: ParkedKey) -> Sequence[UUID]:
    """Lets the key's first event run again, with all attempts; the later ones follow by themselves."""
    return await _changed(session, _RETRY_INBOX if parked.source == "inbox" else _RETRY_OUTBOX, parked)


async def drop(session: AsyncSession, parked: ParkedKey, reason: str, *, whole: bool) -> Sequence[UUID]:
    """Gives up the key's first event, or with `whole` all that wait; what is left goes on."""
    if parked.source == "inbox":
        return await _changed(session, _DROP_INBOX, parked, reason=reason[:500], whole=whole)
    dropped = await _changed(session, _DROP_OUTBOX, parked, whole=whole)
    await session.execute(_RETRY_OUTBOX, {"key": parked.key})
    return dropped


async def _changed(session: AsyncSession, statement: Any, parked: ParkedKey, **values: Any) -> Sequence[UUID]:
    if parked.source == "outbox":
        await session.execute(_LOCK_KEY, {"key": parked.key})
    named = {"name": parked.name} if parked.source == "inbox" else {}
    found = (await session.execute(statement, {"key": parked.key, **named, **values})).scalars().all()
    if not found:
        raise NotParked("Somebody else was faster.")
    return found
