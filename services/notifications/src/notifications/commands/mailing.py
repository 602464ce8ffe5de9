"""Mails as a due queue: taken with a lease, sent outside any transaction, and reported."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from notifications.commands.telling import Notice, tell
from notifications.domain.kinds import Channel, Kind
from notifications.domain.letters import Letter, message_id
from notifications.domain.timing import GIVE_UP_AFTER, quiet_until, retry_delay
from notifications.domain.wording import words
from notifications.models import Delivery, Notification, Preference, UserReplica
from notifications.queries.people import database_now, reader_of


@dataclass(frozen=True)
class Outgoing:
    """A mail that this process has taken; `attempt` is its lease: a later one makes this process's report void."""

    delivery_id: UUID
    attempt: int
    letter: Letter


@dataclass(frozen=True)
class Post:
    """From where mails go out."""

    sender: str
    public_url: str
    lease: timedelta
    retry: timedelta
    batch: int


async def take_mail(session: AsyncSession, post: Post) -> list[Outgoing]:
    """Takes due mails for as long as the lease. What a crashed process took comes again when its lease is over."""
    now = await database_now(session)
    due = (
        select(Delivery, Notification, UserReplica, Preference)
        .join(Notification, Notification.id == Delivery.notification_id)
        .outerjoin(UserReplica, UserReplica.id == Notification.recipient_id)
        .outerjoin(Preference, Preference.user_id == Notification.recipient_id)
        .where(Delivery.state.in_(("pending", "sending")), Delivery.due_at <= now)
        .order_by(Delivery.due_at)
        .limit(post.batch)
        .with_for_update(of=Delivery, skip_locked=True)
    )
    found = (await session.execute(due)).all()
    return [
        outgoing
        for delivery, notification, user, preference in found
        if (outgoing := _taken(delivery, notification, user, preference, now, post)) is not None
    ]


def _taken(
    delivery: Delivery,
    notification: Notification,
    user: UserReplica | None,
    preference: Preference | None,
    now: datetime,
    post: Post,
) -> Outgoing | None:
    if user is None:
        # The person's facts are on their way; the mail waits for the address.
        _postpone(delivery, now, post, "the recipient is not known here yet")
        return None
    if not user.is_active:
        delivery.state, delivery.error = "skipped", "the recipient has left"
        return None
    quiet = _end_of_quiet(now, user, preference)
    if quiet is not None:
        delivery.state, delivery.due_at = "pending", quiet
        return None
    delivery.state, delivery.due_at, delivery.attempts = "sending", now + post.lease, delivery.attempts + 1
    return Outgoing(delivery.id, delivery.attempts, _letter(delivery, notification, user, now, post))


def _end_of_quiet(now: datetime, user: UserReplica, preference: Preference | None) -> datetime | None:
    if preference is None:
        return None
    return quiet_until(now, reader_of(user).zone, preference.quiet_from, preference.quiet_to)


def _letter(delivery: Delivery, notification: Notification, user: UserReplica, now: datetime, post: Post) -> Letter:
    reader = reader_of(user)
    return Letter(
        message_id=message_id(delivery.id, post.sender),
        sender=post.sender,
        name=user.name,
        address=user.email,
        language=reader.language,
        words=words(Kind(notification.kind), reader, notification.values),
        link=post.public_url.rstrip("/") + (notification.link or "/"),
        written_at=now,
    )


def _postpone(delivery: Delivery, now: datetime, post: Post, error: str) -> None:
    delivery.attempts += 1
    delivery.state, delivery.error = "pending", error
    delivery.due_at = now + retry_delay(delivery.attempts, post.retry)
    if now - delivery.created_at > GIVE_UP_AFTER:
        delivery.state = "failed"


async def report_sent(session: AsyncSession, outgoing: Outgoing) -> None:
    sent = update(Delivery).where(_still_taken(outgoing))
    await session.execute(sent.values(state="sent", sent_at=func.clock_timestamp(), error=None))


async def give_back(session: AsyncSession, outgoings: Sequence[Outgoing], error: str, post: Post) -> None:
    """Not sent: each is tried again later, or given up after days."""
    now = await database_now(session)
    for outgoing in sorted(outgoings, key=lambda each: each.delivery_id):
        delivery = await _locked(session, outgoing)
        if delivery is None:
            continue
        delivery.state, delivery.error = "pending", error[:500]
        delivery.due_at = now + retry_delay(outgoing.attempt, post.retry)
        if now - delivery.created_at > GIVE_UP_AFTER:
            await _fail(session, delivery, error, outgoing.letter.address)


async def report_refused(session: AsyncSession, outgoing: Outgoing, reason: str) -> None:
    """Refused for good: trying again would not help, so the person is told in the application."""
    delivery = await _locked(session, outgoing)
    if delivery is not None:
        await _fail(session, delivery, reason, outgoing.letter.address)


async def _fail(session: AsyncSession, delivery: Delivery, reason: str, address: str) -> None:
    delivery.state, delivery.error = "failed", reason[:500]
    notification = await session.get_one(Notification, delivery.notification_id)
    notice = Notice(
        recipient_id=notification.recipient_id,
        kind=Kind.MAIL_FAILED,
        entity_id=delivery.id,
        entity_version=1,
        object=notification.object or "notification",
        object_id=notification.object_id or notification.id,
        link=notification.link or "/",
        values={"address": address, "reason": reason[:200]},
        channels=frozenset({Channel.APP}),
    )
    await tell(session, notice)


def _still_taken(outgoing: Outgoing) -> ColumnElement[bool]:
    """Whether the mail is still this process's own; after its lease another one may have it."""
    return and_(Delivery.id == outgoing.delivery_id, Delivery.state == "sending", Delivery.attempts == outgoing.attempt)


async def _locked(session: AsyncSession, outgoing: Outgoing) -> Delivery | None:
    mine = select(Delivery).where(_still_taken(outgoing))
    return (await session.execute(mine.with_for_update())).scalar_one_or_none()
