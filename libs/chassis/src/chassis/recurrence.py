"""Repeating wall times by the rules of RFC 5545, counted on a calendar: nine stays nine when clocks change."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from dateutil.rrule import rrule, rrulestr

from chassis.zones import resolve, zone

FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
"""What is counted in hours is no wall time: it would come twice in one night of the year and not in another."""


class RuleInvalid(ValueError):
    """Not a recurrence rule that is understood here."""


@dataclass(frozen=True)
class Occurrence:
    """One time of a series: as the clock on the wall shows it, and the UTC instant."""

    wall: datetime
    at: datetime


@lru_cache(maxsize=1024)
def rule_of(text: str, first: datetime) -> rrule:
    """The series of naive wall times that begins at `first`.

    `text` is an RRULE value such as `FREQ=WEEKLY;BYDAY=MO,FR;COUNT=10`. Raises RuleInvalid, also for a frequency below
    a day and for a rule that names a moment in UTC (UNTIL is a wall time).
    """
    parts = dict(part.upper().partition("=")[::2] for part in text.strip().split(";"))
    if parts.get("FREQ") not in FREQUENCIES or parts.keys() & {"DTSTART", "BYHOUR", "BYMINUTE", "BYSECOND"}:
        raise RuleInvalid(text)
    if not parts.get("INTERVAL", "1").isdigit() or parts.get("INTERVAL") == "0" or first.tzinfo is not None:
        raise RuleInvalid(text)
    try:
        found = rrulestr(text.strip(), dtstart=first)
    except (ValueError, TypeError, KeyError) as error:
        raise RuleInvalid(text) from error
    if not isinstance(found, rrule):
        raise RuleInvalid(text)
    return found


def following(text: str, first: datetime, name: str, *, after: datetime, not_before: datetime) -> Occurrence | None:
    """The next occurrence in the zone called `name` whose wall time is after `after`; None when the series has ended.

    Of those whose instant lies before `not_before` (aware) all but the last are left out: after an outage nobody wants
    to be told of every missed day. Raises RuleInvalid, UnknownZone.
    """
    series = rule_of(text, first)
    missed = series.before(not_before.astimezone(zone(name)).replace(tzinfo=None), inc=False)
    start = missed if missed is not None and missed > after else after
    wall = series.after(start, inc=start is missed)
    return Occurrence(wall, resolve(wall, name)) if wall is not None else None


def belongs(text: str, first: datetime, wall: datetime) -> bool:
    """Whether a wall time is one of the series."""
    found: datetime | None = rule_of(text, first).after(wall, inc=True)
    return found == wall
