from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import get_for_update
from chassis.errors import FieldProblem, Invalid
from chassis.fields import FieldModel, partial, reference, text
from chassis.outbox import emit, emit_many
from contracts.identity import TeamChanged, TeamCreated, TeamDeleted, UserChanged
from identity import queries
from identity.commands.errors import TeamNameTaken
from identity.models import Team, User
from identity.queries import TeamNotFound


class TeamFields(FieldModel):
    name: Annotated[str, text("Name", "How colleagues call the team; unique.", max_length=100)]
    manager_id: Annotated[UUID | None, reference("Manager", "Who answers for the team's work.", to="identity.user")] = (
        None
    )


ChangeTeam = partial(TeamFields)


async def create_team(session: AsyncSession, command: TeamFields) -> Team:
    await _require_manager(session, command.manager_id)
    team = Team(**command.model_dump())
    session.add(team)
    await _flush_name(session)
    await emit(session, TeamCreated, team)
    return team


async def change_team(session: AsyncSession, team_id: UUID, expected: int | None, command: TeamFields) -> Team:
    team = await get_for_update(session, Team, team_id, expected, TeamNotFound(), narrow=_not_deleted)
    changes = command.model_dump(exclude_unset=True)
    changes = {name: value for name, value in changes.items() if getattr(team, name) != value}
    await _require_manager(session, changes.get("manager_id"))
    if changes:
        for name, value in changes.items():
            setattr(team, name, value)
        await _flush_name(session)
        await emit(session, TeamChanged, team)
    return team


async def delete_team(session: AsyncSession, team_id: UUID, expected: int | None) -> None:
    """Its members stay and lose the membership, each by a fact of their own."""
    team = await get_for_update(session, Team, team_id, expected, TeamNotFound(), narrow=_not_deleted)
    team.deleted_at = await session.scalar(select(func.now()))
    await emit(session, TeamDeleted, team)
    members = select(User).where(User.team_ids.contains([team_id])).order_by(User.id).with_for_update()
    left = list(await session.scalars(members))
    for user in left:
        user.leave_team(team_id)
    await emit_many(session, UserChanged, left)


def _not_deleted(statement: Any) -> Any:
    return statement.where(Team.deleted_at.is_(None))


async def _require_manager(session: AsyncSession, manager_id: UUID | None) -> None:
    if manager_id is not None and not await queries.is_active_user(session, manager_id):
        raise Invalid(errors=[FieldProblem("/manager_id", "unknown_user", "There is no such active user.")])


async def _flush_name(session: AsyncSession) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        if "uq_teams_name" in str(error.orig):
            raise TeamNameTaken(
                errors=[FieldProblem("/name", "team_name_taken", "Another team has this name.")]
            ) from error
        raise
