from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.auth import Principal
from chassis.db import get_for_update
from chassis.errors import Conflict, Forbidden
from chassis.fields import partial
from chassis.outbox import emit
from contracts.leads import LeadAssigned, QueueChanged, QueueCreated, QueueDeleted
from leads.commands.places import Place, default_queue, record_assignment
from leads.models import Form, Lead, Queue
from leads.queries.queues import QueueFields, QueueNotFound, queue_by_id


class NotAQueueMember(Forbidden):
    code = "not_a_queue_member"
    title = "Only members take leads from a queue"


class QueueNameTaken(Conflict):
    code = "queue_name_taken"
    title = "Another queue has this name"


class QueueNotEmpty(Conflict):
    code = "queue_not_empty"
    title = "Leads wait in the queue; give them to somebody first"


class DefaultQueueNeeded(Conflict):
    code = "default_queue_needed"
    title = "There is always one default queue; make another one the default instead"


class ChangeQueue(partial(QueueFields)):  # type: ignore[misc]  # a class made at run time
    """Fields to change; those that are missing stay."""


async def create_queue(session: AsyncSession, command: QueueFields) -> UUID:
    await _require_free_name(session, command.name, None)
    if command.is_default:
        await _take_default_away(session)
    queue = Queue(**command.model_dump())
    session.add(queue)
    await emit(session, QueueCreated, queue)
    return queue.id


async def change_queue(session: AsyncSession, queue_id: UUID, expected: int, command: ChangeQueue) -> None:
    queue = await _queue_for_change(session, queue_id, expected)
    values = {name: value for name, value in command.model_dump(exclude_unset=True).items() if value is not None}
    if values.get("name", queue.name) != queue.name:
        await _require_free_name(session, values["name"], queue_id)
    if queue.is_default and values.get("is_default") is False:
        raise DefaultQueueNeeded()
    if values.get("is_default") and not queue.is_default:
        await _take_default_away(session)
    changed = {name: value for name, value in values.items() if getattr(queue, name) != value}
    for name, value in changed.items():
        setattr(queue, name, value)
    if changed:
        await emit(session, QueueChanged, queue)


async def delete_queue(session: AsyncSession, queue_id: UUID, expected: int) -> None:
    queue = await _queue_for_change(session, queue_id, expected)
    if queue.is_default:
        raise DefaultQueueNeeded()
    inside = select(func.count()).select_from(Lead).where(Lead.queue_id == queue_id, Lead.deleted_at.is_(None))
    if (await session.execute(inside)).scalar_one():
        raise QueueNotEmpty()
    # Leads in the bin shall find a queue when they come back.
    other = (await default_queue(session)).id
    await session.execute(update(Lead).where(Lead.queue_id == queue_id).values(queue_id=other))
    queue.deleted_at = datetime.now(UTC)
    await session.execute(update(Form).where(Form.queue_id == queue_id).values(queue_id=None))
    await emit(session, QueueDeleted, queue)


async def _queue_for_change(session: AsyncSession, queue_id: UUID, expected: int) -> Queue:
    return await get_for_update(
        session,
        Queue,
        queue_id,
        expected,
        QueueNotFound(),
        narrow=lambda statement: statement.where(Queue.deleted_at.is_(None)),
    )


async def _require_free_name(session: AsyncSession, name: str, own: UUID | None) -> None:
    same = select(Queue.id).where(func.lower(Queue.name) == name.lower(), Queue.deleted_at.is_(None))
    found = (await session.execute(same)).scalar_one_or_none()
    if found is not None and found != own:
        raise QueueNameTaken()


async def _take_default_away(session: AsyncSession) -> None:
    statement = select(Queue).where(Queue.is_default).with_for_update()
    former = (await session.execute(statement)).scalar_one_or_none()
    if former is not None:
        former.is_default = False
        await emit(session, QueueChanged, former)


async def take_next(session: AsyncSession, principal: Principal, queue_id: UUID) -> Lead | None:
    """The lead that has waited longest and that nobody else is taking; None when the queue is empty."""
    queue = await queue_by_id(session, queue_id)
    if not queue.has_member(principal.id, principal.team_ids):
        raise NotAQueueMember()
    first = (
        select(Lead)
        .where(Lead.queue_id == queue_id, Lead.deleted_at.is_(None))
        .order_by(Lead.arrived_at, Lead.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    lead = (await session.execute(first)).scalar_one_or_none()
    if lead is None:
        return None
    lead.assign(owner_id=principal.id)
    record_assignment(session, lead, Place(queue_id=queue_id), "taken", by=principal.id)
    await emit(session, LeadAssigned, lead)
    return lead
