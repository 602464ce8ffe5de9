"""Each reminder is told once, at its time, whatever happens to the activity meanwhile."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select, update

from activities.commands.reminding import fire, follow_zone_data
from activities.consumers import fire_reminders
from activities.models import Activity, Reminder
from chassis.due import claim_due
from chassis.testing.tokens import user_of
from contracts.activities import ActivityChanged, ReminderDue

from .builders import user

URL = "/api/activities/v1"
SALES = user_of("sales")


async def planned(client: Any, headers: Any, **values: Any) -> dict[str, Any]:
    body = {"kind": "call", "subject": "Call back", "time_zone": "UTC", **values}
    answer = await client.post(f"{URL}/activities", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def wall(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")


def soon(minutes: float) -> str:
    return wall(datetime.now(UTC) + timedelta(minutes=minutes))


async def reminders(db: Any) -> list[Reminder]:
    async with db.read() as session:
        return list((await session.execute(select(Reminder).order_by(Reminder.position))).scalars())


async def until(condition: Callable[[], Any]) -> None:
    """Waits for a condition, at most 20 s."""
    async with asyncio.timeout(20):
        while not await condition():
            await asyncio.sleep(0.02)


async def fire_due(db: Any) -> int:
    async with db.transaction() as session:
        rows = await claim_due(session, Reminder, 500)
        await fire(session, rows)
        return len(rows)


async def test_a_call_back_at_three_reminds_at_a_quarter_to(client, as_role, db):
    await planned(client, as_role("sales"), wall_time="2027-07-01T15:00", time_zone="Europe/Rome")
    [kept] = await reminders(db)
    assert kept.due_at == datetime(2027, 7, 1, 12, 45, tzinfo=UTC)
    assert (kept.state, kept.occurrence, kept.recipient_id) == ("pending", 1, SALES)
    assert (kept.wall_time, kept.time_zone) == (datetime(2027, 7, 1, 15), "Europe/Rome")


async def test_a_day_without_a_time_reminds_at_nine_where_the_assignee_is(client, as_role, db, publish):
    other = uuid4()
    await publish(user(other, "Asia/Tokyo"))
    await planned(client, as_role("sales"), kind="task", due_on="2027-07-01", assignee_id=str(other))
    [kept] = await reminders(db)
    assert kept.due_at == datetime(2027, 7, 1, 0, 0, tzinfo=UTC)
    await publish(user(other, "Europe/London", version=2), times=2)
    [moved] = await reminders(db)
    assert moved.due_at == datetime(2027, 7, 1, 8, 0, tzinfo=UTC)


async def test_a_due_reminder_is_fired_by_the_worker_and_says_how_late(client, as_role, db, runtime, emitted):
    made = await planned(client, as_role("sales"), wall_time=soon(10))
    worker = asyncio.create_task(fire_reminders(runtime))

    async def told() -> bool:
        return bool(await emitted(ReminderDue))

    await until(told)
    runtime.stopping.set()
    await worker
    [event] = await emitted(ReminderDue)
    assert str(event.state.activity_id) == made["id"]
    assert (event.state.recipient_id, event.state.occurrence, event.state.subject) == (SALES, 1, "Call back")
    # Ten minutes ahead with a lead of fifteen: five to six minutes late, within the grace.
    assert 290 <= event.state.late_by_seconds <= 380
    [kept] = await reminders(db)
    assert (kept.state, kept.fired_at is not None) == ("fired", True)


async def test_two_workers_fire_500_due_reminders_once_each(db, emitted):
    async with db.transaction() as session:
        activity = Activity(kind="call", status="planned", subject="x", owner_id=SALES, links=[], reminders=[])
        session.add(activity)
        await session.flush()
        now = (await session.execute(select(func.now()))).scalar_one()
        session.add_all(
            Reminder(
                activity_id=activity.id,
                position=position,
                recipient_id=SALES,
                wall_time=now.replace(tzinfo=None),
                time_zone="UTC",
                minutes_before=0,
                channels=["app"],
                due_at=now - timedelta(seconds=position),
            )
            for position in range(500)
        )

    async def work() -> int:
        fired = 0
        while some := await _fire_some(db):
            fired += some
        return fired

    shares = await asyncio.gather(work(), work())
    assert sum(shares) == 500
    events = await emitted(ReminderDue)
    assert len(events) == len({event.state.id for event in events}) == 500


async def _fire_some(db: Any) -> int:
    async with db.transaction() as session:
        rows = await claim_due(session, Reminder, 40)
        await fire(session, rows)
        return len(rows)


async def test_a_crash_before_the_commit_fires_nothing_and_the_next_worker_fires_it(client, as_role, db, emitted):
    await planned(client, as_role("sales"), wall_time=soon(10))
    try:
        async with db.transaction() as session:
            await fire(session, await claim_due(session, Reminder, 10))
            raise ConnectionError
    except ConnectionError:
        pass
    assert await emitted(ReminderDue) == []
    assert await fire_due(db) == 1
    assert await fire_due(db) == 0
    assert len(await emitted(ReminderDue)) == 1


async def test_a_reschedule_is_a_new_occurrence_and_the_old_one_never_fires(client, as_role, db, emitted):
    made = await planned(client, as_role("sales"), wall_time=soon(10))
    headers = {**as_role("sales"), "If-Match": '"1"'}
    answer = await client.patch(f"{URL}/activities/{made['id']}", json={"wall_time": soon(600)}, headers=headers)
    assert answer.status_code == 200, answer.text
    [kept] = await reminders(db)
    assert (kept.occurrence, kept.state) == (2, "pending")
    assert await fire_due(db) == 0
    headers = {**as_role("sales"), "If-Match": '"2"'}
    await client.patch(f"{URL}/activities/{made['id']}", json={"wall_time": soon(11)}, headers=headers)
    assert await fire_due(db) == 1
    [event] = await emitted(ReminderDue)
    assert event.state.occurrence == 3


async def test_a_fired_reminder_fires_again_only_for_another_time(client, as_role, db, emitted):
    made = await planned(client, as_role("sales"), wall_time=soon(10))
    assert await fire_due(db) == 1
    path = f"{URL}/activities/{made['id']}"
    await client.patch(path, json={"subject": "Other"}, headers={**as_role("sales"), "If-Match": '"1"'})
    assert await fire_due(db) == 0
    await client.patch(path, json={"wall_time": soon(12)}, headers={**as_role("sales"), "If-Match": '"2"'})
    assert await fire_due(db) == 1
    assert [event.state.occurrence for event in await emitted(ReminderDue)] == [1, 2]


async def test_work_without_a_date_reminds_once_it_has_one(client, as_role, db):
    made = await planned(client, as_role("sales"))
    assert await reminders(db) == []
    headers = {**as_role("sales"), "If-Match": '"1"'}
    await client.patch(f"{URL}/activities/{made['id']}", json={"wall_time": "2027-07-01T15:00"}, headers=headers)
    [kept] = await reminders(db)
    assert kept.due_at == datetime(2027, 7, 1, 14, 45, tzinfo=UTC)


async def test_completing_cancelling_and_deleting_cancel_what_is_pending(client, as_role, db):
    for ending in ("completion", "cancellation", "delete"):
        made = await planned(client, as_role("sales"), wall_time=soon(10))
        path = f"{URL}/activities/{made['id']}"
        if ending == "delete":
            answer = await client.delete(path, headers={**as_role("sales"), "If-Match": '"1"'})
        else:
            body: dict[str, Any] | None = {} if ending == "completion" else None
            answer = await client.post(f"{path}/{ending}", json=body, headers=as_role("sales"))
        assert answer.status_code in (200, 204), answer.text
    assert {kept.state for kept in await reminders(db)} == {"cancelled"}
    assert await fire_due(db) == 0


async def test_a_reminder_follows_the_new_assignee(client, as_role, db, publish, emitted):
    other = uuid4()
    await publish(user(other))
    made = await planned(client, as_role("sales"), wall_time=soon(10))
    path = f"{URL}/activities/{made['id']}/owner"
    answer = await client.post(path, json={"assignee_id": str(other)}, headers=as_role("sales"))
    assert answer.status_code == 200, answer.text
    assert await fire_due(db) == 1
    [event] = await emitted(ReminderDue)
    assert (event.state.recipient_id, event.state.occurrence) == (other, 2)


async def test_a_reminder_whose_time_is_long_past_is_accepted_with_a_warning(client, as_role, db):
    made = await planned(client, as_role("sales"), wall_time=soon(10), reminders=[{"minutes_before": 600}])
    assert [each["code"] for each in made["warnings"]] == ["reminder_in_the_past"]
    assert made["warnings"][0]["pointer"] == "/reminders/0"
    assert [kept.state for kept in await reminders(db)] == ["missed"]
    assert await fire_due(db) == 0


async def test_several_reminders_by_offset_and_by_the_clock(client, as_role, db):
    wishes = [{"minutes_before": 60}, {"at_local": "2027-06-30T18:00", "channels": ["email"]}]
    made = await planned(
        client, as_role("sales"), wall_time="2027-07-01T15:00", time_zone="Europe/Rome", reminders=wishes
    )
    first, second = await reminders(db)
    assert first.due_at == datetime(2027, 7, 1, 12, tzinfo=UTC)
    assert (second.due_at, second.channels) == (datetime(2027, 6, 30, 16, tzinfo=UTC), ["email"])
    headers = {**as_role("sales"), "If-Match": '"1"'}
    await client.patch(f"{URL}/activities/{made['id']}", json={"reminders": []}, headers=headers)
    assert {kept.state for kept in await reminders(db)} == {"cancelled"}


async def test_a_reminder_by_the_clock_must_be_at_a_time_that_exists(client, as_role):
    body = {
        "kind": "call",
        "subject": "x",
        "wall_time": "2027-03-28T15:00",
        "time_zone": "Europe/Rome",
        "reminders": [{"at_local": "2027-03-28T02:30"}],
    }
    answer = await client.post(f"{URL}/activities", json=body, headers=as_role("sales"))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/reminders/0/at_local"


async def test_new_time_zone_data_recompute_what_is_pending(client, as_role, db, emitted):
    await planned(client, as_role("sales"), wall_time="2027-07-01T15:00", time_zone="Europe/Rome")
    async with db.transaction() as session:
        # As another release computed it: Rome an hour further west.
        hour = timedelta(hours=1)
        await session.execute(update(Reminder).values(due_at=Reminder.due_at + hour))
        await session.execute(update(Activity).values(starts_at=Activity.starts_at + hour))
    async with db.transaction() as session:
        assert await follow_zone_data(session, "2099a")
    [kept] = await reminders(db)
    assert kept.due_at == datetime(2027, 7, 1, 12, 45, tzinfo=UTC)
    [event] = await emitted(ActivityChanged)
    assert event.state.starts_at == datetime(2027, 7, 1, 13, tzinfo=UTC)
    async with db.transaction() as session:
        assert not await follow_zone_data(session, "2099a")


async def test_a_reminder_repeats_at_the_same_wall_time_across_the_change_of_clocks(client, as_role, db, emitted):
    wish = {"at_local": "2027-03-27T02:30", "repeat": "FREQ=DAILY;COUNT=3"}
    body = {"wall_time": "2027-04-30T09:00", "time_zone": "Europe/Rome", "reminders": [wish]}
    made = await planned(client, as_role("sales"), **body)
    assert made["reminders"][0]["repeat"] == "FREQ=DAILY;COUNT=3"
    instants = []
    for _ in range(3):
        [kept] = await reminders(db)
        instants.append(kept.due_at)
        # Its moment has come.
        async with db.transaction() as session:
            await session.execute(update(Reminder).values(due_at=func.clock_timestamp()))
        assert await fire_due(db) == 1
    # 02:30 does not exist on the 28th: the first valid moment after it.
    assert instants == [datetime(2027, 3, day, hour, minute, tzinfo=UTC) for day, hour, minute in SPRING_IN_ROME]
    [kept] = await reminders(db)
    assert (kept.state, kept.occurrence) == ("fired", 3)
    assert [event.state.occurrence for event in await emitted(ReminderDue)] == [1, 2, 3]


SPRING_IN_ROME = ((27, 1, 30), (28, 1, 0), (29, 0, 30))


async def test_what_a_series_missed_in_an_outage_is_told_once(client, as_role, db, emitted):
    wish = {"at_local": "2026-01-10T09:00", "repeat": "FREQ=DAILY"}
    await planned(client, as_role("sales"), wall_time="2030-04-30T09:00", reminders=[wish])
    async with db.transaction() as session:
        await session.execute(update(Reminder).values(state="pending"))
    fired = 0
    while some := await fire_due(db):
        fired += some
    # The one that was pending when it began, and those of the last day.
    assert fired in (2, 3)
    [kept] = await reminders(db)
    assert kept.state == "pending" and kept.due_at > datetime.now(UTC)
    late = [event.state.late_by_seconds for event in await emitted(ReminderDue)]
    assert late[0] > 86_400 and max(late[1:]) <= 2 * 86_400


async def test_another_edit_leaves_a_series_where_it_is(client, as_role, db):
    wish = {"minutes_before": 0, "repeat": "FREQ=WEEKLY"}
    made = await planned(client, as_role("sales"), wall_time=soon(-2), reminders=[wish])
    assert await fire_due(db) == 1
    [before] = await reminders(db)
    path = f"{URL}/activities/{made['id']}"
    await client.patch(path, json={"subject": "Other"}, headers={**as_role("sales"), "If-Match": '"1"'})
    [after] = await reminders(db)
    assert (after.occurrence, after.due_at, after.state) == (before.occurrence, before.due_at, "pending")
    await client.patch(path, json={"wall_time": soon(30)}, headers={**as_role("sales"), "If-Match": '"2"'})
    [moved] = await reminders(db)
    assert moved.occurrence == before.occurrence + 1 and moved.due_at < before.due_at


async def test_a_rule_that_nobody_understands_is_refused(client, as_role):
    body = {"kind": "call", "subject": "x", "wall_time": "2027-03-28T15:00", "time_zone": "Europe/Rome"}
    wishes = [{"minutes_before": 5, "repeat": "FREQ=HOURLY"}]
    answer = await client.post(f"{URL}/activities", json={**body, "reminders": wishes}, headers=as_role("sales"))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/reminders/0/repeat"
