from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFound
from chassis.fields import FieldModel, ObjectCatalogue, integer, picklist, reference, text, yes_no
from chassis.listing import Listing, Page, paginate
from leads.models import Form, Submission
from leads.queries.fields import SOURCES


class FormNotFound(NotFound):
    code = "form_not_found"
    title = "There is no such form"


class FormFields(FieldModel):
    """A form on a web site that makes leads."""

    name: Annotated[str, text("Name", "Where the form stands, for you", max_length=100)]
    source: Annotated[str, picklist("Source", "Source of its leads", options=SOURCES, open_set=True)] = "form"
    campaign: Annotated[str | None, text("Campaign", "Campaign of its leads")] = None
    queue_id: Annotated[
        UUID | None, reference("Queue", "Where its leads wait; empty: the default queue", to="leads.queue")
    ] = None
    per_minute: Annotated[int, integer("Per minute", "Submissions taken in a minute", minimum=1, maximum=10_000)] = 60
    is_active: Annotated[bool, yes_no("Active", "Whether the form takes submissions")] = True


class FormView(BaseModel):
    """`key` is the public part of the form's address."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    version: int
    key: str
    name: str
    source: str
    campaign: str | None
    queue_id: UUID | None
    per_minute: int
    is_active: bool
    created_at: datetime
    updated_at: datetime


class SubmissionView(BaseModel):
    """A request as it came in, and what became of it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    form_id: UUID
    received_at: datetime
    outcome: str
    lead_id: UUID | None
    fields: dict[str, Any]


class SubmissionFields(FieldModel):
    form_id: Annotated[UUID, reference("Form", "The form it came through", to="leads.form")]
    outcome: Annotated[str, picklist("Outcome", "What became of it", options=["captured", "duplicate", "spam"])]
    lead_id: Annotated[UUID | None, reference("Lead", "The lead it became", to="leads.lead")] = None


FORMS = ObjectCatalogue(
    name="form",
    label="Form",
    plural="Forms",
    help="A form on a web site that makes leads",
    model=FormFields,
    view=FormView,
    columns=Form,
)
SUBMISSIONS = ObjectCatalogue(
    name="submission",
    label="Submission",
    plural="Submissions",
    help="Everything that came through a form",
    model=SubmissionFields,
    view=SubmissionView,
    columns=Submission,
    filterable=("received_at",),
    sortable=("received_at",),
)


async def form_by_id(session: AsyncSession, form_id: UUID) -> Form:
    found = await session.get(Form, form_id)
    if found is None:
        raise FormNotFound()
    return found


async def form_by_key(session: AsyncSession, key: str) -> Form:
    found = (await session.execute(select(Form).where(Form.key == key, Form.is_active))).scalar_one_or_none()
    if found is None:
        raise FormNotFound()
    return found


async def list_forms(session: AsyncSession, listing: Listing) -> Page[FormView]:
    return (await paginate(session, select(Form), Form, listing)).map(FormView.model_validate)


async def list_submissions(session: AsyncSession, listing: Listing) -> Page[SubmissionView]:
    return (await paginate(session, select(Submission), Submission, listing)).map(SubmissionView.model_validate)
