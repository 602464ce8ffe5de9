"""When to tell: quiet hours defer, failures back off, stale news stays untold."""

from datetime import UTC, datetime, time, timedelta, tzinfo

STALE_AFTER = timedelta(hours=24)
"""Older events tell nobody anything: they come from a rewind or a long outage, not from the day's work."""

GIVE_UP_AFTER = timedelta(days=5)
"""As long as mail servers themselves keep trying."""

DIGEST_DELAY = timedelta(seconds=30)
"""So long a mail that may be one of many waits: if more come from the same cause, all are counted, none is mailed."""

FIRST_DELAY = timedelta(seconds=5)
LONGEST_DELAY = timedelta(minutes=10)


def is_stale(happened_at: datetime, now: datetime) -> bool:
    return now - happened_at > STALE_AFTER


def retry_delay(attempts: int, first: timedelta = FIRST_DELAY) -> timedelta:
    """How long to wait after so many failed attempts: doubling from `first` to LONGEST_DELAY."""
    doublings = min(max(attempts - 1, 0), 16)
    return min(first * float(1 << doublings), LONGEST_DELAY)


def quiet_until(now: datetime, zone: tzinfo, starts: time | None, ends: time | None) -> datetime | None:
    """The end of the quiet hours that `now` lies in; None outside. Hours may pass midnight; equal ends mean none."""
    if starts is None or ends is None or starts == ends:
        return None
    local = now.astimezone(zone)
    clock = local.time().replace(tzinfo=None)
    if not (starts <= clock < ends if starts < ends else clock >= starts or clock < ends):
        return None
    day = local.date() if clock < ends else local.date() + timedelta(days=1)
    return datetime.combine(day, ends, zone).astimezone(UTC)
