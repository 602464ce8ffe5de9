"""What only the database knows, looked up every few seconds: what waits, what is parked, what vacuum cannot remove."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import structlog
from prometheus_client import Gauge
from sqlalchemy import TextClause, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import metrics
from chassis.db import Database

log = structlog.get_logger(__name__)

EVERY = 5.0
COUNTED = 200_000
"""Rows that are counted at most: a look must stay cheap when much waits."""
WATCHED = ("outbox", "inbox", "consumer_offset", "outbox_parked", "quarantine", "idempotency_keys")

_OUTBOX = text("""
select (select count(*) from (select 1 from outbox limit :counted) w),
  coalesce((select extract(epoch from clock_timestamp() - created_at) from outbox order by id limit 1), 0)::float8""")
_OUTBOX_PARKED = text("select count(distinct aggregate_id) from outbox_parked")
_INBOX = text("""
with unfinished as (select handler, key, state, created_at from inbox where state <> 'done' limit :counted),
  parked as (select distinct handler, key from unfinished where state = 'parked')
select u.handler, count(distinct p.key) as parked, count(*) as waiting,
  coalesce(extract(epoch from clock_timestamp() - min(created_at) filter (where p.key is null)), 0)::float8 as oldest
from unfinished u left join parked p using (handler, key) group by u.handler""")
_QUARANTINE = text("select topic, count(*) from quarantine group by topic")
_DEAD = text("""
select relname, n_dead_tup from pg_stat_user_tables where schemaname = current_schema() and relname = any(:names)""")
_SNAPSHOT = text("""
select coalesce(extract(epoch from clock_timestamp() - min(xact_start)), 0)::float8 from pg_stat_activity
where datname = current_database() and backend_xmin is not null and pid <> pg_backend_pid()""")
_JOBS = text("select state, count(*) from operator_jobs where finished_at is null group by state")


async def keep_gauges(database: Database, stopping: asyncio.Event) -> None:
    """Looks until `stopping` is set; while the database is away the last values stay."""
    while not stopping.is_set():
        try:
            async with database.read() as session:
                await look(session)
        except (DBAPIError, OSError) as error:
            log.warning("gauges_not_read", error=repr(error))
        with suppress(TimeoutError):
            async with asyncio.timeout(EVERY):
                await stopping.wait()


async def look(session: AsyncSession) -> None:
    """Sets every gauge about the database to what it says now."""
    waiting, oldest = (await session.execute(_OUTBOX, {"counted": COUNTED})).one()
    metrics.outbox_waiting.set(waiting)
    metrics.outbox_oldest_seconds.set(oldest)
    metrics.outbox_parked_keys.set((await session.execute(_OUTBOX_PARKED)).scalar_one())
    inbox = (await session.execute(_INBOX, {"counted": COUNTED})).all()
    _set_all(metrics.inbox_parked_keys, {row.handler: row.parked for row in inbox})
    _set_all(metrics.inbox_waiting, {row.handler: row.waiting for row in inbox})
    _set_all(metrics.inbox_oldest_seconds, {row.handler: row.oldest for row in inbox})
    _set_all(metrics.quarantine_records, await _counts(session, _QUARANTINE))
    _set_all(metrics.dead_tuples, await _counts(session, _DEAD, names=list(WATCHED)))
    metrics.oldest_snapshot_seconds.set((await session.execute(_SNAPSHOT)).scalar_one())
    _set_all(metrics.operator_jobs, await _counts(session, _JOBS))


async def _counts(session: AsyncSession, statement: TextClause, **values: Any) -> dict[str, float]:
    return {row[0]: row[1] for row in await session.execute(statement, values)}


def _set_all(gauge: Gauge, values: Mapping[str, float]) -> None:
    """What is not there any more goes to zero and not away: an alert on it has to end."""
    for (known,) in list(gauge._metrics):
        if known not in values:
            gauge.labels(known).set(0)
    for label, value in values.items():
        gauge.labels(label).set(value)
