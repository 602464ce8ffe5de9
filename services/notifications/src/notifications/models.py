from datetime import datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Text, UniqueConstraint, Uuid, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from uuid_utils.compat import uuid7

from chassis.db import Record, new_metadata
from contracts.notifications import NotificationState
from notifications.domain.kinds import Channel
from notifications.domain.wording import Words

Moment = DateTime(timezone=True)


class Base(DeclarativeBase):
    metadata = new_metadata()


class Notification(Base, Record):
    """One notice for one person; notices of one group (an import's duplicates) are counted in one."""

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("recipient_id", "kind", "group_key"),
        Index("ix_notifications_feed", "recipient_id", "created_at", "id"),
        Index("ix_notifications_stream", "recipient_id", "id"),
        Index("ix_notifications_unread", "recipient_id", postgresql_where=text("read_at IS NULL")),
    )

    recipient_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(Text)
    group_key: Mapped[str] = mapped_column(Text)
    count: Mapped[int] = mapped_column(default=1)
    title: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    link: Mapped[str | None] = mapped_column(Text, default=None)
    object: Mapped[str | None] = mapped_column(Text, default=None)
    object_id: Mapped[UUID | None] = mapped_column(default=None)
    values: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What the words are made of: a mail is worded when it is sent, in the language the person reads then."""
    channels: Mapped[list[str]] = mapped_column(ARRAY(Text))
    read_at: Mapped[datetime | None] = mapped_column(Moment, default=None)

    @property
    def is_read(self) -> bool:
        return self.read_at is not None

    def say(self, words: Words) -> None:
        self.title, self.body = words.title, words.body

    def count_one_more(self, values: dict[str, Any]) -> None:
        """One more of the same group: it is news again."""
        self.count += 1
        self.values = {**values, "count": self.count}
        self.read_at = None

    def state(self) -> NotificationState:
        return NotificationState(
            id=self.id,
            version=self.version,
            created_at=self.created_at,
            updated_at=self.updated_at,
            created_by=self.created_by,
            updated_by=self.updated_by,
            recipient_id=self.recipient_id,
            kind=self.kind,
            title=self.title,
            body=self.body,
            link=self.link,
            object=self.object,
            object_id=self.object_id,
            is_read=self.is_read,
            channels=list(self.channels),
        )


class Cause(Base):
    """What has been told: once per person, kind, entity and version, for ever, however often the event comes."""

    __tablename__ = "causes"

    recipient_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    entity_id: Mapped[UUID] = mapped_column(primary_key=True)
    entity_version: Mapped[int] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())


class Delivery(Base):
    """A notice on its way through one channel outside; `due_at` is the next attempt, or the end of the present one."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("notification_id", "channel"),
        CheckConstraint("state IN ('pending', 'sending', 'sent', 'failed', 'skipped')", name="state"),
        Index("ix_deliveries_due", "due_at", postgresql_where=text("state IN ('pending', 'sending')")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    notification_id: Mapped[UUID] = mapped_column(ForeignKey("notifications.id"))
    channel: Mapped[str] = mapped_column(Text, default=Channel.EMAIL)
    state: Mapped[str] = mapped_column(Text, default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(Moment)
    error: Mapped[str | None] = mapped_column(Text, default=None)
    sent_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())


class Preference(Base):
    """One person's choices; what is not said follows the defaults."""

    __tablename__ = "preferences"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    choices: Mapped[dict[str, dict[str, bool]]] = mapped_column(JSONB, default=dict)
    quiet_from: Mapped[time | None] = mapped_column(default=None)
    quiet_to: Mapped[time | None] = mapped_column(default=None)


class Bulk(Base):
    """A correlation id under which many records arrive at once: its duplicates are counted, not mailed."""

    __tablename__ = "bulks"

    correlation_id: Mapped[str] = mapped_column(Text, primary_key=True)
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())


class RecordReplica(Base):
    """What this service knows of accounts, contacts and leads."""

    __tablename__ = "record_replicas"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    object: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    label: Mapped[str] = mapped_column(Text)
    owner_id: Mapped[UUID | None]
    is_private: Mapped[bool]


class UserReplica(Base):
    __tablename__ = "user_replicas"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    name: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)
    team_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    is_active: Mapped[bool]
    time_zone: Mapped[str] = mapped_column(Text)
    locale: Mapped[str] = mapped_column(Text)
