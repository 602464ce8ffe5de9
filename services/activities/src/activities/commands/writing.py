"""One function per use case: load, decide, change, tell."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.commands import placing
from activities.commands.checking import (
    is_shown,
    linked_records,
    require_assignee,
    require_existing_time,
    require_kind,
    require_status,
)
from activities.commands.inputs import AssignActivity, ChangeActivity, CompleteActivity, RecordActivity
from activities.commands.reminding import keep_reminders
from activities.domain.kinds import DEFAULT_MINUTES, DEFAULT_SUBJECTS, Kind, Status, initial_status
from activities.domain.reminding import CHANNELS, wishes
from activities.domain.times import is_in_future
from activities.models import Activity, RecordReplica
from activities.queries.activities import ActivityNotFound
from activities.queries.people import teams_of, zone_of
from activities.queries.visibility import activity_is_visible
from chassis.access import Access
from chassis.auth import Principal
from chassis.db import get_for_update
from chassis.errors import Conflict, FieldProblem, Invalid, PreconditionFailed
from chassis.outbox import emit
from contracts.activities import (
    ActivityAssigned,
    ActivityCancelled,
    ActivityChanged,
    ActivityCompleted,
    ActivityDeleted,
    ActivityLogged,
    ActivityScheduled,
)

CHANGEABLE = tuple(name for name in ChangeActivity.model_fields if name != "all_day")


class AlreadyClosed(Conflict):
    code = "activity_already_closed"
    title = "The activity is done or cancelled already"


@dataclass(frozen=True)
class Written:
    """What was written, and the positions of reminders whose time is long past."""

    activity: Activity
    missed: list[int] = field(default_factory=list)


async def record_activity(
    session: AsyncSession, command: RecordActivity, principal: Principal, grace: timedelta
) -> Written:
    now = await _now(session)
    require_status(command.kind, command.status)
    status = initial_status(command.kind, command.status)
    values = await _completed(session, command, principal)
    require_kind(command.kind, status, values)
    activity = Activity(kind=command.kind, status=status, owner_id=principal.id, **values)
    activity.assignee_id = command.assignee_id or principal.id
    _set_time(activity)
    if not activity.is_planned:
        activity.complete(_moment_done(activity.starts_at, now))
    records = await linked_records(session, principal, activity.links)
    await require_assignee(session, principal, activity.assignee_id, records)
    session.add(activity)
    await session.flush()
    missed = await _follow(session, activity, records, now, grace)
    await emit(session, ActivityScheduled if activity.is_planned else ActivityLogged, activity)
    return Written(activity, missed)


async def change_activity(
    session: AsyncSession, activity_id: UUID, expected: int, command: ChangeActivity, access: Access, grace: timedelta
) -> Written:
    activity = await activity_for_update(session, activity_id, expected, access)
    now = await _now(session)
    known = await _records_of(session, activity)
    values = _merged(activity, command, _hidden_links(activity, known, access.principal))
    if values["time_zone"] is None and (values["wall_time"] or values["due_on"]):
        values["time_zone"] = await zone_of(session, access.principal.id) or "UTC"
    require_kind(activity.kind, activity.status, values)
    added = [link for link in values["links"] if link not in activity.links]
    records = known | await linked_records(session, access.principal, added)
    was_at = activity.starts_at
    for name, value in values.items():
        if getattr(activity, name) != value:
            setattr(activity, name, value)
    if not session.is_modified(activity):
        return Written(activity)
    _set_time(activity)
    if activity.completed_at and activity.completed_at == was_at:
        activity.complete(_moment_done(activity.starts_at, now))
    await session.flush()
    missed = await _follow(session, activity, records, now, grace)
    await emit(session, ActivityChanged, activity)
    return Written(activity, missed)


async def complete_activity(
    session: AsyncSession, activity_id: UUID, command: CompleteActivity, access: Access, grace: timedelta
) -> Written:
    activity = await _open_activity(session, activity_id, access)
    now = await _now(session)
    result = command.model_dump(exclude_unset=True, exclude={"completed_at"})
    require_kind(activity.kind, "done", {**_current(activity), **result})
    for name, value in result.items():
        setattr(activity, name, value)
    activity.complete(_moment_done(command.completed_at, now, "/completed_at"))
    await _follow(session, activity, await _records_of(session, activity), now, grace)
    await emit(session, ActivityCompleted, activity)
    return Written(activity)


async def cancel_activity(session: AsyncSession, activity_id: UUID, access: Access, grace: timedelta) -> Written:
    activity = await _open_activity(session, activity_id, access)
    now = await _now(session)
    activity.cancel(now)
    await _follow(session, activity, await _records_of(session, activity), now, grace)
    await emit(session, ActivityCancelled, activity)
    return Written(activity)


async def assign_activity(
    session: AsyncSession, activity_id: UUID, command: AssignActivity, access: Access, grace: timedelta
) -> Written:
    activity = await _open_activity(session, activity_id, access)
    records = await _records_of(session, activity)
    await require_assignee(session, access.principal, command.assignee_id, records)
    if activity.assignee_id == command.assignee_id:
        return Written(activity)
    activity.assignee_id = command.assignee_id
    await session.flush()
    missed = await keep_reminders(session, activity, await _now(session), grace)
    await emit(session, ActivityAssigned, activity)
    return Written(activity, missed)


async def delete_activity(
    session: AsyncSession, activity_id: UUID, expected: int, access: Access, grace: timedelta
) -> None:
    activity = await activity_for_update(session, activity_id, expected, access)
    now = await _now(session)
    activity.deleted_at = now
    await session.flush()
    await placing.remove(session, activity)
    await keep_reminders(session, activity, now, grace)
    await emit(session, ActivityDeleted, activity)


async def activity_for_update(
    session: AsyncSession, activity_id: UUID, expected: int | None, access: Access
) -> Activity:
    """The locked row. 404 for what the caller may not see, 403 for what he may only see, 412 for an old version."""
    seen = activity_is_visible(access.to("read"))
    activity = await get_for_update(
        session, Activity, activity_id, None, ActivityNotFound(), narrow=lambda rows: rows.where(seen)
    )
    await require_right(session, activity, access)
    if expected is not None and activity.version != expected:
        raise PreconditionFailed(current_version=activity.version)
    return activity


async def require_right(session: AsyncSession, activity: Activity, access: Access) -> None:
    people = (activity.owner_id, activity.assignee_id)
    teams = await teams_of(session, people)
    if not any(access.covers(person, teams) for person in people):
        access.require(activity.owner_id, teams)


async def _open_activity(session: AsyncSession, activity_id: UUID, access: Access) -> Activity:
    activity = await activity_for_update(session, activity_id, None, access)
    if not activity.is_planned:
        raise AlreadyClosed(f"The {activity.kind} is {activity.status}.")
    return activity


async def _completed(session: AsyncSession, command: RecordActivity, principal: Principal) -> dict[str, Any]:
    """The fields of a new activity with what nobody needs to say."""
    values = command.stored()
    values["subject"] = values["subject"] or DEFAULT_SUBJECTS.get(Kind(command.kind))
    has_time = values["wall_time"] or values["due_on"]
    if has_time and values["time_zone"] is None:
        values["time_zone"] = await zone_of(session, principal.id) or "UTC"
    if command.reminders is None:
        # Kept also without a time: they count from it as soon as there is one.
        values["reminders"] = _default_reminders(command.kind) if command.status != Status.DONE else []
    return values


def _default_reminders(kind: str) -> list[dict[str, Any]]:
    return [{"minutes_before": minutes, "channels": list(CHANNELS)} for minutes in DEFAULT_MINUTES[Kind(kind)]]


def _set_time(activity: Activity) -> None:
    zone = activity.time_zone or "UTC"
    require_existing_time(activity.wall_time, zone)
    for index, wish in enumerate(wishes(activity.reminders)):
        require_existing_time(wish.at_local, zone, f"/reminders/{index}/at_local")
    activity.set_start()


def _moment_done(moment: datetime | None, now: datetime, pointer: str = "/wall_time") -> datetime:
    if moment is not None and is_in_future(moment, now):
        raise Invalid(errors=[FieldProblem(pointer, "done_in_future", "What is done lies in the past.")])
    return min(moment, now) if moment else now


async def _follow(
    session: AsyncSession, activity: Activity, records: dict[UUID, RecordReplica], now: datetime, grace: timedelta
) -> list[int]:
    await placing.place(session, activity, records, now)
    return await keep_reminders(session, activity, now, grace)


def _current(activity: Activity) -> dict[str, Any]:
    return {name: getattr(activity, name) for name in CHANGEABLE}


def _merged(activity: Activity, command: ChangeActivity, hidden: list[dict[str, Any]]) -> dict[str, Any]:
    given = command.stored(unset=False)
    values = _current(activity) | given
    if given.get("wall_time") and "due_on" not in given:
        values["due_on"] = None
    if given.get("due_on") and "wall_time" not in given:
        values["wall_time"] = None
    if "links" in given:
        values["links"] = given["links"] + [link for link in hidden if link not in given["links"]]
    return values


def _hidden_links(activity: Activity, records: dict[UUID, RecordReplica], principal: Principal) -> list[dict[str, Any]]:
    """Links the caller cannot see, and therefore cannot mean to remove."""
    return [
        link
        for link in activity.links
        if (record := records.get(UUID(link["id"]))) is not None and not is_shown(record, principal)
    ]


async def _records_of(session: AsyncSession, activity: Activity) -> dict[UUID, RecordReplica]:
    ids = [UUID(link["id"]) for link in activity.links]
    found = await session.execute(select(RecordReplica).where(RecordReplica.id.in_(ids)))
    return {record.id: record for record in found.scalars()}


async def _now(session: AsyncSession) -> datetime:
    """The database's clock: the only one that all processes share."""
    now: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return now
