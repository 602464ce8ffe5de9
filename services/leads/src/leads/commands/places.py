"""Where a lead goes: to a user, to a queue, or to the default queue. Never nowhere."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.auth import Principal
from chassis.errors import FieldProblem, Invalid
from chassis.outbox import emit
from contracts.leads import QueueCreated
from leads.domain import DEFAULT_QUEUE
from leads.models import Assignment, Lead, Queue, UserReplica


@dataclass(frozen=True, slots=True)
class Place:
    owner_id: UUID | None = None
    queue_id: UUID | None = None


async def chosen_place(session: AsyncSession, principal: Principal | None, wanted: Place) -> Place:
    """`wanted` when it exists, the default queue when it is empty. Raises Invalid."""
    if wanted.owner_id and wanted.queue_id:
        raise Invalid(errors=[FieldProblem("/queue_id", "one_of_two", "A lead has an owner or waits in a queue.")])
    if wanted.owner_id:
        await _require_user(session, principal, wanted.owner_id)
        return wanted
    if wanted.queue_id:
        await _require_queue(session, wanted.queue_id)
        return wanted
    return Place(queue_id=(await default_queue(session)).id)


async def _require_user(session: AsyncSession, principal: Principal | None, user_id: UUID) -> None:
    """Whoever is signed in exists, also before the news has come here."""
    if principal is not None and principal.kind == "user" and principal.id == user_id:
        return
    user = await session.get(UserReplica, user_id)
    if user is None or not user.is_active:
        raise Invalid(errors=[FieldProblem("/owner_id", "user_unknown", "There is no such active user.")])


async def _require_queue(session: AsyncSession, queue_id: UUID) -> None:
    queue = await session.get(Queue, queue_id, with_for_update={"read": True})
    if queue is None or queue.deleted_at is not None:
        raise Invalid(errors=[FieldProblem("/queue_id", "queue_unknown", "There is no such queue.")])


async def default_queue(session: AsyncSession) -> Queue:
    """Made on the first start, or when somebody looks for it and it is not there."""
    found = await _default(session)
    if found is None:
        await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('default queue'))"))
        found = await _default(session) or await _first_queue(session)
    return found


async def _default(session: AsyncSession) -> Queue | None:
    return (await session.execute(select(Queue).where(Queue.is_default))).scalar_one_or_none()


async def _first_queue(session: AsyncSession) -> Queue:
    made = Queue(name=DEFAULT_QUEUE, member_ids=[], team_ids=[], is_default=True)
    session.add(made)
    await emit(session, QueueCreated, made)
    return made


def record_assignment(
    session: AsyncSession, lead: Lead, before: Place, how: str, *, by: UUID | None, reason: str | None = None
) -> None:
    session.add(
        Assignment(
            lead_id=lead.id,
            how=how,
            from_owner_id=before.owner_id,
            from_queue_id=before.queue_id,
            to_owner_id=lead.owner_id,
            to_queue_id=lead.queue_id,
            reason=reason,
            assigned_by=by,
        )
    )


def place_of(lead: Lead) -> Place:
    return Place(lead.owner_id, lead.queue_id)
