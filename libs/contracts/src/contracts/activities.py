"""Events of the activities service: calls, tasks, appointments, notes, and reminders that fall due."""

from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.event import Data, Fact, Moment, State, open_set


class Link(Data):
    """A record that an activity is about."""

    object: Annotated[str, open_set("Kind of record.", account="an account", contact="a contact", lead="a lead")]
    id: UUID = Field(description="Id of the record.")


class Reminder(Data):
    """How long before its start an activity reminds, and how."""

    minutes_before: int = Field(ge=0, description="Minutes before the start (or before the day for a due date).")
    channels: Annotated[list[str], open_set("How to remind.", app="in the application", email="by e-mail")] = Field(
        default_factory=list
    )


class ActivityState(State):
    """Something done, or to be done, with customers. The text of a note is not part of events."""

    kind: Annotated[
        str, open_set("What it is.", call="a call", task="a task", appointment="an appointment", note="a note")
    ]
    status: Annotated[str, open_set("How far it is.", planned="to be done", done="done", cancelled="will not be done")]
    subject: str = Field(description="What it is about.")
    location: str | None = Field(default=None, description="Where it takes place.")
    outcome: str | None = Field(default=None, description="Result, for example reached or no_answer (picklist).")
    duration_minutes: int | None = Field(default=None, ge=0, description="How long it takes or took.")
    starts_at: Moment | None = Field(default=None, description="Start (UTC), as the wall time means today.")
    wall_time: str | None = Field(
        default=None,
        pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?$",
        description="Start as people wrote it, without offset: 2026-11-23T15:00. Survives new rules of the time zone.",
    )
    time_zone: str | None = Field(default=None, description="IANA time zone of the wall time.")
    all_day: bool = Field(default=False, description="Takes the whole day.")
    due_on: date | None = Field(default=None, description="Day a task is due.")
    assignee_id: UUID | None = Field(default=None, description="User who does it.")
    owner_id: UUID = Field(description="User who wrote it down.")
    links: list[Link] = Field(default_factory=list, description="Records it is about.")
    reminders: list[Reminder] = Field(default_factory=list, description="Reminders before the start.")
    completed_at: Moment | None = Field(default=None, description="When it was done (UTC).")
    is_deleted: bool = Field(default=False, description="Deleted.")
    deleted_at: Moment | None = Field(default=None, description="When it was deleted.")


class ActivityScheduled(Fact):
    """Something was planned."""

    TYPE: ClassVar[str] = "crm.activities.activity.scheduled.v1"
    state: ActivityState


class ActivityLogged(Fact):
    """Something that already happened was written down."""

    TYPE: ClassVar[str] = "crm.activities.activity.logged.v1"
    state: ActivityState


class ActivityChanged(Fact):
    """Fields of an activity changed."""

    TYPE: ClassVar[str] = "crm.activities.activity.changed.v1"
    state: ActivityState


class ActivityAssigned(Fact):
    """An activity got another assignee; `previous.assignee_id` is the former one."""

    TYPE: ClassVar[str] = "crm.activities.activity.assigned.v1"
    state: ActivityState


class ActivityCompleted(Fact):
    """A planned activity was done."""

    TYPE: ClassVar[str] = "crm.activities.activity.completed.v1"
    state: ActivityState


class ActivityCancelled(Fact):
    """A planned activity will not be done."""

    TYPE: ClassVar[str] = "crm.activities.activity.cancelled.v1"
    state: ActivityState


class ActivityDeleted(Fact):
    """An activity was deleted."""

    TYPE: ClassVar[str] = "crm.activities.activity.deleted.v1"
    TOMBSTONE: ClassVar[bool] = True
    state: ActivityState


class ReminderState(State):
    """One reminder of one activity for one person at one time."""

    activity_id: UUID = Field(description="Activity it reminds of.")
    recipient_id: UUID = Field(description="User to remind.")
    occurrence: int = Field(ge=0, description="Grows with every reschedule; (id, occurrence) names one due time.")
    due_at: Moment = Field(description="When it had to fire (UTC).")
    late_by_seconds: float = Field(
        default=0.0,
        ge=0,
        description="How much later it fired, measured by the database's clock.",
    )
    channels: Annotated[list[str], open_set("How to remind.", app="in the application", email="by e-mail")] = Field(
        default_factory=list
    )
    subject: str = Field(description="Subject of the activity.")
    kind: Annotated[str, open_set("Kind of the activity.", call="a call", task="a task", appointment="an appointment")]
    starts_at: Moment | None = Field(default=None, description="Start of the activity (UTC).")
    due_on: date | None = Field(default=None, description="Day of the activity, when it has no time.")
    time_zone: str | None = Field(default=None, description="IANA time zone of the activity.")
    links: list[Link] = Field(default_factory=list, description="Records the activity is about.")


class ReminderDue(Fact):
    """The time of a reminder has come; published exactly once per recipient and occurrence."""

    TYPE: ClassVar[str] = "crm.activities.reminder.due.v1"
    state: ReminderState
