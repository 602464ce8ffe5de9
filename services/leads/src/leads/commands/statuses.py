from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy import text as sql
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import Conflict, FieldProblem, Invalid, PreconditionFailed
from chassis.fields import FieldModel, text
from chassis.outbox import emit_many
from contracts.leads import LeadStatusChanged
from leads.domain import Status, faults_of
from leads.models import Lead, Picklist
from leads.queries.statuses import STATUSES, Category


class StatusInUse(Conflict):
    code = "status_in_use"
    title = "Leads have a status that is not in the new list"


class StatusGiven(FieldModel):
    value: Annotated[str, text("Value", "What is stored; it does not change", max_length=50)] = Field(
        pattern=r"^[a-z0-9_]+$"
    )
    label: Annotated[str, text("Label", "What people read", max_length=100)]
    category: Category = Field(description="What the status means for the process")


class SetStatuses(FieldModel):
    """The whole list in its order; the first open status is the one of new leads."""

    entries: list[StatusGiven] = Field(min_length=1, max_length=100)


async def set_statuses(session: AsyncSession, command: SetStatuses, expected: int, author: UUID) -> None:
    await session.execute(sql("SELECT pg_advisory_xact_lock(hashtext('statuses'))"))
    stored = await session.get(Picklist, STATUSES, populate_existing=True)
    if expected != (stored.version if stored else 0):
        raise PreconditionFailed(current_version=stored.version if stored else 0)
    statuses = [Status(entry.value, entry.label, entry.category) for entry in command.entries]
    _refuse_faults(statuses)
    await _require_unused(session, statuses)
    await _recategorise(session, statuses)
    entries = [entry.model_dump() for entry in command.entries]
    if stored is None:
        session.add(Picklist(name=STATUSES, version=1, entries=entries, updated_by=author))
        return
    stored.entries, stored.version, stored.updated_by = entries, stored.version + 1, author
    stored.updated_at = func.now()


def _refuse_faults(statuses: list[Status]) -> None:
    faults = [
        FieldProblem("/entries" if at < 0 else f"/entries/{at}/{field}", code, sentence)
        for at, field, code, sentence in faults_of(statuses)
    ]
    if faults:
        raise Invalid(errors=faults)


async def _require_unused(session: AsyncSession, statuses: list[Status]) -> None:
    gone = select(Lead.status).where(Lead.status.not_in([status.value for status in statuses])).distinct()
    used = sorted((await session.execute(gone)).scalars())
    if used:
        raise StatusInUse(f"Leads still have: {', '.join(used)}.", statuses=used)


async def _recategorise(session: AsyncSession, statuses: list[Status]) -> None:
    """Leads keep their status and take over its new meaning, and everybody who listens hears of it."""
    for status in statuses:
        other = select(Lead).where(Lead.status == status.value, Lead.status_category != status.category)
        leads = (await session.execute(other.order_by(Lead.id).with_for_update())).scalars().all()
        for lead in leads:
            lead.move(status)
        await emit_many(session, LeadStatusChanged, leads)
