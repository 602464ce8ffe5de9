"""I20: wall times around every change of clocks of every IANA zone from 2020 to 2037, and series across them."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.recurrence import RuleInvalid, belongs, following, rule_of
from chassis.zones import UnknownZone, resolve, zone

BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)
STEP = timedelta(days=1)
MINUTES = st.integers(-1600, 1600)


def names() -> list[str]:
    """Those of the pinned data, whatever the machine knows besides."""
    found = []
    for name in sorted(available_timezones()):
        try:
            zone(name)
        except UnknownZone:
            continue
        found.append(name)
    return found


NAMES = names()


@cache
def transitions(name: str) -> tuple[datetime, ...]:
    """The instants, to the second, at which the offset changes."""
    there, found, moment = zone(name), [], BEGIN
    while moment < END:
        after = moment + STEP
        if moment.astimezone(there).utcoffset() != after.astimezone(there).utcoffset():
            found.append(first_after(name, moment, after))
        moment = after
    return tuple(found)


def first_after(name: str, early: datetime, late: datetime) -> datetime:
    before = early.astimezone(zone(name)).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone(name)).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late


def instants(wall: datetime, name: str) -> list[datetime]:
    """Every instant at which the clock there shows `wall`, by trying each offset that is in force around it."""
    around = [wall.replace(tzinfo=UTC) + timedelta(hours=hours) for hours in range(-30, 31, 6)]
    offsets = {moment.astimezone(zone(name)).utcoffset() or timedelta() for moment in around}
    tried = {(wall - offset).replace(tzinfo=UTC) for offset in offsets}
    return sorted(each for each in tried if each.astimezone(zone(name)).replace(tzinfo=None) == wall)


def expected(wall: datetime, name: str, change: datetime) -> datetime:
    found = instants(wall, name)
    return found[0] if found else change


def test_there_are_zones_with_and_without_changes() -> None:
    assert len(NAMES) > 400
    assert transitions("Asia/Tokyo") == ()
    assert len(transitions("Europe/Rome")) == 36
    assert transitions("Europe/Rome")[0] == datetime(2020, 3, 29, 1, tzinfo=UTC)


CHANGING = st.sampled_from(NAMES).flatmap(
    lambda name: st.tuples(st.just(name), st.sampled_from(transitions(name) or (BEGIN + timedelta(days=99),)))
)


@settings(max_examples=200, deadline=None)
@given(place=CHANGING, minutes=MINUTES)
def test_a_wall_time_is_its_first_instant_or_the_end_of_its_gap(place: tuple[str, datetime], minutes: int) -> None:
    name, change = place
    wall = change.astimezone(zone(name)).replace(tzinfo=None, second=0) + timedelta(minutes=minutes)
    assert resolve(wall, name) == expected(wall, name, change)


@settings(max_examples=80, deadline=None)
@given(place=CHANGING, minutes=st.integers(-240, 240), rule=st.sampled_from(["FREQ=DAILY", "FREQ=WEEKLY;INTERVAL=1"]))
def test_a_series_keeps_its_wall_time_over_the_change(place: tuple[str, datetime], minutes: int, rule: str) -> None:
    name, change = place
    near = change.astimezone(zone(name)).replace(tzinfo=None, second=0) + timedelta(minutes=minutes)
    first = wall = near - timedelta(days=14)
    seen = [resolve(first, name)]
    while wall < near + timedelta(days=14):
        found = following(rule, first, name, after=wall, not_before=BEGIN - timedelta(days=400))
        assert found is not None and found.wall.time() == first.time() and found.wall > wall
        assert belongs(rule, first, found.wall)
        if instants(found.wall, name):
            assert found.at.astimezone(zone(name)).replace(tzinfo=None) == found.wall
        wall = found.wall
        seen.append(found.at)
    assert seen == sorted(set(seen)), "each is another moment, and later"


def test_a_series_ends_and_skips_what_is_long_past() -> None:
    first, rome = datetime(2026, 1, 1, 9), "Europe/Rome"
    late = following("FREQ=DAILY", first, rome, after=first, not_before=datetime(2026, 6, 10, 12, tzinfo=UTC))
    assert late is not None and late.at == datetime(2026, 6, 10, 7, tzinfo=UTC)
    assert following("FREQ=DAILY;COUNT=2", first, rome, after=datetime(2026, 1, 2, 9), not_before=BEGIN) is None


@pytest.mark.parametrize(
    "rule",
    ["", "nonsense", "FREQ=HOURLY", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=x", "FREQ=DAILY;BYHOUR=3",
     "FREQ=DAILY;COUNT=x", "FREQ=DAILY;UNTIL=20260401T000000Z", "FREQ=DAILY\nRRULE:FREQ=DAILY"],
)  # fmt: skip
def test_what_is_no_rule_of_days_is_refused(rule: str) -> None:
    with pytest.raises(RuleInvalid):
        rule_of(rule, datetime(2026, 1, 1, 9))
