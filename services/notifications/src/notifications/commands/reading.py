from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import get_for_update
from chassis.outbox import emit, emit_many
from contracts.notifications import NotificationRead
from notifications.models import Notification
from notifications.queries.feed import NotificationNotFound, own
from notifications.queries.people import database_now

AT_ONCE = 500


async def read_notification(session: AsyncSession, notification_id: UUID, user_id: UUID) -> Notification:
    """Reading twice is reading once."""
    mine = own(user_id)
    notification = await get_for_update(
        session,
        Notification,
        notification_id,
        None,
        NotificationNotFound(),
        narrow=lambda rows: rows.where(mine),
    )
    if not notification.is_read:
        notification.read_at = await database_now(session)
        await emit(session, NotificationRead, notification)
    return notification


async def read_all(session: AsyncSession, user_id: UUID) -> int:
    """Everything unread, the newest AT_ONCE at a time; returns how many."""
    unread = select(Notification).where(own(user_id), Notification.read_at.is_(None))
    newest = unread.order_by(Notification.id.desc()).limit(AT_ONCE).with_for_update()
    found = (await session.execute(newest)).scalars().all()
    now = await database_now(session)
    for notification in found:
        notification.read_at = now
    await emit_many(session, NotificationRead, found)
    return len(found)
