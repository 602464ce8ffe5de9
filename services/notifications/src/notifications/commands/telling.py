"""Telling people: once per person, kind, entity and version, by the channels each of them wants."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.outbox import emit
from contracts.notifications import NotificationCreated
from notifications.domain.kinds import Channel, Kind, chosen_channels
from notifications.domain.wording import words
from notifications.models import Cause, Delivery, Notification, UserReplica
from notifications.queries.people import reader_of, user_by_id
from notifications.queries.preferences import preference_of

EVERY_CHANNEL = frozenset(Channel)


@dataclass(frozen=True)
class Notice:
    """One person's news. Notices with the same `group` become one that counts; without, each stands alone."""

    recipient_id: UUID
    kind: Kind
    entity_id: UUID
    entity_version: int
    object: str
    object_id: UUID
    link: str
    values: dict[str, Any]
    channels: frozenset[Channel] = EVERY_CHANNEL
    group: str = ""
    mail_after: timedelta = timedelta(0)
    group_link: str = ""
    """Where the link of a group leads once there are several in it."""

    @property
    def group_key(self) -> str:
        return self.group or f"{self.entity_id}:{self.entity_version}"


async def tell(session: AsyncSession, notice: Notice) -> Notification | None:
    """Stores the notice and what is to be sent; None when it was told before, or the person does not want it."""
    await _take_turns(session, notice)
    if not await _is_new(session, notice):
        return None
    user = await user_by_id(session, notice.recipient_id)
    preference = await preference_of(session, notice.recipient_id)
    channels = chosen_channels(notice.kind, notice.channels, preference.choices)
    if not channels or (user is not None and not user.is_active):
        return None
    known = await _of_group(session, notice)
    if known is not None:
        return await _count(session, known, notice, user)
    return await _create(session, notice, channels, user)


async def _take_turns(session: AsyncSession, notice: Notice) -> None:
    """Two events of one group at the same time must not both find it empty."""
    key = f"{notice.recipient_id}:{notice.kind}:{notice.group_key}"
    await session.execute(text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key})


async def _is_new(session: AsyncSession, notice: Notice) -> bool:
    told = upsert(Cause).values(
        recipient_id=notice.recipient_id,
        kind=notice.kind,
        entity_id=notice.entity_id,
        entity_version=notice.entity_version,
    )
    return (await session.execute(told.on_conflict_do_nothing().returning(Cause.entity_id))).first() is not None


async def _of_group(session: AsyncSession, notice: Notice) -> Notification | None:
    same = select(Notification).where(
        Notification.recipient_id == notice.recipient_id,
        Notification.kind == notice.kind,
        Notification.group_key == notice.group_key,
    )
    return (await session.execute(same.with_for_update())).scalar_one_or_none()


async def _create(
    session: AsyncSession, notice: Notice, channels: list[Channel], user: UserReplica | None
) -> Notification:
    created = Notification(
        recipient_id=notice.recipient_id,
        kind=notice.kind,
        group_key=notice.group_key,
        object=notice.object,
        object_id=notice.object_id,
        link=notice.link,
        values=notice.values,
        channels=[str(channel) for channel in channels],
    )
    created.say(words(notice.kind, reader_of(user), notice.values))
    session.add(created)
    await emit(session, NotificationCreated, created)
    if Channel.EMAIL in channels:
        session.add(Delivery(notification_id=created.id, due_at=func.clock_timestamp() + notice.mail_after))
    return created


async def _count(session: AsyncSession, known: Notification, notice: Notice, user: UserReplica | None) -> Notification:
    known.count_one_more(notice.values)
    known.link = notice.group_link or known.link
    known.say(words(notice.kind, reader_of(user), known.values))
    waiting = update(Delivery).where(Delivery.notification_id == known.id, Delivery.state == "pending")
    await session.execute(waiting.values(state="skipped", error="one of many: counted in the application"))
    return known
