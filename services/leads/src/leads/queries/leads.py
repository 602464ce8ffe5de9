from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Select, and_, false, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.access import Access
from chassis.errors import NotFound
from chassis.fields import ObjectCatalogue
from chassis.listing import Listing, Page, paginate
from contracts.dedup import Candidate
from leads.domain import folded
from leads.models import Assignment, Lead, StatusChange, UserReplica
from leads.queries.fields import LeadFields


class LeadNotFound(NotFound):
    code = "lead_not_found"
    title = "There is no such lead"


class LeadView(BaseModel):
    """A lead with everything that follows from it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    version: int
    first_name: str | None
    last_name: str
    company: str | None
    is_person: bool
    title: str | None
    email: str | None
    phone: str | None
    phone_e164: str | None
    mobile: str | None
    mobile_e164: str | None
    website: str | None
    street: str | None
    city: str | None
    region: str | None
    postal_code: str | None
    country: str | None
    tax_number: str | None
    status: str
    status_category: str
    source: str | None
    campaign: str | None
    utm: dict[str, str]
    description: str | None
    score: int
    owner_id: UUID | None
    queue_id: UUID | None
    arrived_at: datetime
    form: str | None
    duplicate_check: Literal["done", "pending"]
    is_deleted: bool
    deleted_at: datetime | None
    created_at: datetime
    created_by: UUID | None
    updated_at: datetime
    updated_by: UUID | None


class CapturedLead(LeadView):
    """A lead that was just written, and what it may be the same as."""

    duplicate_candidates: list[Candidate] = []
    hidden_matches: int = 0


class StatusChangeView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    before: str
    after: str
    reason: str | None
    changed_by: UUID | None
    changed_at: datetime


class AssignmentView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    how: str
    from_owner_id: UUID | None
    from_queue_id: UUID | None
    to_owner_id: UUID | None
    to_queue_id: UUID | None
    reason: str | None
    assigned_by: UUID | None
    assigned_at: datetime


class LeadHistory(BaseModel):
    """How a lead moved, oldest first."""

    statuses: list[StatusChangeView]
    assignments: list[AssignmentView]


def found_by(words: str) -> ColumnElement[bool]:
    """Every word occurs somewhere in names, company, e-mail, phone or tax number."""
    wanted = folded(words).split()
    return and_(*(Lead.search.contains(word, autoescape=True) for word in wanted)) if wanted else false()


LEADS = ObjectCatalogue(
    name="lead",
    label="Lead",
    plural="Leads",
    help="Somebody who may become a customer",
    model=LeadFields,
    view=LeadView,
    columns=Lead,
    filterable=(
        "status_category",
        "owner_id",
        "queue_id",
        "arrived_at",
        "score",
        "form",
        "phone_e164",
        "mobile_e164",
        "duplicate_check",
    ),
    sortable=("arrived_at", "score"),
    search=found_by,
)


def visible(access: Access) -> ColumnElement[bool]:
    return access.rows(Lead.owner_id, team=UserReplica)


async def lead_by_id(session: AsyncSession, access: Access, lead_id: UUID) -> Lead:
    statement = select(Lead).where(Lead.id == lead_id, visible(access))
    found = (await session.execute(statement)).scalar_one_or_none()
    if found is None:
        raise LeadNotFound()
    return found


async def list_leads(session: AsyncSession, access: Access, listing: Listing, *, deleted: bool) -> Page[LeadView]:
    present: Select[Any] = select(Lead).where(visible(access))
    wanted = present.where(Lead.deleted_at.is_not(None) if deleted else Lead.deleted_at.is_(None))
    return (await paginate(session, wanted, Lead, listing)).map(LeadView.model_validate)


async def history_of(session: AsyncSession, access: Access, lead_id: UUID) -> LeadHistory:
    await lead_by_id(session, access, lead_id)
    moves = select(StatusChange).where(StatusChange.lead_id == lead_id).order_by(StatusChange.id)
    places = select(Assignment).where(Assignment.lead_id == lead_id).order_by(Assignment.id)
    return LeadHistory(
        statuses=[StatusChangeView.model_validate(row) for row in (await session.execute(moves)).scalars()],
        assignments=[AssignmentView.model_validate(row) for row in (await session.execute(places)).scalars()],
    )
