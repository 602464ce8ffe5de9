from datetime import timedelta
from typing import Annotated, cast
from uuid import UUID

from fastapi import Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from activities.commands.inputs import AssignActivity, ChangeActivity, CompleteActivity, RecordActivity
from activities.commands.writing import (
    Written,
    assign_activity,
    cancel_activity,
    change_activity,
    complete_activity,
    delete_activity,
    record_activity,
)
from activities.models import Activity
from activities.queries.activities import ActivityView, activity_by_id, list_activities, views_of
from activities.settings import ActivitySettings
from chassis.access import Access, allow
from chassis.db import Reader, Session
from chassis.fields import ObjectCatalogue
from chassis.http import IfMatch, router, tagged
from chassis.listing import Listing, Page, listing_of

routes = router("activities")

LARGE_BODY = 2 * 1_048_576
"""A note of 200,000 characters, each up to six bytes in JSON."""

ACTIVITIES = ObjectCatalogue(
    name="activity",
    label="Activity",
    plural="Activities",
    help="A call, task, appointment or note about accounts, contacts and leads.",
    model=RecordActivity,
    view=ActivityView,
    columns=Activity,
    filterable=("owner_id", "starts_at"),
    sortable=("starts_at", "due_on"),
)


def grace(request: Request) -> timedelta:
    return cast(ActivitySettings, request.app.state.runtime.settings).reminder_grace


Grace = Annotated[timedelta, Depends(grace)]
Read = Annotated[Access, allow("activity", "read")]
Create = Annotated[Access, allow("activity", "create")]
Update = Annotated[Access, allow("activity", "update")]
Delete = Annotated[Access, allow("activity", "delete")]


@routes.get("/activities")
async def list_all(
    session: Reader, access: Read, listing: Annotated[Listing, listing_of(ACTIVITIES)]
) -> Page[ActivityView]:
    """Activities the caller may see; long texts are cut."""
    return await list_activities(session, listing, access)


@routes.post("/activities", status_code=201, max_body_size=LARGE_BODY)
async def record(
    command: RecordActivity, session: Session, access: Create, settled: Grace, response: Response
) -> ActivityView:
    """Plans an activity, or logs one that is done (`status: done`; notes always are)."""
    written = await record_activity(session, command, access.principal, settled)
    response.headers["Location"] = f"{routes.prefix}/activities/{written.activity.id}"
    return await _answer(session, written, access, response)


@routes.get("/activities/{activity_id}")
async def show(activity_id: UUID, session: Reader, access: Read, response: Response) -> ActivityView:
    return tagged(response, await activity_by_id(session, activity_id, access))


@routes.patch("/activities/{activity_id}", max_body_size=LARGE_BODY)
async def change(
    activity_id: UUID,
    command: ChangeActivity,
    version: IfMatch,
    session: Session,
    access: Update,
    settled: Grace,
    response: Response,
) -> ActivityView:
    """Changes what is sent. Another time moves the reminders with it."""
    written = await change_activity(session, activity_id, version, command, access, settled)
    return await _answer(session, written, access, response)


@routes.post("/activities/{activity_id}/completion", max_body_size=LARGE_BODY)
async def complete(
    activity_id: UUID, command: CompleteActivity, session: Session, access: Update, settled: Grace, response: Response
) -> ActivityView:
    """Done: pending reminders are cancelled. 409 when it is done or cancelled already."""
    return await _answer(
        session, await complete_activity(session, activity_id, command, access, settled), access, response
    )


@routes.post("/activities/{activity_id}/cancellation")
async def cancel(
    activity_id: UUID, session: Session, access: Update, settled: Grace, response: Response
) -> ActivityView:
    """Will not be done: pending reminders are cancelled."""
    return await _answer(session, await cancel_activity(session, activity_id, access, settled), access, response)


@routes.post("/activities/{activity_id}/owner")
async def assign(
    activity_id: UUID, command: AssignActivity, session: Session, access: Update, settled: Grace, response: Response
) -> ActivityView:
    """Gives it to another person, who is told, and who is reminded from now on."""
    return await _answer(
        session, await assign_activity(session, activity_id, command, access, settled), access, response
    )


@routes.delete("/activities/{activity_id}", status_code=204)
async def delete(activity_id: UUID, version: IfMatch, session: Session, access: Delete, settled: Grace) -> None:
    """Removes it from every timeline at once."""
    await delete_activity(session, activity_id, version, access, settled)


async def _answer(session: AsyncSession, written: Written, access: Access, response: Response) -> ActivityView:
    await session.flush()
    views = await views_of(session, [written.activity], access, written.missed)
    return tagged(response, views[0])
