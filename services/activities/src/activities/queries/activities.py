from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.models import Activity
from activities.queries.people import names_of
from activities.queries.records import Labels, labels_for
from activities.queries.visibility import activity_is_visible
from chassis.access import Access
from chassis.errors import NotFound
from chassis.listing import Listing, Page, paginate


class ActivityNotFound(NotFound):
    code = "activity_not_found"
    title = "There is no such activity"


class LinkView(BaseModel):
    """A linked record; the label is null while the record is not known here yet."""

    object: str
    id: UUID
    label: str | None = None


class ReminderView(BaseModel):
    minutes_before: int | None = None
    at_local: datetime | None = None
    channels: list[str]
    repeat: str | None = None


class Warning(BaseModel):
    """Something that was accepted, but will not do what it seems to say."""

    pointer: str
    code: str
    detail: str


class ActivityView(BaseModel):
    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    created_by: UUID | None
    updated_by: UUID | None
    kind: str
    status: str
    subject: str
    text: str | None
    location: str | None
    outcome: str | None
    duration_minutes: int | None
    starts_at: datetime | None
    wall_time: datetime | None
    time_zone: str | None
    all_day: bool
    due_on: date | None
    assignee_id: UUID | None
    assignee_name: str | None = None
    owner_id: UUID
    owner_name: str | None = None
    links: list[LinkView]
    reminders: list[ReminderView]
    completed_at: datetime | None
    warnings: list[Warning] = Field(default_factory=list)


def view_of(activity: Activity, labels: Labels, names: dict[UUID, str], missed: Sequence[int] = ()) -> ActivityView:
    """As the caller may see it: `labels` has only the linked records that are his to see."""
    plain = {name: getattr(activity, name) for name in _PLAIN}
    return ActivityView(
        **plain,
        assignee_name=names.get(activity.assignee_id) if activity.assignee_id else None,
        owner_name=names.get(activity.owner_id),
        links=link_views(activity, labels),
        reminders=[ReminderView.model_validate(each) for each in activity.reminders],
        warnings=[_warning(position) for position in missed],
    )


_COMPUTED = {"assignee_name", "owner_name", "links", "reminders", "warnings"}
_PLAIN = tuple(name for name in ActivityView.model_fields if name not in _COMPUTED)


def link_views(activity: Activity, labels: Labels) -> list[LinkView]:
    views = [LinkView(object=link["object"], id=UUID(link["id"])) for link in activity.links]
    return [view.model_copy(update={"label": labels[view.id]}) for view in views if view.id in labels]


def _warning(position: int) -> Warning:
    detail = "The time of this reminder has passed; it will not be sent."
    return Warning(pointer=f"/reminders/{position}", code="reminder_in_the_past", detail=detail)


async def views_of(
    session: AsyncSession, activities: Sequence[Activity], access: Access, missed: Sequence[int] = ()
) -> list[ActivityView]:
    labels = await labels_for(session, linked_ids(activities), access.principal)
    people = [person for activity in activities for person in (activity.owner_id, activity.assignee_id)]
    names = await names_of(session, people)
    return [view_of(activity, labels, names, missed) for activity in activities]


def linked_ids(activities: Sequence[Activity]) -> list[UUID]:
    return [UUID(link["id"]) for activity in activities for link in activity.links]


async def activity_by_id(session: AsyncSession, activity_id: UUID, access: Access) -> ActivityView:
    wanted = select(Activity).where(Activity.id == activity_id, activity_is_visible(access))
    activity = (await session.execute(wanted)).scalar_one_or_none()
    if activity is None:
        raise ActivityNotFound()
    return (await views_of(session, [activity], access))[0]


async def list_activities(session: AsyncSession, listing: Listing, access: Access) -> Page[Any]:
    """One page, with the texts cut: a list of notes would be megabytes."""
    page = await paginate(session, select(Activity).where(activity_is_visible(access)), Activity, listing)
    views = await views_of(session, page.items, access)
    shown = [view.model_copy(update={"text": excerpt(view.text)}) for view in views]
    return Page[Any].model_construct(items=shown, next_cursor=page.next_cursor, total=page.total)


EXCERPT = 500


def excerpt(text: str | None) -> str | None:
    if text is None or len(text) <= EXCERPT:
        return text
    return text[: EXCERPT - 1].rstrip() + "…"
