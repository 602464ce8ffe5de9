from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from activities.domain.kinds import LONGEST_NOTE, OUTCOMES, Kind, Status
from activities.domain.reminding import CHANNELS
from activities.domain.times import is_sensible_year
from chassis import fields
from chassis.fields import (
    FieldModel,
    refuse,
)
from chassis.recurrence import RuleInvalid, rule_of

ANY_TIME = datetime(2026, 1, 1)
LONGEST_LEAD = 2 * 366 * 24 * 60
"""Minutes: two years."""


def _sensible(value: Any) -> Any:
    if value is not None and not is_sensible_year(value.year):
        refuse("out_of_range", "The year is out of range")
    return value


Day = Annotated[date | None, AfterValidator(_sensible)]
WallTime = Annotated[
    datetime | None,
    AfterValidator(_sensible),
    AfterValidator(lambda value: value and value.replace(microsecond=0)),
]


def _with_time(value: Any) -> Any:
    if isinstance(value, str) and 0 < len(value.strip()) <= len("2026-11-23"):
        refuse("wall_time_invalid", "A day without a time is due_on; a wall time has hours and minutes")
    return value


# Runs before the field's own check, which would read a day as its midnight.
WITH_TIME = BeforeValidator(_with_time)
TIME = fields.wall_time("Time", "As the clock in the time zone shows it")
Outcome = Annotated[str | None, fields.picklist("Outcome", "Result of a call", options=OUTCOMES, open_set=True)]
KIND = fields.picklist("Kind", "Call, task, appointment or note", options=[each.value for each in Kind])
ASSIGNEE = fields.reference("Assignee", "Who does it; you when left out", to="identity.user")


class LinkFields(FieldModel):
    object: Annotated[str, fields.picklist("Kind of record", options=("account", "contact", "lead"))]
    id: Annotated[UUID, fields.reference("Record", "What the activity is about", to="accounts.account")]


def _known_rule(value: str | None) -> str | None:
    if value is not None:
        try:
            rule_of(value, ANY_TIME)
        except RuleInvalid:
            refuse("recurrence_invalid", "A rule such as FREQ=WEEKLY;BYDAY=MO,FR, daily or rarer")
    return value


class ReminderFields(FieldModel):
    minutes_before: Annotated[
        int | None,
        fields.integer(
            "Minutes before",
            "Before the start, or before 9:00 of a day without a time",
            minimum=0,
            maximum=LONGEST_LEAD,
        ),
    ] = None
    at_local: Annotated[WallTime, fields.wall_time("At", "A wall time in the activity's time zone"), WITH_TIME] = None
    channels: Annotated[list[str], fields.list_of("Channels", "How to remind", options=CHANNELS)] = Field(
        default_factory=lambda: list(CHANNELS), min_length=1
    )
    repeat: Annotated[
        str | None,
        fields.text("Repeat", "Until the work is done, by a rule of RFC 5545: FREQ=DAILY;COUNT=5", max_length=200),
        AfterValidator(_known_rule),
    ] = None

    @model_validator(mode="after")
    def _one_way_to_say_when(self) -> Self:
        if (self.minutes_before is None) == (self.at_local is None):
            refuse("one_of", "Give either minutes_before or at_local")
        return self


class ActivityContent(FieldModel):
    """What people write; which of it goes with which kind is checked by the rules of the kinds."""

    subject: Annotated[str | None, fields.text("Subject", "What it is about, in a line")] = None
    text: Annotated[
        str | None, fields.long_text("Text", "What was said, agreed, or is to be done", max_length=LONGEST_NOTE)
    ] = None
    location: Annotated[str | None, fields.text("Location", "Where an appointment takes place")] = None
    outcome: Annotated[str | None, fields.picklist("Outcome", "Result of a call", options=OUTCOMES, open_set=True)] = (
        None
    )
    duration_minutes: Annotated[
        int | None, fields.integer("Duration", "Minutes; calls and appointments", minimum=0, maximum=7 * 24 * 60)
    ] = None
    wall_time: Annotated[WallTime, TIME, WITH_TIME] = None
    time_zone: Annotated[str | None, fields.time_zone("Time zone", "IANA name; yours when left out")] = None
    all_day: Annotated[bool | None, fields.yes_no("All day", "A day without a time; says the same as due_on")] = None
    due_on: Annotated[Day, fields.date_("Day", "When it has no time")] = None
    links: Annotated[
        list[LinkFields], Field(max_length=50, description="Accounts, contacts and leads it is about")
    ] = []
    reminders: Annotated[
        list[ReminderFields] | None, Field(max_length=10, description="Left out: the usual one for the kind; []: none")
    ] = None

    @model_validator(mode="after")
    def _all_day_means_a_day(self) -> Self:
        if (self.all_day is True and self.due_on is None) or (self.all_day is False and self.due_on is not None):
            refuse("all_day_contradicts", "All day goes with due_on, and only with it")
        return self

    def stored(self, *, unset: bool = True) -> dict[str, Any]:
        """The values as the table keeps them; without `unset` only those that were sent."""
        names = set(ActivityContent.model_fields) - {"all_day"}
        values = {name: getattr(self, name) for name in names if unset or name in self.model_fields_set}
        if "links" in values:
            values["links"] = list(
                {(link.object, link.id): {"object": link.object, "id": str(link.id)} for link in self.links}.values()
            )
        if "reminders" in values:
            values["reminders"] = [each.model_dump(mode="json", exclude_none=True) for each in self.reminders or []]
        return values


class RecordActivity(ActivityContent):
    """An activity to plan or to log."""

    kind: Annotated[
        str, fields.picklist("Kind", "Call, task, appointment or note", options=[each.value for each in Kind])
    ]
    status: Annotated[
        str | None,
        fields.picklist(
            "Status", "planned, or done to log what has happened", options=[Status.PLANNED.value, Status.DONE.value]
        ),
    ] = None
    assignee_id: Annotated[
        UUID | None, fields.reference("Assignee", "Who does it; you when left out", to="identity.user")
    ] = None


class ChangeActivity(ActivityContent):
    """Changes to an activity; what is left out stays."""


class CompleteActivity(FieldModel):
    """How it went."""

    outcome: Outcome = None
    text: Annotated[str | None, fields.long_text("Text", max_length=LONGEST_NOTE)] = None
    duration_minutes: Annotated[int | None, fields.integer("Duration", minimum=0, maximum=7 * 24 * 60)] = None
    completed_at: Annotated[datetime | None, fields.moment("Done at", "Now when left out")] = None


class AssignActivity(FieldModel):
    assignee_id: Annotated[UUID, fields.reference("Assignee", "Who does it from now on", to="identity.user")]
