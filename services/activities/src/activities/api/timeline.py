from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query

from activities.api.activities import Read, routes
from activities.queries.agenda import Agenda, agenda_of
from activities.queries.records import require_visible
from activities.queries.timeline import TIMELINE, EntryView, RecordSummary, summary_of, timeline_of
from chassis.db import Reader
from chassis.listing import Listing, Page, listing_of

Object = Annotated[Literal["account", "contact", "lead"], Query(description="Kind of record")]
RecordId = Annotated[UUID, Query(alias="id", description="The record")]


@routes.get("/timeline")
async def timeline(
    object: Object,
    record_id: RecordId,
    session: Reader,
    access: Read,
    listing: Annotated[Listing, listing_of(TIMELINE, default_sort="rank")],
) -> Page[EntryView]:
    """Planned work, the next first, then the past, the latest first; an account has its contacts' activities too."""
    await require_visible(session, object, record_id, access.principal)
    return await timeline_of(session, object, record_id, listing, access)


@routes.get("/timeline/summary")
async def summary(object: Object, record_id: RecordId, session: Reader, access: Read) -> RecordSummary:
    """When somebody was last in touch (a call or an appointment that took place), and what comes next."""
    await require_visible(session, object, record_id, access.principal)
    return await summary_of(session, object, record_id, access)


@routes.get("/agenda")
async def agenda(
    session: Reader,
    access: Read,
    first: Annotated[date | None, Query(alias="from", description="First day; today when left out")] = None,
    last: Annotated[date | None, Query(alias="to", description="Last day; a week on when left out")] = None,
) -> Agenda:
    """The caller's own work: overdue, today, and the days after, by the caller's calendar."""
    return await agenda_of(session, access, first, last)
