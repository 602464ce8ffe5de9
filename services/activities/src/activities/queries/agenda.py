"""What a person has to do: overdue, today, and in the next days, by the person's own calendar."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from pydantic import BaseModel
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.domain.kinds import Status
from activities.domain.times import day_of, day_on, is_sensible_year
from activities.models import Activity
from activities.queries.activities import ActivityView, excerpt, views_of
from activities.queries.people import zone_of
from activities.queries.visibility import activity_is_visible
from chassis.access import Access
from chassis.errors import FieldProblem, Invalid
from chassis.zones import zone

LONGEST_SPAN = timedelta(days=92)
MOST = 200
"""Items per part: a page of work is read, not scrolled."""


class AgendaItem(BaseModel):
    activity: ActivityView
    is_overdue: bool
    assigned_by_other: bool


class Agenda(BaseModel):
    time_zone: str
    today_is: date
    overdue: list[AgendaItem]
    today: list[AgendaItem]
    upcoming: list[AgendaItem]


async def agenda_of(session: AsyncSession, access: Access, first: date | None, last: date | None) -> Agenda:
    """The caller's planned work from `first` to `last` (today and a week on), with all that is overdue."""
    zone_name = await zone_of(session, access.principal.id) or "UTC"
    now = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    today = day_of(now, zone(zone_name))
    first, last = _span(first or today.date, last, today.date)
    mine = select(Activity).where(Activity.assignee_id == access.principal.id, Activity.status == Status.PLANNED)
    mine = mine.where(activity_is_visible(access)).order_by(
        Activity.starts_at.nulls_first(), Activity.due_on, Activity.id
    )

    async def between(start: date | None, end: date) -> list[AgendaItem]:
        found = await session.execute(mine.where(_falls(start, end, zone_name)).limit(MOST))
        return await _items(session, found.scalars().all(), access, now, today.date)

    tomorrow = today.date + timedelta(days=1)
    return Agenda(
        time_zone=zone_name,
        today_is=today.date,
        overdue=await between(None, today.date),
        today=await between(today.date, tomorrow) if first <= today.date <= last else [],
        upcoming=await between(max(first, tomorrow), last + timedelta(days=1)),
    )


def _span(first: date, last: date | None, today: date) -> tuple[date, date]:
    sensible = all(is_sensible_year(day.year) for day in (first, last or first))
    last = last or (max(first, today) + timedelta(days=7) if sensible else first)
    if not sensible or last < first or last - first > LONGEST_SPAN:
        detail = f"The span ends after it begins and has at most {LONGEST_SPAN.days} days."
        raise Invalid(errors=[FieldProblem("?to", "span_invalid", detail)])
    return first, last


def _falls(start: date | None, end: date, zone_name: str) -> ColumnElement[bool]:
    """Activities from the beginning of `start` until the beginning of `end`, by the calendar of the zone."""
    until = or_(Activity.starts_at < day_on(end, zone(zone_name)).starts_at, Activity.due_on < end)
    if start is None:
        return until
    since = or_(Activity.starts_at >= day_on(start, zone(zone_name)).starts_at, Activity.due_on >= start)
    return and_(since, until)


async def _items(
    session: AsyncSession, activities: Sequence[Activity], access: Access, now: datetime, today: date
) -> list[AgendaItem]:
    views = await views_of(session, activities, access)
    return [
        AgendaItem(
            activity=view.model_copy(update={"text": excerpt(view.text)}),
            is_overdue=view.starts_at < now if view.starts_at else bool(view.due_on and view.due_on < today),
            assigned_by_other=view.owner_id != access.principal.id,
        )
        for view in views
    ]
