from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFound
from chassis.listing import Listing, Page, paginate
from notifications.domain.kinds import Channel
from notifications.models import Notification

REPLAYED = 200
"""Notices sent again to a listener that comes back; whoever missed more reads the feed."""


class NotificationNotFound(NotFound):
    code = "notification_not_found"
    title = "There is no such notification"


class NotificationView(BaseModel):
    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    kind: str
    title: str
    body: str
    link: str | None
    object: str | None
    object_id: UUID | None
    count: int
    is_read: bool
    read_at: datetime | None
    channels: list[str]


class UnreadCount(BaseModel):
    unread: int


def view_of(notification: Notification) -> NotificationView:
    return NotificationView.model_validate(notification, from_attributes=True)


def own(user_id: UUID) -> ColumnElement[bool]:
    """Only what the person wants to see in the application; mail-only notices are kept but not shown."""
    return and_(Notification.recipient_id == user_id, Notification.channels.contains([Channel.APP]))


async def feed_of(session: AsyncSession, user_id: UUID, listing: Listing, is_unread: bool | None) -> Page[Any]:
    wanted = select(Notification).where(own(user_id))
    if is_unread is not None:
        wanted = wanted.where(Notification.read_at.is_(None) if is_unread else Notification.read_at.is_not(None))
    return (await paginate(session, wanted, Notification, listing)).map(view_of)


async def unread_of(session: AsyncSession, user_id: UUID) -> UnreadCount:
    counted = select(func.count()).select_from(Notification).where(own(user_id), Notification.read_at.is_(None))
    return UnreadCount(unread=(await session.execute(counted)).scalar_one())


async def notices_after(session: AsyncSession, user_id: UUID, last_id: UUID) -> list[Notification]:
    """What a listener missed since the given notice, oldest first. Ids are ordered by time."""
    missed = select(Notification).where(own(user_id), Notification.id > last_id)
    return list((await session.execute(missed.order_by(Notification.id).limit(REPLAYED))).scalars())
