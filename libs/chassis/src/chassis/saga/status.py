"""A saga as its caller sees it, and the worker that keeps sagas moving."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, params
from pydantic import BaseModel, Field, JsonValue
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import metrics
from chassis.db import Database, Reader
from chassis.due import Process, run_due
from chassis.errors import NotFound
from chassis.saga.definition import Saga
from chassis.saga.owner import SagaRow, chase, progress
from chassis.saga.tables import SAGA
from chassis.service import Runtime, Worker
from contracts.event import Kept

BATCH = 50
"""Rows chased in one transaction: their locks make replies wait."""
MEASURE_EVERY = 15.0


class SagaView(BaseModel):
    """Where a saga stands."""

    id: UUID
    subject_id: UUID
    status: str = Field(description="running, compensating, completed or compensated")
    step: str | None = Field(description="The step whose answer is awaited; null at the end.")
    reason: str | None = Field(description="Why it was not done, as a stable code.")
    detail: str | None = Field(description="The same for people.")
    kept: list[Kept] = Field(description="What was made and could not be taken back.")
    results: dict[str, dict[str, JsonValue]] = Field(description="The answer of each step.")
    started_at: datetime
    finished_at: datetime | None

    @property
    def is_at_rest(self) -> bool:
        return self.finished_at is not None


async def view(session: AsyncSession, saga: Saga, saga_id: UUID) -> SagaView | None:
    """The saga's present state; None when there is no such saga of this kind."""
    row = await session.get(SagaRow, saga_id, populate_existing=True)
    if row is None or row.name != saga.name:
        return None
    known = await progress(session, row)
    is_open = row.state == "pending" and 0 <= row.step < len(saga.steps)
    return SagaView(
        id=row.id,
        subject_id=row.subject_id,
        status=row.status,
        step=saga.steps[row.step].name if is_open else None,
        reason=row.reason,
        detail=row.detail,
        kept=list(known.kept),
        results={step: dict(reply) for step, reply in known.replies.items()},
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


async def at_rest(database: Database, saga: Saga, saga_id: UUID, seconds: float = 2.0) -> SagaView:
    """Waits up to `seconds` for the end, so that the common case is one request; returns what is known by then.

    Call it after the transaction that started the saga has committed. Raises NotFound.
    """
    pause, loop = 0.02, asyncio.get_running_loop()
    until = loop.time() + seconds
    while True:
        async with database.read() as session:
            found = await view(session, saga, saga_id)
        if found is None:
            raise NotFound("There is no such work.")
        if found.is_at_rest or loop.time() >= until:
            return found
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.2)


def status_router(saga: Saga, path: str, allowed: params.Depends) -> APIRouter:
    """`GET <path>/{saga_id}`, the status resource of this kind of saga; `allowed` is the route's policy."""
    router = APIRouter()

    @router.get(f"{path}/{{saga_id}}", dependencies=[allowed], name=f"read_{saga.name.replace('-', '_')}")
    async def read(saga_id: UUID, session: Reader) -> SagaView:
        found = await view(session, saga, saga_id)
        if found is None:
            raise NotFound("There is no such work.")
        return found

    return router


def saga_worker(*sagas: Saga) -> Worker:
    """The background loop of a service that owns these sagas: `Service(workers=(saga_worker(conversion),))`."""

    async def run(runtime: Runtime) -> None:
        await run_sagas(runtime, *sagas)

    return Worker("sagas", run)


async def run_sagas(runtime: Process, *sagas: Saga, poll: float = 0.5) -> None:
    """Chases late sagas until the process stops; any number of processes may do so."""

    async def chase_due(session: AsyncSession, rows: Sequence[SagaRow]) -> None:
        await chase(session, sagas, rows)

    async with asyncio.TaskGroup() as group:
        group.create_task(run_due(runtime, SagaRow, chase_due, poll=poll, batch=BATCH))
        group.create_task(_measure(runtime, sagas))


async def _measure(runtime: Process, sagas: Sequence[Saga]) -> None:
    """The age of the oldest saga that is not at rest: what never ends needs a person."""
    age = func.extract("epoch", func.clock_timestamp() - func.min(SAGA.c.started_at))
    oldest = select(SAGA.c.name, age).where(SAGA.c.state == "pending").group_by(SAGA.c.name)
    while not runtime.stopping.is_set():
        with suppress(Exception):  # the next round asks again
            async with runtime.db.read() as session:
                ages: dict[str, Any] = dict((await session.execute(oldest)).tuples().all())
            for saga in sagas:
                metrics.saga_oldest_seconds.labels(saga.name).set(float(ages.get(saga.name, 0)))
        with suppress(TimeoutError):
            async with asyncio.timeout(MEASURE_EVERY):
                await runtime.stopping.wait()
