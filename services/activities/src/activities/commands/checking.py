"""What is asked of every activity before it is written."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.commands.placing import announce
from activities.domain.kinds import allows_status, misplaced_fields, missing_fields
from activities.models import RecordReplica
from activities.queries.people import user_by_id
from chassis.auth import Principal
from chassis.errors import FieldProblem, Invalid
from chassis.zones import is_gap, resolve, zone

Links = Sequence[dict[str, Any]]


def require_kind(kind: str, status: str, values: dict[str, Any]) -> None:
    """Raises Invalid (422) with a pointer to every field that does not go with the kind."""
    problems = [
        FieldProblem(f"/{name}", "field_not_for_kind", f"A {kind} has no {name.replace('_', ' ')}.")
        for name in misplaced_fields(kind, values)
    ]
    problems += [
        FieldProblem(f"/{name}", "required", f"A {status} {kind} needs this.")
        for name in missing_fields(kind, status, values)
    ]
    if values.get("wall_time") and values.get("due_on"):
        problems.append(FieldProblem("/due_on", "one_time_only", "Give a time or a day without a time, not both."))
    if problems:
        raise Invalid(errors=problems)


def require_status(kind: str, wished: str | None) -> None:
    """Raises Invalid (422) for a planned note."""
    if not allows_status(kind, wished):
        detail = "A note is done the moment it is written."
        raise Invalid(errors=[FieldProblem("/status", "status_not_for_kind", detail)])


def require_existing_time(wall_time: datetime | None, zone_name: str, pointer: str = "/wall_time") -> None:
    """Raises Invalid (422) for a time that the zone's clocks jump over, with the next one that exists."""
    if wall_time is None or not is_gap(wall_time, zone_name):
        return
    suggestion = resolve(wall_time, zone_name).astimezone(zone(zone_name)).replace(tzinfo=None).isoformat()
    detail = f"Clocks in {zone_name} jump over {wall_time.isoformat()}; the next time is {suggestion}."
    raise Invalid(errors=[FieldProblem(pointer, "time_does_not_exist", detail)], suggestion=suggestion)


async def linked_records(session: AsyncSession, principal: Principal, links: Links) -> dict[UUID, RecordReplica]:
    """The linked records by id, those not known here yet as a mark with version 0.

    A record that was created a moment ago may not have arrived: the link is kept and shows when it does. Raises Invalid
    (422) for what is known to be deleted, of another kind, or not the caller's to see: the answer is the same for all.
    """
    keys = [(link["object"], UUID(link["id"])) for link in links]
    await announce(session, keys)
    found = await session.execute(select(RecordReplica).where(RecordReplica.id.in_([key[1] for key in keys])))
    records = {record.id: record for record in found.scalars()}
    problems = [
        FieldProblem(f"/links/{index}/id", "link_not_found", f"There is no such {key[0]}.")
        for index, key in enumerate(keys)
        if not _is_linkable(records[key[1]], key[0], principal)
    ]
    if problems:
        raise Invalid(errors=problems)
    return records


def _is_linkable(record: RecordReplica, object_name: str, principal: Principal) -> bool:
    if record.version == 0:
        return record.object == object_name
    return record.object == object_name and not record.is_deleted and is_shown(record, principal)


def is_shown(record: RecordReplica, principal: Principal) -> bool:
    return principal.is_admin or not record.is_private or record.owner_id == principal.id


async def require_assignee(
    session: AsyncSession, principal: Principal, assignee_id: UUID, records: dict[UUID, RecordReplica]
) -> None:
    """Raises Invalid (422) for somebody who is not there, has left, or could not see what the work is about."""
    user = await user_by_id(session, assignee_id)
    if user is None and assignee_id == principal.id:
        return
    if user is None or not user.is_active:
        detail = "There is no such active user."
        raise Invalid(errors=[FieldProblem("/assignee_id", "assignee_not_found", detail)])
    if records and "admin" not in user.roles and all(_is_hidden_from(record, user.id) for record in records.values()):
        detail = f"{user.name} may not see the private contact this is about. Give the contact an account first."
        raise Invalid(errors=[FieldProblem("/assignee_id", "assignee_cannot_see", detail)])


def _is_hidden_from(record: RecordReplica, user_id: UUID) -> bool:
    return record.is_private and record.owner_id != user_id
