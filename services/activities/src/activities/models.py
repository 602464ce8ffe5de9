from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from uuid_utils.compat import uuid7

from activities.domain.kinds import CONTACT_KINDS, Status
from activities.domain.reminding import ReminderStatus
from activities.domain.times import UNDATED, reminder_base, timeline_rank
from chassis.db import Record, SoftDelete, new_metadata
from chassis.zones import resolve
from contracts.activities import ActivityState, Link, ReminderState
from contracts.activities import Reminder as ReminderWish

Moment = DateTime(timezone=True)
WallTime = DateTime(timezone=False)


class Base(DeclarativeBase):
    metadata = new_metadata()


class Activity(Base, Record, SoftDelete):
    """Something done, or to be done, with customers."""

    __tablename__ = "activities"
    __table_args__ = (
        CheckConstraint("kind IN ('call', 'task', 'appointment', 'note')", name="kind"),
        CheckConstraint("status IN ('planned', 'done', 'cancelled')", name="status"),
        CheckConstraint("(wall_time IS NULL) OR (due_on IS NULL)", name="one_time"),
        Index("ix_activities_agenda", "assignee_id", "starts_at", postgresql_where=text("status = 'planned'")),
        Index("ix_activities_owner_id", "owner_id"),
        Index("ix_activities_created_at", "created_at", "id"),
    )

    kind: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    text: Mapped[str | None] = mapped_column(Text, default=None)
    location: Mapped[str | None] = mapped_column(Text, default=None)
    outcome: Mapped[str | None] = mapped_column(Text, default=None)
    duration_minutes: Mapped[int | None] = mapped_column(default=None)
    starts_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    wall_time: Mapped[datetime | None] = mapped_column(WallTime, default=None)
    time_zone: Mapped[str | None] = mapped_column(Text, default=None)
    due_on: Mapped[date | None] = mapped_column(default=None)
    assignee_id: Mapped[UUID | None] = mapped_column(default=None)
    owner_id: Mapped[UUID]
    links: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    reminders: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    closed_at: Mapped[datetime | None] = mapped_column(Moment, default=None)

    @property
    def all_day(self) -> bool:
        return self.due_on is not None

    @property
    def completed_at(self) -> datetime | None:
        return self.closed_at if self.status == Status.DONE else None

    @property
    def base(self) -> datetime | None:
        return reminder_base(self.wall_time, self.due_on)

    @property
    def is_planned(self) -> bool:
        return self.status == Status.PLANNED

    @property
    def is_contact(self) -> bool:
        """Counts as the last time somebody was in touch."""
        return self.status == Status.DONE and self.kind in CONTACT_KINDS

    @property
    def happens_at(self) -> datetime:
        """Its place on a timeline. A meeting of yesterday that is ticked off today was yesterday."""
        if self.closed_at is None:
            return self.instant() or UNDATED
        if self.starts_at and self.kind in CONTACT_KINDS:
            return min(self.starts_at, self.closed_at)
        return self.closed_at

    def instant(self) -> datetime | None:
        """When it begins; a day without a time begins at nine."""
        return resolve(self.base, self.time_zone or "UTC") if self.base else None

    def set_start(self) -> None:
        """Derives the start from the wall time; a day has none."""
        self.starts_at = self.instant() if self.wall_time else None

    def complete(self, at: datetime) -> None:
        self.status, self.closed_at = Status.DONE, at

    def cancel(self, at: datetime) -> None:
        self.status, self.closed_at = Status.CANCELLED, at

    def state(self) -> ActivityState:
        return ActivityState(
            id=self.id,
            version=self.version,
            created_at=self.created_at,
            updated_at=self.updated_at,
            created_by=self.created_by,
            updated_by=self.updated_by,
            kind=self.kind,
            status=self.status,
            subject=self.subject,
            location=self.location,
            outcome=self.outcome,
            duration_minutes=self.duration_minutes,
            starts_at=self.starts_at,
            wall_time=self.wall_time.isoformat() if self.wall_time else None,
            time_zone=self.time_zone,
            all_day=self.all_day,
            due_on=self.due_on,
            assignee_id=self.assignee_id,
            owner_id=self.owner_id,
            links=self.public_links(),
            reminders=self._public_reminders(),
            completed_at=self.completed_at,
            is_deleted=self.is_deleted,
            deleted_at=self.deleted_at,
        )

    def public_links(self) -> list[Link]:
        return [Link(object=link["object"], id=UUID(link["id"])) for link in self.links]

    def _public_reminders(self) -> list[ReminderWish]:
        return [
            ReminderWish(minutes_before=self._minutes_before(wish), channels=list(wish["channels"]))
            for wish in self.reminders
        ]

    def _minutes_before(self, wish: dict[str, Any]) -> int:
        if wish.get("minutes_before") is not None:
            return int(wish["minutes_before"])
        base = self.base
        if base is None:
            return 0
        return max(0, int((base - datetime.fromisoformat(wish["at_local"])).total_seconds() // 60))


class TimelineEntry(Base):
    """One activity on the timeline of one record, once; `via_id` is the contact through which it got there."""

    __tablename__ = "timeline_entries"
    __table_args__ = (
        Index("ix_timeline_entries_record", "object", "record_id", "rank", "activity_id"),
        Index(
            "ix_timeline_entries_last_contact",
            "object",
            "record_id",
            "at",
            postgresql_where=text("is_contact"),
        ),
        Index(
            "ix_timeline_entries_unresolved",
            "record_id",
            postgresql_where=text("object = 'contact' AND resolved_at IS NULL"),
        ),
    )

    activity_id: Mapped[UUID] = mapped_column(ForeignKey("activities.id"), primary_key=True)
    object: Mapped[str] = mapped_column(Text, primary_key=True)
    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    via_id: Mapped[UUID | None] = mapped_column(default=None)
    account_id: Mapped[UUID | None] = mapped_column(default=None)
    """Of a contact's entry: the account the contact had when it was linked; the entry rolls up there for good."""
    resolved_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    """Null while the contact is not known here yet."""
    kind: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(Moment)
    rank: Mapped[int] = mapped_column(BigInteger)
    is_contact: Mapped[bool]

    def follow(self, activity: Activity) -> None:
        """Takes over what the activity says about its place."""
        self.kind, self.status, self.at = activity.kind, activity.status, activity.happens_at
        self.rank = timeline_rank(activity.happens_at, is_planned=activity.is_planned)
        self.is_contact = activity.is_contact


class Reminder(Base):
    """One kept reminder. It has no version: each occurrence is told once, and the occurrence orders its events."""

    __tablename__ = "reminders"
    __table_args__ = (
        UniqueConstraint("activity_id", "position"),
        CheckConstraint("state IN ('pending', 'fired', 'cancelled', 'missed')", name="state"),
        Index("ix_reminders_due", "due_at", postgresql_where=text("state = 'pending'")),
        Index("ix_reminders_recipient_id", "recipient_id", postgresql_where=text("state = 'pending'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    activity_id: Mapped[UUID] = mapped_column(ForeignKey("activities.id"))
    position: Mapped[int]
    recipient_id: Mapped[UUID]
    wall_time: Mapped[datetime] = mapped_column(WallTime)
    time_zone: Mapped[str] = mapped_column(Text)
    minutes_before: Mapped[int]
    rrule: Mapped[str | None] = mapped_column(Text, default=None)
    channels: Mapped[list[str]] = mapped_column(ARRAY(Text))
    occurrence: Mapped[int] = mapped_column(default=1)
    due_at: Mapped[datetime] = mapped_column(Moment)
    state: Mapped[str] = mapped_column(Text, default=ReminderStatus.PENDING)
    fired_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())


class RecordReplica(Base):
    """What this service knows of accounts, contacts and leads. Version 0: linked here before its first fact arrived."""

    __tablename__ = "record_replicas"
    __table_args__ = (CheckConstraint("object IN ('account', 'contact', 'lead')", name="object"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    object: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(default=0)
    label: Mapped[str] = mapped_column(Text, default="")
    owner_id: Mapped[UUID | None] = mapped_column(default=None)
    account_id: Mapped[UUID | None] = mapped_column(default=None)
    is_private: Mapped[bool] = mapped_column(default=False)
    is_deleted: Mapped[bool] = mapped_column(default=False)


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


class ZoneData(Base):
    """The release of the time zone data with which the stored instants were computed; one row."""

    __tablename__ = "zone_data"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    release: Mapped[str] = mapped_column(Text)


@dataclass
class DueReminder:
    """The aggregate of ReminderDue: one occurrence of a reminder, with what its recipient needs to know."""

    reminder: Reminder
    activity: Activity
    late_by: timedelta
    id: UUID = field(init=False)
    version: int = field(init=False)

    def __post_init__(self) -> None:
        self.id, self.version = self.reminder.id, self.reminder.occurrence

    def state(self) -> ReminderState:
        reminder, activity = self.reminder, self.activity
        return ReminderState(
            id=reminder.id,
            version=reminder.occurrence,
            created_at=reminder.created_at,
            updated_at=reminder.fired_at or reminder.created_at,
            activity_id=activity.id,
            recipient_id=reminder.recipient_id,
            occurrence=reminder.occurrence,
            due_at=reminder.due_at,
            late_by_seconds=max(self.late_by.total_seconds(), 0.0),
            channels=list(reminder.channels),
            subject=activity.subject,
            kind=activity.kind,
            starts_at=activity.starts_at,
            due_on=activity.due_on,
            time_zone=reminder.time_zone,
            links=activity.public_links(),
        )
