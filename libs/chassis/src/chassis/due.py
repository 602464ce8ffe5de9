"""Rows that become due: fired once by any number of workers, by PostgreSQL's clock alone.

A queue is a mapped class with the columns `state` ('pending' until handled) and `due_at`; an index on
`due_at where state = 'pending'` keeps the look-up cheap.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol, TypeVar

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import metrics
from chassis.context import SYSTEM, acting
from chassis.db import Database
from chassis.failpoints import failpoint

log = structlog.get_logger(__name__)


class Due(Protocol):
    """Columns of a mapped class that is a due queue."""

    __name__: str
    state: Any
    due_at: Any


RowT = TypeVar("RowT")
Handle = Callable[[AsyncSession, Sequence[RowT]], Awaitable[None]]


async def claim_due(session: AsyncSession, model: type[RowT], limit: int = 500) -> Sequence[RowT]:
    """Locks up to `limit` rows that are due, the longest waiting first; rows that another worker holds are left to it.

    The caller must change their `state` (or move `due_at`) in the same transaction.
    """
    queue: Any = model
    due = (
        select(model)
        .where(queue.state == "pending", queue.due_at <= func.clock_timestamp())
        .order_by(queue.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.execute(due)).scalars().all()


class Process(Protocol):
    """What a loop needs of its process: chassis.service.Runtime has both."""

    db: Database
    stopping: asyncio.Event


async def run_due(
    runtime: Process,
    model: type[RowT],
    handle: Handle[RowT],
    *,
    poll: float = 0.5,
    batch: int = 500,
) -> None:
    """Claims and handles due rows until the process stops; `handle` and the rows' new state are one transaction.

    `poll` is the longest time in seconds between two looks; a row that is due earlier is waited for exactly.
    A database that is away is waited for.
    """
    while not runtime.stopping.is_set():
        try:
            fired = await _fire(runtime.db, model, handle, batch)
            wait = 0.0 if fired == batch else await _until_next(runtime.db, model, poll)
        except (DBAPIError, PoolTimeout, OSError) as error:
            log.warning("due_queue_interrupted", queue=model.__name__, error=repr(error))
            wait = poll
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await runtime.stopping.wait()


async def _fire(database: Database, model: type[RowT], handle: Handle[RowT], batch: int) -> int:
    with acting(SYSTEM):
        async with database.transaction() as session:
            rows = await claim_due(session, model, batch)
            if rows:
                failpoint("due.after_claim")
                await _observe(session, model, rows)
                await handle(session, rows)
                failpoint("due.in_transaction")
    if rows:
        failpoint("due.after_commit")
    metrics.due_fired.labels(model.__name__).inc(len(rows))
    return len(rows)


async def _observe(session: AsyncSession, model: type[RowT], rows: Sequence[RowT]) -> None:
    now = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    for row in rows:
        late = now - row.due_at  # type: ignore[attr-defined]
        metrics.due_lateness_seconds.labels(model.__name__).observe(max(late.total_seconds(), 0))


async def _until_next(database: Database, model: type[RowT], poll: float) -> float:
    queue: Any = model
    async with database.read() as session:
        left = func.extract("epoch", func.min(queue.due_at) - func.clock_timestamp())
        seconds = (await session.execute(select(left).where(queue.state == "pending"))).scalar_one()
    return poll if seconds is None else min(max(float(seconds), 0.0), poll)
