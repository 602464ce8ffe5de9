"""The routes for what takes long, and for comparing a replica with its owner."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Request
from pydantic import BaseModel, Field

from chassis.access import OPERATION, Access, allow
from chassis.db import Reader, Session
from chassis.errors import Invalid
from chassis.operations import jobs
from chassis.operations import versions as kept
from chassis.operations.audit import Reason
from chassis.operations.bootstrap import topics_with_state
from chassis.operations.jobs import JobRefused
from chassis.operations.replay import Replay, narrowed

if TYPE_CHECKING:
    from chassis.service import Runtime

Reads = Annotated[Access, allow(OPERATION, "read")]
Changes = Annotated[Access, allow(OPERATION, "change")]
Limit = Annotated[int, Query(ge=1, le=10_000)]


class ReplayRequest(Replay):
    reason: Reason


class BootstrapRequest(BaseModel):
    rewrite: bool = Field(False, description="Also rows of the same version, whose content somebody has changed.")
    reason: Reason


class StopRequest(BaseModel):
    reason: Reason


class JobView(BaseModel):
    id: UUID
    kind: Literal["replay", "bootstrap"]
    state: str
    parameters: dict[str, Any]
    reason: str
    actor_name: str
    progress: dict[str, Any]
    result: dict[str, Any]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class ReplicaTable(BaseModel):
    """A table with a row per foreign record, and the topics that can feed tables of this service."""

    table: str
    topics: list[str]


class NotPossible(Invalid):
    code = "job_not_possible"
    title = "The job cannot be done like this"


async def request_replay(wanted: ReplayRequest, request: Request, session: Session, access: Changes) -> JobView:
    """Queues a replay; follow it by its id."""
    runtime: Runtime = request.app.state.runtime
    try:
        narrowed(runtime.service.subscriptions, wanted)
    except JobRefused as refused:
        raise NotPossible(str(refused)) from None
    parameters = wanted.model_dump(mode="json", exclude={"reason"})
    return await _view(session, await jobs.request(session, access.principal, "replay", parameters, wanted.reason))


async def request_bootstrap(wanted: BootstrapRequest, request: Request, session: Session, access: Changes) -> JobView:
    """Queues the rebuilding of this service's replicas from the state topics."""
    runtime: Runtime = request.app.state.runtime
    if not topics_with_state(runtime.service.subscriptions):
        raise NotPossible(f"{runtime.service.name} keeps no replica that has a state topic.")
    return await _view(
        session, await jobs.request(session, access.principal, "bootstrap", {"rewrite": wanted.rewrite}, wanted.reason)
    )


async def list_jobs(session: Reader, access: Reads, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> list[JobView]:
    """Replays and bootstraps, the newest first."""
    return [JobView.model_validate(each) for each in await jobs.jobs(session, limit)]


async def show_job(job_id: UUID, session: Reader, access: Reads) -> JobView:
    """How far a job is, and what came out."""
    return await _view(session, job_id)


async def stop_job(job_id: UUID, wanted: StopRequest, session: Session, access: Changes) -> JobView:
    """A running job stops at its next report; what it has done stays."""
    await jobs.stop(session, access.principal, job_id, wanted.reason)
    return await _view(session, job_id)


async def _view(session: Session, identity: UUID) -> JobView:
    return JobView.model_validate(await jobs.job(session, identity))


async def list_owned_versions(
    request: Request,
    session: Reader,
    access: Reads,
    topic: Annotated[str, Query(max_length=200)],
    after: UUID | None = None,
    limit: Limit = 10_000,
) -> kept.Versions:
    """Id and version of every record that the topic is about, from its owner."""
    runtime: Runtime = request.app.state.runtime
    return await kept.versions(session, kept.owned_table(runtime.service, topic), after, limit)


async def list_replicas(request: Request, access: Reads) -> list[ReplicaTable]:
    """The tables with replicas."""
    service = (request.app.state.runtime).service
    topics = [topic.name for topic in topics_with_state(service.subscriptions)]
    return [ReplicaTable(table=name, topics=topics) for name in kept.replicas(service)]


async def list_replica_versions(
    table: str, request: Request, session: Reader, access: Reads, after: UUID | None = None, limit: Limit = 10_000
) -> kept.Versions:
    """Id and version of every row of a replica."""
    runtime: Runtime = request.app.state.runtime
    found = kept.replicas(runtime.service).get(table)
    if found is None:
        raise kept.NotKept(f"There is no replica {table[:100]}.")
    return await kept.versions(session, found, after, limit)


ROUTES = (
    ("POST", "/replays", request_replay),
    ("POST", "/bootstraps", request_bootstrap),
    ("GET", "/jobs", list_jobs),
    ("GET", "/jobs/{job_id}", show_job),
    ("POST", "/jobs/{job_id}/stops", stop_job),
    ("GET", "/versions", list_owned_versions),
    ("GET", "/replicas", list_replicas),
    ("GET", "/replicas/{table}", list_replica_versions),
)
