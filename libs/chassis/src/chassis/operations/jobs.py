"""What takes longer than a request: asked for by an operator, worked by the service's worker process under a lease.

A killed worker's job is taken up by the next one, from its beginning: replays and bootstraps may be repeated.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy import bindparam, insert, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from chassis.auth import Principal
from chassis.context import SYSTEM, acting, current_correlation_id
from chassis.db import Database
from chassis.errors import Conflict, NotFound
from chassis.operations import audit
from chassis.projector import is_transient
from chassis.tables import OPERATOR_JOBS

if TYPE_CHECKING:
    from chassis.service import Runtime

log = structlog.get_logger(__name__)

LEASE_SECONDS = 60
POLL = 1.0

_CLAIM = text("""
update operator_jobs set state = 'running', lease_token = :token, started_at = coalesce(started_at, clock_timestamp()),
  lease_until = clock_timestamp() + make_interval(secs => :lease), progress = '{}'
where id = (select id from operator_jobs where finished_at is null
              and (state = 'pending' or lease_until < clock_timestamp())
            order by created_at limit 1 for update skip locked)
returning id, kind, parameters, actor_id, actor_name, reason, correlation_id""").columns(
    OPERATOR_JOBS.c.id,
    OPERATOR_JOBS.c.kind,
    OPERATOR_JOBS.c.parameters,
    OPERATOR_JOBS.c.actor_id,
    OPERATOR_JOBS.c.actor_name,
    OPERATOR_JOBS.c.reason,
    OPERATOR_JOBS.c.correlation_id,
)
_PROGRESS = text("""
update operator_jobs set progress = :progress, lease_until = clock_timestamp() + make_interval(secs => :lease)
where id = :id and lease_token = :token and finished_at is null returning state""").bindparams(
    bindparam("progress", type_=JSONB)
)
_FINISH = text("""
update operator_jobs set state = :state, result = :result, finished_at = clock_timestamp(), lease_until = null
where id = :id and lease_token = :token and finished_at is null returning id""").bindparams(
    bindparam("result", type_=JSONB)
)
_STOP = text("""
update operator_jobs set state = case when state = 'pending' then 'stopped' else 'stopping' end,
  finished_at = case when state = 'pending' then clock_timestamp() end
where id = :id and finished_at is null returning state""")


class UnknownJob(NotFound):
    code = "unknown_job"
    title = "There is no such job"


class JobEnded(Conflict):
    code = "job_ended"
    title = "The job has ended"


class JobRefused(Exception):
    """The job cannot be done as it was asked for; the message says why."""


class JobStopped(Exception):
    """An operator has stopped it."""


class LeaseLost(Exception):
    """Another worker has taken it over."""


@dataclass
class Job:
    """A claimed job; `report` shows the operator how far it is and keeps the lease."""

    database: Database
    id: UUID
    token: UUID
    kind: str
    parameters: Mapping[str, Any]
    principal: Principal
    reason: str
    correlation_id: str

    async def report(self, **progress: Any) -> None:
        """Call it at least every half minute. Raises JobStopped, LeaseLost."""
        values = {"id": self.id, "token": self.token, "lease": LEASE_SECONDS, "progress": progress}
        async with self.database.transaction() as session:
            state = (await session.execute(_PROGRESS, values)).scalar_one_or_none()
        if state is None:
            raise LeaseLost
        if state == "stopping":
            raise JobStopped

    async def finish(self, state: str, result: dict[str, Any]) -> None:
        values = {"id": self.id, "token": self.token, "state": state, "result": result}
        async with self.database.transaction() as session:
            ended = await session.execute(_FINISH, values)
            if ended.scalar_one_or_none() is None:
                raise LeaseLost
            shown = {name: value for name, value in result.items() if isinstance(value, int | str)}
            await audit.record(
                session,
                self.principal,
                f"{self.kind}.{state}",
                str(self.id),
                reason=self.reason,
                result=", ".join(f"{name}: {value}" for name, value in shown.items())[:1000],
                parameters=dict(self.parameters),
            )


Run = Callable[["Runtime", Job], Awaitable[dict[str, Any]]]


async def request(
    session: AsyncSession, principal: Principal, kind: str, parameters: dict[str, Any], reason: str
) -> UUID:
    """Queues a job; returns its id."""
    identity: UUID = uuid7()
    row = {
        "id": identity,
        "kind": kind,
        "parameters": parameters,
        "actor_id": str(principal.id),
        "actor_name": principal.name,
        "reason": reason,
        "correlation_id": current_correlation_id(),
    }
    await session.execute(insert(OPERATOR_JOBS), [row])
    await audit.record(
        session, principal, f"{kind}.requested", str(identity), reason=reason, result="queued", parameters=parameters
    )
    return identity


async def jobs(session: AsyncSession, limit: int) -> list[dict[str, Any]]:
    """The newest first."""
    c = OPERATOR_JOBS.c
    rows = await session.execute(select(OPERATOR_JOBS).order_by(c.created_at.desc()).limit(limit))
    return [dict(row) for row in rows.mappings()]


async def job(session: AsyncSession, identity: UUID) -> dict[str, Any]:
    """Raises UnknownJob."""
    row = (await session.execute(select(OPERATOR_JOBS).where(OPERATOR_JOBS.c.id == identity))).mappings().first()
    if row is None:
        raise UnknownJob()
    return dict(row)


async def stop(session: AsyncSession, principal: Principal, identity: UUID, reason: str) -> None:
    """At its next report a running job stops. Raises UnknownJob, JobEnded."""
    found = await job(session, identity)
    state = (await session.execute(_STOP, {"id": identity})).scalar_one_or_none()
    if state is None:
        raise JobEnded()
    await audit.record(session, principal, f"{found['kind']}.stop", str(identity), reason=reason, result=state)


async def work_jobs(runtime: "Runtime", runs: Mapping[str, Run]) -> None:
    """Works one job after another until the process stops."""
    while not runtime.stopping.is_set():
        try:
            claimed = await _claim(runtime.db)
            if claimed is not None:
                await _work(runtime, claimed, runs)
                continue
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("jobs_unreachable", error=repr(error))
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL):
                await runtime.stopping.wait()


async def _claim(database: Database) -> Job | None:
    async with database.transaction() as session:
        row = (await session.execute(_CLAIM, {"token": (token := uuid4()), "lease": LEASE_SECONDS})).mappings().first()
    if row is None:
        return None
    principal = Principal(UUID(row["actor_id"]), "user", row["actor_name"])
    parameters = row["parameters"]
    return Job(database, row["id"], token, row["kind"], parameters, principal, row["reason"], row["correlation_id"])


async def _work(runtime: "Runtime", claimed: Job, runs: Mapping[str, Run]) -> None:
    log.info("job_began", job=str(claimed.id), kind=claimed.kind)
    with suppress(LeaseLost), acting(SYSTEM, correlation=claimed.correlation_id):
        try:
            await claimed.finish("done", await runs[claimed.kind](runtime, claimed))
        except JobStopped:
            await claimed.finish("stopped", {})
        except JobRefused as refused:
            await claimed.finish("failed", {"error": str(refused)})
        except LeaseLost:
            raise
        except Exception as error:
            if is_transient(error):
                raise
            log.exception("job_failed", job=str(claimed.id), kind=claimed.kind)
            await claimed.finish("failed", {"error": repr(error)[:1000]})
