from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.zones import UnknownZone, is_gap, resolve, zone

ZONES = sorted(name for name in available_timezones() if "/" in name)
WALLS = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2037, 12, 31))


@pytest.mark.parametrize(
    ("wall", "name", "instant"),
    [
        ("2026-03-29T02:30", "Europe/Rome", "2026-03-29T01:00+00:00"),
        ("2026-10-25T02:30", "Europe/Rome", "2026-10-25T00:30+00:00"),
        ("2026-03-08T02:30", "America/New_York", "2026-03-08T07:00+00:00"),
        ("2026-10-04T02:10", "Australia/Lord_Howe", "2026-10-03T15:30+00:00"),
        ("2026-06-01T09:00", "Europe/Warsaw", "2026-06-01T07:00+00:00"),
    ],
)
def test_a_gap_moves_to_its_end_and_a_repeated_hour_is_the_first(wall: str, name: str, instant: str) -> None:
    assert resolve(datetime.fromisoformat(wall), name) == datetime.fromisoformat(instant)


@pytest.mark.parametrize("name", ["", "Europe", "Mars/Olympus", "../etc/passwd", "/etc/localtime", "europe/rome\n"])
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(UnknownZone):
        zone(name)


@given(wall=WALLS, name=st.sampled_from(ZONES))
def test_a_time_that_exists_reads_back_as_itself(wall: datetime, name: str) -> None:
    back = resolve(wall, name).astimezone(zone(name)).replace(tzinfo=None)
    assert back == wall if not is_gap(wall, name) else back > wall


@given(wall=WALLS, name=st.sampled_from(ZONES))
def test_no_valid_instant_lies_between_a_gap_and_its_resolution(wall: datetime, name: str) -> None:
    instant = resolve(wall, name)
    if is_gap(wall, name):
        before = (instant - timedelta(seconds=1)).astimezone(ZoneInfo(name)).replace(tzinfo=None)
        assert before < wall
    assert instant.tzinfo == UTC
