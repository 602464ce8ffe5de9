"""When an activity is, on the calendar of the people who do it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

DAY_BASE = time(9)
"""Reminders of a date without a time count from here, in the assignee's zone: never from midnight UTC."""

UNDATED = datetime(9999, 1, 1, tzinfo=UTC)
"""Where planned work without a date stands in a list by time: after everything that has one."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PAST_RANK = 10**18

CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True)
class Day:
    """One calendar day of a zone as moments."""

    date: date
    starts_at: datetime
    ends_at: datetime


def day_of(moment: datetime, zone: tzinfo) -> Day:
    """The calendar day of `zone` that contains the moment; 23 to 25 hours long."""
    return day_on(moment.astimezone(zone).date(), zone)


def day_on(day: date, zone: tzinfo) -> Day:
    return Day(day, _midnight(day, zone), _midnight(day + timedelta(days=1), zone))


def _midnight(day: date, zone: tzinfo) -> datetime:
    # A midnight that a clock change skips is read with the offset before it, which is the day's first moment.
    return datetime.combine(day, time(0), zone).astimezone(UTC)


def reminder_base(wall_time: datetime | None, due_on: date | None) -> datetime | None:
    """The wall time from which offsets count."""
    if wall_time is not None:
        return wall_time
    return datetime.combine(due_on, DAY_BASE) if due_on else None


def is_in_future(moment: datetime, now: datetime) -> bool:
    """Later than clocks can differ."""
    return moment > now + CLOCK_SKEW


def is_sensible_year(year: int) -> bool:
    """Further away a moment cannot be computed, or was a slip of the finger."""
    return 1970 <= year <= 2200


def timeline_rank(at: datetime, *, is_planned: bool) -> int:
    """One ascending number for the order of a timeline: the planned part, next first, then the past, latest first."""
    microseconds = (at - EPOCH) // timedelta(microseconds=1)
    return microseconds if is_planned else PAST_RANK - microseconds
