"""What becomes of each wished reminder."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

CHANNELS = ("app", "email")
"""How people are reminded unless they say otherwise."""


class ReminderStatus(StrEnum):
    PENDING = "pending"
    FIRED = "fired"
    CANCELLED = "cancelled"
    MISSED = "missed"


@dataclass(frozen=True)
class Wish:
    """One reminder as people wish it: so many minutes before, or at a wall time."""

    minutes_before: int
    at_local: datetime | None
    channels: tuple[str, ...]
    repeat: str | None = None


@dataclass(frozen=True)
class Plan:
    """One reminder as it will be kept: `due_at` is the instant of `wall_time` in `time_zone`, less `minutes_before`.

    With `repeat`, a recurrence rule, `wall_time` is the first of a series.
    """

    position: int
    wall_time: datetime
    time_zone: str
    minutes_before: int
    channels: tuple[str, ...]
    repeat: str | None = None


def wishes(reminders: Sequence[dict[str, Any]]) -> list[Wish]:
    """The wishes of a stored activity."""
    return [
        Wish(
            minutes_before=each.get("minutes_before") or 0,
            at_local=datetime.fromisoformat(each["at_local"]) if each.get("at_local") else None,
            channels=tuple(each["channels"]),
            repeat=each.get("repeat"),
        )
        for each in reminders
    ]


def plans(reminders: Sequence[dict[str, Any]], base: datetime | None, zone: str) -> list[Plan]:
    """The reminders to keep. An offset without a date to count from has nothing to say yet."""
    kept = []
    for position, wish in enumerate(wishes(reminders)):
        wall_time = wish.at_local or base
        if wall_time is not None:
            minutes = 0 if wish.at_local else wish.minutes_before
            kept.append(Plan(position, wall_time, zone, minutes, wish.channels, wish.repeat))
    return kept


def first_status(due_at: datetime, now: datetime, grace: timedelta) -> ReminderStatus:
    """A reminder that is already late fires at once within the grace; an older one says nothing that helps."""
    return ReminderStatus.MISSED if due_at < now - grace else ReminderStatus.PENDING
