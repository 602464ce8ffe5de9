from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, strategies

from activities.commands.reminding import due_at
from activities.domain.kinds import initial_status, misplaced_fields, missing_fields
from activities.domain.reminding import first_status, plans
from activities.domain.times import UNDATED, day_of, day_on, is_in_future, reminder_base, timeline_rank
from activities.models import Activity

ZONES = sorted(available_timezones() - {"localtime"})
MOMENTS = strategies.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1))
APP = {"channels": ["app"]}


@pytest.mark.parametrize(
    ("kind", "values", "wrong"),
    [
        ("appointment", {"location": "Rome", "duration_minutes": 30}, []),
        ("call", {"location": "Rome", "outcome": "reached"}, ["location"]),
        ("task", {"outcome": "reached", "duration_minutes": 5}, ["outcome", "duration_minutes"]),
        ("note", {"due_on": date(2026, 1, 1), "reminders": [APP]}, ["due_on", "reminders"]),
    ],
)
def test_each_kind_has_its_own_fields(kind, values, wrong):
    assert misplaced_fields(kind, values) == wrong


def test_an_appointment_is_at_some_time_and_a_note_says_something():
    assert missing_fields("appointment", "planned", {"subject": "x"}) == ["wall_time"]
    assert missing_fields("appointment", "planned", {"subject": "x", "due_on": date(2026, 1, 1)}) == []
    assert missing_fields("appointment", "done", {"subject": "x"}) == []
    assert missing_fields("note", "done", {}) == ["text"]


def test_a_note_is_done_when_it_is_written():
    assert initial_status("note", "planned") == "done"
    assert initial_status("call", None) == "planned"
    assert initial_status("call", "done") == "done"


@given(MOMENTS, strategies.sampled_from(ZONES))
def test_days_follow_each_other_without_gap_in_every_zone(naive, zone):
    clock = ZoneInfo(zone)
    today = day_of(naive.replace(tzinfo=UTC), clock)
    assert today.ends_at == day_on(today.date + timedelta(days=1), clock).starts_at
    assert timedelta(0) < today.ends_at - today.starts_at <= timedelta(hours=49)


def test_a_day_has_23_or_25_hours_when_clocks_change():
    rome = ZoneInfo("Europe/Rome")
    spring, autumn = day_on(date(2026, 3, 29), rome), day_on(date(2026, 10, 25), rome)
    assert (spring.ends_at - spring.starts_at, autumn.ends_at - autumn.starts_at) == (
        timedelta(hours=23),
        timedelta(hours=25),
    )


def test_a_day_without_a_time_reminds_from_nine():
    assert reminder_base(None, date(2026, 11, 24)) == datetime(2026, 11, 24, 9)
    assert reminder_base(datetime(2026, 11, 24, 15), None) == datetime(2026, 11, 24, 15)
    assert reminder_base(None, None) is None


def test_wishes_become_plans():
    base = datetime(2026, 11, 24, 15)
    wished: list[dict[str, Any]] = [{"minutes_before": 15, **APP}, {"at_local": "2026-11-23T18:00:00", **APP}]
    early, evening = plans(wished, base, "Europe/Rome")
    assert (early.wall_time, early.minutes_before) == (base, 15)
    assert (evening.wall_time, evening.minutes_before) == (datetime(2026, 11, 23, 18), 0)
    assert [plan.position for plan in plans(wished, None, "Europe/Rome")] == [1]


def test_minutes_are_real_time_also_over_a_change_of_clocks():
    # 03:10 after the jump from 02:00 to 03:00: fifteen minutes earlier it was 01:55.
    assert due_at(datetime(2026, 3, 29, 3, 10), "Europe/Rome", 15) == datetime(2026, 3, 29, 0, 55, tzinfo=UTC)


@given(MOMENTS, strategies.sampled_from(ZONES), strategies.integers(0, 100_000))
def test_a_reminder_is_never_after_what_it_reminds_of(naive, zone, minutes):
    wall_time = naive.replace(second=0, microsecond=0)
    assert due_at(wall_time, zone, minutes) == due_at(wall_time, zone, 0) - timedelta(minutes=minutes)


def test_nine_months_ahead_stays_at_nine_by_the_clock():
    assert due_at(datetime(2026, 10, 1, 9), "Europe/Rome", 0).hour == 7
    assert due_at(datetime(2027, 2, 1, 9), "Europe/Rome", 0).hour == 8


def test_a_reminder_that_is_a_little_late_fires_and_an_old_one_does_not():
    now, grace = datetime(2026, 1, 1, tzinfo=UTC), timedelta(minutes=15)
    assert first_status(now - timedelta(minutes=14), now, grace) == "pending"
    assert first_status(now - timedelta(minutes=16), now, grace) == "missed"
    assert first_status(now + timedelta(days=270), now, grace) == "pending"


def test_done_work_may_not_lie_in_the_future():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert not is_in_future(now + timedelta(minutes=4), now)
    assert is_in_future(now + timedelta(minutes=6), now)


@given(strategies.lists(MOMENTS, min_size=2, max_size=2, unique=True))
def test_the_timeline_goes_up_to_the_future_first_and_then_back_into_the_past(moments):
    early, late = sorted(moment.replace(tzinfo=UTC) for moment in moments)
    planned = [timeline_rank(each, is_planned=True) for each in (early, late, UNDATED)]
    past = [timeline_rank(each, is_planned=False) for each in (late, early)]
    assert sorted(planned + past) == planned + past


def test_a_meeting_of_yesterday_that_is_ticked_off_today_was_yesterday():
    yesterday, today = datetime(2026, 1, 1, 10, tzinfo=UTC), datetime(2026, 1, 2, 9, tzinfo=UTC)
    meeting = Activity(kind="appointment", status="planned", starts_at=yesterday)
    meeting.complete(today)
    assert (meeting.happens_at, meeting.completed_at) == (yesterday, today)
    task = Activity(kind="task", status="planned", starts_at=yesterday)
    task.complete(today)
    assert task.happens_at == today
    assert meeting.is_contact
    assert not task.is_contact
