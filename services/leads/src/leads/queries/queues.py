from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFound
from chassis.fields import FieldModel, ObjectCatalogue, list_of, text, yes_no
from chassis.listing import Listing, Page, paginate
from leads.models import Lead, Queue


class QueueNotFound(NotFound):
    code = "queue_not_found"
    title = "There is no such queue"


class QueueFields(FieldModel):
    """A queue and who may take from it."""

    name: Annotated[str, text("Name", "For example Corporate Sales – West Region", max_length=100)]
    member_ids: Annotated[list[UUID], list_of("Members", "Users who may take leads", to="identity.user")] = []
    team_ids: Annotated[list[UUID], list_of("Teams", "Teams whose users may take leads", to="identity.team")] = []
    is_default: Annotated[bool, yes_no("Default", "Leads without another place come here")] = False


class QueueView(BaseModel):
    """A queue with how much waits in it."""

    id: UUID
    version: int
    name: str
    member_ids: list[UUID]
    team_ids: list[UUID]
    is_default: bool
    waiting: int
    oldest_arrived_at: datetime | None
    created_at: datetime
    updated_at: datetime


QUEUES = ObjectCatalogue(
    name="queue",
    label="Queue",
    plural="Queues",
    help="Where leads wait until a member takes the next one",
    model=QueueFields,
    view=QueueView,
    columns=Queue,
)


async def queue_by_id(session: AsyncSession, queue_id: UUID) -> Queue:
    found = await session.get(Queue, queue_id)
    if found is None or found.deleted_at is not None:
        raise QueueNotFound()
    return found


async def view_of_queue(session: AsyncSession, queue_id: UUID) -> QueueView:
    queue = await queue_by_id(session, queue_id)
    waiting = await _waiting(session, [queue_id])
    return _view(queue, waiting.get(queue_id))


async def list_queues(session: AsyncSession, listing: Listing) -> Page[QueueView]:
    present: Select[Any] = select(Queue).where(Queue.deleted_at.is_(None))
    page = await paginate(session, present, Queue, listing)
    waiting = await _waiting(session, [queue.id for queue in page.items])
    return page.map(lambda queue: _view(queue, waiting.get(queue.id)))


async def _waiting(session: AsyncSession, ids: list[UUID]) -> dict[UUID | None, Any]:
    statement = (
        select(Lead.queue_id, func.count().label("waiting"), func.min(Lead.arrived_at).label("oldest"))
        .where(Lead.queue_id.in_(ids), Lead.deleted_at.is_(None))
        .group_by(Lead.queue_id)
    )
    return {row.queue_id: row for row in await session.execute(statement)}


def _view(queue: Queue, waiting: Any) -> QueueView:
    """`waiting`: the row of this queue, None when nothing waits in it."""
    return QueueView(
        id=queue.id,
        version=queue.version,
        name=queue.name,
        member_ids=queue.member_ids,
        team_ids=queue.team_ids,
        is_default=queue.is_default,
        waiting=waiting.waiting if waiting else 0,
        oldest_arrived_at=waiting.oldest if waiting else None,
        created_at=queue.created_at,
        updated_at=queue.updated_at,
    )
