"""What happened with a record and what is planned, in one order."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from activities.domain.kinds import Kind, Status
from activities.models import Activity, RecordReplica, TimelineEntry
from activities.queries.activities import ActivityView, LinkView, excerpt, views_of
from activities.queries.people import names_of
from activities.queries.records import labels_for
from activities.queries.visibility import activity_is_visible, record_is_visible
from chassis.access import Access
from chassis.fields import FieldModel, ObjectCatalogue, picklist
from chassis.listing import Listing, Page, paginate


class EntryFields(FieldModel):
    """By what a timeline can be narrowed."""

    kind: Annotated[str, picklist("Kind", options=[each.value for each in Kind])]
    status: Annotated[str, picklist("Status", options=[each.value for each in Status])]


class EntryView(BaseModel):
    """An activity on a timeline; `via` is the contact through which it came to the account."""

    part: str
    at: datetime | None
    via: LinkView | None = None
    activity: ActivityView


class Touch(BaseModel):
    """One activity in a line."""

    activity_id: UUID
    kind: str
    subject: str
    at: datetime
    user_id: UUID | None
    user_name: str | None


class RecordSummary(BaseModel):
    """When somebody was last in touch, and what comes next."""

    object: str
    id: UUID
    last_activity: Touch | None = None
    next_planned: Touch | None = None


class _ByActivity:
    """Entries of one record are told apart by their activity."""

    id = TimelineEntry.activity_id


TIMELINE = ObjectCatalogue(
    name="timeline_entry",
    label="Timeline entry",
    plural="Timeline entries",
    help="An activity on the timeline of a record.",
    model=EntryFields,
    view=EntryView,
    columns=TimelineEntry,
    filterable=("at",),
    sortable=("rank",),
)


def _entries(object_name: str, record_ids: Sequence[UUID], access: Access) -> Select[TimelineEntry]:
    via = aliased(RecordReplica)
    return (
        select(TimelineEntry)
        .join(Activity, Activity.id == TimelineEntry.activity_id)
        .outerjoin(via, via.id == TimelineEntry.via_id)
        .where(TimelineEntry.object == object_name, TimelineEntry.record_id.in_(record_ids))
        .where(activity_is_visible(access))
        .where(or_(TimelineEntry.via_id.is_(None), record_is_visible(access.principal, via)))
    )


async def timeline_of(
    session: AsyncSession, object_name: str, record_id: UUID, listing: Listing, access: Access
) -> Page[Any]:
    """One page: first what is planned, the next of it first, then the past, the latest first."""
    page = await paginate(session, _entries(object_name, [record_id], access), _ByActivity, listing)
    shown = await _entry_views(session, page.items, access)
    return Page[Any].model_construct(items=shown, next_cursor=page.next_cursor, total=page.total)


async def _entry_views(session: AsyncSession, entries: Sequence[TimelineEntry], access: Access) -> list[EntryView]:
    ids = [entry.activity_id for entry in entries]
    found = (await session.execute(select(Activity).where(Activity.id.in_(ids)))).scalars().all()
    views = {view.id: view for view in await views_of(session, found, access)}
    labels = await labels_for(session, [entry.via_id for entry in entries if entry.via_id], access.principal)
    return [_entry_view(entry, views[entry.activity_id], labels) for entry in entries if entry.activity_id in views]


def _entry_view(entry: TimelineEntry, view: ActivityView, labels: dict[UUID, str | None]) -> EntryView:
    via = LinkView(object="contact", id=entry.via_id, label=labels.get(entry.via_id)) if entry.via_id else None
    undated = view.status == Status.PLANNED and view.starts_at is None and view.due_on is None
    return EntryView(
        part="planned" if view.status == Status.PLANNED else "past",
        at=None if undated else entry.at,
        via=via,
        activity=view.model_copy(update={"text": excerpt(view.text)}),
    )


async def summary_of(session: AsyncSession, object_name: str, record_id: UUID, access: Access) -> RecordSummary:
    """Only calls, appointments and mails that took place count as being in touch."""
    entries = _entries(object_name, [record_id], access)
    last = entries.where(TimelineEntry.is_contact).order_by(TimelineEntry.at.desc()).limit(1)
    upcoming = entries.where(TimelineEntry.status == Status.PLANNED).order_by(TimelineEntry.rank).limit(1)
    return RecordSummary(
        object=object_name,
        id=record_id,
        last_activity=await _touch(session, last),
        next_planned=await _touch(session, upcoming),
    )


async def _touch(session: AsyncSession, statement: Select[TimelineEntry]) -> Touch | None:
    entry = (await session.execute(statement)).scalar_one_or_none()
    if entry is None:
        return None
    activity = (await session.execute(select(Activity).where(Activity.id == entry.activity_id))).scalar_one()
    who = activity.assignee_id or activity.owner_id
    return Touch(
        activity_id=activity.id,
        kind=activity.kind,
        subject=activity.subject,
        at=entry.at,
        user_id=who,
        user_name=(await names_of(session, [who])).get(who),
    )
