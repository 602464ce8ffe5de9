"""Reminders as rows: kept in the activity's transaction, fired by the due queue."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value

from activities.domain.kinds import Status
from activities.domain.reminding import Plan, ReminderStatus, first_status, plans, wishes
from activities.models import Activity, DueReminder, Reminder, UserReplica, ZoneData
from activities.queries.people import zone_of
from chassis.outbox import emit, emit_many
from chassis.recurrence import belongs, following
from chassis.zones import TZDATA_VERSION, resolve
from contracts.activities import ActivityChanged, ReminderDue

CATCH_UP = timedelta(hours=24)
"""Times of a series that are longer past are not told one by one."""


async def keep_reminders(session: AsyncSession, activity: Activity, now: datetime, grace: timedelta) -> list[int]:
    """Makes the rows say what the activity wishes, and returns the positions of wishes whose time is long past."""
    stored = await _stored(session, activity.id)
    kept = await _plans(session, activity)
    for position, reminder in stored.items():
        if position not in kept and reminder.state == ReminderStatus.PENDING:
            reminder.state = ReminderStatus.CANCELLED
    missed = []
    for position, plan in kept.items():
        reminder = stored.get(position) or Reminder(activity_id=activity.id, position=position, occurrence=0)
        if _changes(reminder, plan, _recipient(activity)):
            _reschedule(reminder, plan, _recipient(activity), now, grace)
            session.add(reminder)
            missed += [position] if reminder.state == ReminderStatus.MISSED else []
    await session.flush()
    return missed


def _recipient(activity: Activity) -> UUID:
    return activity.assignee_id or activity.owner_id


async def _plans(session: AsyncSession, activity: Activity) -> dict[int, Plan]:
    if not activity.is_planned or activity.is_deleted:
        return {}
    zone = activity.time_zone or "UTC"
    if activity.due_on is not None:
        # A day begins where the person is who is reminded.
        zone = await zone_of(session, _recipient(activity)) or zone
    return {plan.position: plan for plan in plans(activity.reminders, activity.base, zone)}


async def _stored(session: AsyncSession, activity_id: UUID) -> dict[int, Reminder]:
    rows = select(Reminder).where(Reminder.activity_id == activity_id).order_by(Reminder.id).with_for_update()
    return {reminder.position: reminder for reminder in (await session.execute(rows)).scalars()}


def _changes(reminder: Reminder, plan: Plan, recipient_id: UUID) -> bool:
    if reminder.state == ReminderStatus.CANCELLED or reminder.occurrence == 0:
        return True
    kept = (reminder.time_zone, reminder.minutes_before, tuple(reminder.channels), reminder.rrule)
    wanted = (plan.time_zone, plan.minutes_before, plan.channels, plan.repeat)
    if kept != wanted or reminder.recipient_id != recipient_id:
        return True
    if plan.repeat is None:
        return reminder.wall_time != plan.wall_time
    return not belongs(plan.repeat, plan.wall_time, reminder.wall_time)


def _reschedule(reminder: Reminder, plan: Plan, recipient_id: UUID, now: datetime, grace: timedelta) -> None:
    """A new occurrence: what an earlier one would have said is never said any more."""
    reminder.occurrence += 1
    reminder.recipient_id = recipient_id
    reminder.wall_time, reminder.time_zone = plan.wall_time, plan.time_zone
    reminder.minutes_before, reminder.channels = plan.minutes_before, list(plan.channels)
    reminder.rrule = plan.repeat
    reminder.due_at = due_at(plan.wall_time, plan.time_zone, plan.minutes_before)
    reminder.state, reminder.fired_at = first_status(reminder.due_at, now, grace), None


def due_at(wall_time: datetime, zone: str, minutes_before: int) -> datetime:
    """Minutes are counted in real time, also over a change of clocks."""
    return resolve(wall_time, zone) - timedelta(minutes=minutes_before)


async def fire(session: AsyncSession, reminders: Sequence[Reminder]) -> None:
    """Tells each due reminder once: the row's new state and the event are one transaction."""
    now = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    ids = {reminder.activity_id for reminder in reminders}
    found = (await session.execute(select(Activity).where(Activity.id.in_(ids)))).scalars()
    activities = {activity.id: activity for activity in found}
    await _mark_fired(session, reminders, now)
    told = [DueReminder(each, activities[each.activity_id], now - each.due_at) for each in reminders]
    await emit_many(session, ReminderDue, told)
    for reminder in reminders:
        _repeat(reminder, activities[reminder.activity_id], now)


def _repeat(reminder: Reminder, activity: Activity, now: datetime) -> None:
    """The next of a series, in the transaction that tells this one. What an outage of days left out is told once."""
    first = _first_wall_time(reminder, activity)
    if reminder.rrule is None or first is None:
        return
    zone, lead = reminder.time_zone, timedelta(minutes=reminder.minutes_before)
    found = following(reminder.rrule, first, zone, after=reminder.wall_time, not_before=now - CATCH_UP + lead)
    if found is not None:
        reminder.wall_time, reminder.due_at = found.wall, found.at - lead
        reminder.occurrence += 1
        reminder.state = ReminderStatus.PENDING


def _first_wall_time(reminder: Reminder, activity: Activity) -> datetime | None:
    wish = wishes(activity.reminders)[reminder.position] if reminder.position < len(activity.reminders) else None
    return (wish.at_local or activity.base) if wish else None


async def _mark_fired(session: AsyncSession, reminders: Sequence[Reminder], now: datetime) -> None:
    """One statement for all: at nine o'clock there are many."""
    values = {"state": ReminderStatus.FIRED, "fired_at": now}
    mine = update(Reminder).where(Reminder.id.in_([reminder.id for reminder in reminders])).values(values)
    await session.execute(mine, execution_options={"synchronize_session": False})
    for reminder in reminders:
        for name, value in values.items():
            set_committed_value(reminder, name, value)


async def follow_user_zones(session: AsyncSession, user_ids: Sequence[UUID]) -> None:
    """Reminders of a date without a time move with the person who is reminded."""
    moved = (
        select(Reminder, UserReplica.time_zone)
        .join(Activity, Activity.id == Reminder.activity_id)
        .join(UserReplica, UserReplica.id == Reminder.recipient_id)
        .where(Reminder.recipient_id.in_(user_ids), Reminder.state == ReminderStatus.PENDING)
        .where(Activity.due_on.is_not(None), Reminder.time_zone != UserReplica.time_zone)
        .order_by(Reminder.id)
        .with_for_update(of=Reminder)
    )
    for reminder, zone in (await session.execute(moved)).all():
        reminder.time_zone = zone
        reminder.due_at = due_at(reminder.wall_time, zone, reminder.minutes_before)


async def follow_zone_data(session: AsyncSession, release: str = TZDATA_VERSION) -> bool:
    """Computes pending instants anew when the time zone data have another release than at the last start."""
    mark = upsert(ZoneData).values(id=1, release=release)
    changed = mark.on_conflict_do_update(
        index_elements=[ZoneData.id], set_={"release": release}, where=ZoneData.release != release
    ).returning(ZoneData.id)
    if (await session.execute(changed)).first() is None:
        return False
    await _recompute_starts(session)
    await _recompute_reminders(session)
    return True


async def _recompute_starts(session: AsyncSession) -> None:
    planned = select(Activity).where(Activity.status == Status.PLANNED, Activity.wall_time.is_not(None))
    planned = planned.where(Activity.deleted_at.is_(None)).order_by(Activity.id).with_for_update()
    for activity in (await session.execute(planned)).scalars():
        if activity.starts_at != activity.instant():
            activity.set_start()
            await emit(session, ActivityChanged, activity)


async def _recompute_reminders(session: AsyncSession) -> None:
    pending = select(Reminder).where(Reminder.state == ReminderStatus.PENDING).order_by(Reminder.id).with_for_update()
    for reminder in (await session.execute(pending)).scalars():
        reminder.due_at = due_at(reminder.wall_time, reminder.time_zone, reminder.minutes_before)
