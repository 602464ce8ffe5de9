"""What happens to a lead after it came in."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import model_validator
from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.access import Access
from chassis.db import get_for_update
from chassis.errors import Conflict, Forbidden
from chassis.fields import FieldModel, partial, reference, text
from chassis.outbox import emit
from chassis.service import Runtime
from contracts.leads import LeadAssigned, LeadChanged, LeadDeleted, LeadRestored, LeadStatusChanged
from leads.commands.capture import captured_view, chosen_status, require_identity
from leads.commands.claims import Answers, Found, claimed, question
from leads.commands.places import Place, chosen_place, place_of, record_assignment
from leads.domain import MATCHED, Status, may_move
from leads.models import Lead, StatusChange, UserReplica
from leads.queries.fields import LeadFields
from leads.queries.leads import CapturedLead, LeadNotFound, visible


class LeadIsConverted(Conflict):
    code = "lead_converted"
    title = "The lead has been converted and is read-only"


class LeadIsDeleted(Conflict):
    code = "lead_deleted"
    title = "The lead is deleted; restore it first"


class LeadIsNotDeleted(Conflict):
    code = "lead_not_deleted"
    title = "The lead is not deleted"


class ChangeLead(partial(LeadFields)):  # type: ignore[misc]  # a class made at run time
    """Fields to change; those that are missing stay."""

    duplicate_token: Annotated[
        str | None, text("Duplicate token", "From an answer duplicate_confirm: save it all the same", max_length=200)
    ] = None
    duplicate_bypass_reason: Annotated[
        str | None, text("Bypass reason", "Why a block does not apply, from users who may say so", max_length=1000)
    ] = None


class MoveLead(FieldModel):
    """Another status."""

    status: Annotated[str, text("Status", "A value of the status picklist", max_length=50)]
    reason: Annotated[str | None, text("Reason", "Why, for the history", max_length=1000)] = None


class AssignLead(FieldModel):
    """A user or a queue."""

    owner_id: Annotated[UUID | None, reference("Owner", "User who goes on with it", to="identity.user")] = None
    queue_id: Annotated[UUID | None, reference("Queue", "Queue it waits in", to="leads.queue")] = None
    reason: Annotated[str | None, text("Reason", "Why, for the history", max_length=1000)] = None

    @model_validator(mode="after")
    def _somebody(self) -> "AssignLead":
        if self.owner_id is None and self.queue_id is None:
            raise ValueError("name an owner or a queue")
        return self


async def lead_for_change(session: AsyncSession, access: Access, lead_id: UUID, expected: int | None) -> Lead:
    """Locked. Raises LeadNotFound, Forbidden for what the caller only sees, PreconditionFailed."""

    def seen(statement: Select[Lead]) -> Select[Lead]:
        return statement.where(visible(access.to("read")))

    lead = await get_for_update(session, Lead, lead_id, None, LeadNotFound(), narrow=seen)
    await _require_reach(session, access, lead)
    if expected is not None:
        lead = await get_for_update(session, Lead, lead_id, expected, LeadNotFound())
    if lead.status_category == "converted":
        raise LeadIsConverted()
    return lead


async def _require_reach(session: AsyncSession, access: Access, lead: Lead) -> None:
    """What waits in a queue belongs to nobody yet, so whoever has a team may work on it."""
    if lead.owner_id is None:
        if access.scope not in ("team", "all"):
            raise Forbidden(f"You may not {access.action} a lead that waits in a queue; take it first.")
        return
    owner = await session.get(UserReplica, lead.owner_id) if access.scope == "team" else None
    access.require(lead.owner_id, owner.team_ids if owner else ())


def _present(lead: Lead) -> Lead:
    if lead.is_deleted:
        raise LeadIsDeleted()
    return lead


async def change_lead(
    session: AsyncSession, runtime: Runtime, access: Access, lead_id: UUID, expected: int, command: ChangeLead
) -> CapturedLead:
    """Asks for duplicates only when a matched field gets another value."""
    lead = _present(await lead_for_change(session, access, lead_id, expected))
    values: dict[str, Any] = command.model_dump(exclude_unset=True)
    said = Answers(values.pop("duplicate_token", None), values.pop("duplicate_bypass_reason", None))
    status = await _other_status(session, lead, values.pop("status", lead.status))
    changed = lead.fill(values)
    require_identity(lead.company, lead.is_person)
    if status:
        _move(session, lead, status, None, access.principal.id)
    if not changed & MATCHED:
        await _tell(session, lead, changed, status)
        return captured_view(lead, Found())
    with session.no_autoflush:
        item = question(lead, "edit", "api", principal=access.principal, answers=said)
    async with claimed(runtime, item) as found:
        lead.duplicate_check = found.check
        await _tell(session, lead, changed, status)
        return captured_view(lead, found)


async def _other_status(session: AsyncSession, lead: Lead, value: str) -> Status | None:
    return None if value == lead.status else await chosen_status(session, value)


async def _tell(session: AsyncSession, lead: Lead, changed: set[str], status: Status | None) -> None:
    if changed:
        await emit(session, LeadChanged, lead)
    if status:
        await emit(session, LeadStatusChanged, lead)
    await session.flush()


def _move(session: AsyncSession, lead: Lead, status: Status, reason: str | None, by: UUID) -> None:
    if not may_move(lead.status_category, status.category):
        raise LeadIsConverted()
    change = StatusChange(lead_id=lead.id, before=lead.status, after=status.value, reason=reason, changed_by=by)
    session.add(change)
    lead.move(status)


async def move_lead(session: AsyncSession, access: Access, lead_id: UUID, command: MoveLead) -> Lead:
    lead = _present(await lead_for_change(session, access, lead_id, None))
    status = await _other_status(session, lead, command.status)
    if status:
        _move(session, lead, status, command.reason, access.principal.id)
        await emit(session, LeadStatusChanged, lead)
    return lead


async def assign_lead(session: AsyncSession, access: Access, lead_id: UUID, command: AssignLead) -> Lead:
    lead = _present(await lead_for_change(session, access, lead_id, None))
    before = place_of(lead)
    place = await chosen_place(session, access.principal, Place(command.owner_id, command.queue_id))
    if place == before:
        return lead
    lead.assign(owner_id=place.owner_id, queue_id=place.queue_id)
    record_assignment(session, lead, before, "given", by=access.principal.id, reason=command.reason)
    await emit(session, LeadAssigned, lead)
    return lead


async def delete_lead(session: AsyncSession, access: Access, lead_id: UUID, expected: int) -> None:
    lead = _present(await lead_for_change(session, access, lead_id, expected))
    lead.deleted_at = datetime.now(UTC)
    await emit(session, LeadDeleted, lead)


async def restore_lead(session: AsyncSession, runtime: Runtime, access: Access, lead_id: UUID) -> CapturedLead:
    """A restored lead may turn out to be a duplicate by now; that is reported, never refused."""
    lead = await lead_for_change(session, access, lead_id, None)
    if not lead.is_deleted:
        raise LeadIsNotDeleted()
    lead.deleted_at = None
    item = question(lead, "create", "restore", principal=access.principal, only_report=True)
    async with claimed(runtime, item) as found:
        lead.duplicate_check = found.check
        await emit(session, LeadRestored, lead)
        return captured_view(lead, found)
