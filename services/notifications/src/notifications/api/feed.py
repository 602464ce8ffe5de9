from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from pydantic import BaseModel

from chassis.access import Access, allow
from chassis.db import Reader, Session
from chassis.fields import FieldModel, ObjectCatalogue, picklist
from chassis.http import router, tagged
from chassis.listing import Listing, Page, listing_of
from notifications.commands.reading import read_all, read_notification
from notifications.domain.kinds import Kind
from notifications.models import Notification
from notifications.queries.feed import NotificationView, UnreadCount, feed_of, unread_of, view_of

routes = router("notifications")


class NotificationFields(FieldModel):
    """By what the feed can be narrowed."""

    kind: Annotated[str, picklist("Kind", "What happened", options=[each.value for each in Kind])]


NOTIFICATIONS = ObjectCatalogue(
    name="notification",
    label="Notification",
    plural="Notifications",
    help="News for one person: a record was assigned, a duplicate is suspected, a reminder is due.",
    model=NotificationFields,
    view=NotificationView,
    columns=Notification,
    filterable=("object", "object_id"),
)

Read = Annotated[Access, allow("notification", "read")]
Update = Annotated[Access, allow("notification", "update")]


class ReadCount(BaseModel):
    read: int


@routes.get("/notifications")
async def feed(
    session: Reader,
    access: Read,
    listing: Annotated[Listing, listing_of(NOTIFICATIONS)],
    unread: Annotated[bool | None, Query(description="Only unread ones, or only read ones")] = None,
) -> Page[NotificationView]:
    """The caller's own notices, the latest first."""
    return await feed_of(session, access.principal.id, listing, unread)


@routes.get("/notifications/unread-count")
async def count_unread(session: Reader, access: Read) -> UnreadCount:
    return await unread_of(session, access.principal.id)


@routes.post("/notifications/{notification_id}/reading")
async def read_one(notification_id: UUID, session: Session, access: Update, response: Response) -> NotificationView:
    """Marks one of the caller's notices as read; reading it again changes nothing."""
    notification = await read_notification(session, notification_id, access.principal.id)
    return tagged(response, view_of(notification))


@routes.post("/notifications/reading")
async def read_everything(session: Session, access: Update) -> ReadCount:
    """Marks everything as read, at most 500 at a time."""
    return ReadCount(read=await read_all(session, access.principal.id))
