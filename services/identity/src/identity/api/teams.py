from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy import select

from chassis.access import Access, allow
from chassis.db import Reader, Session
from chassis.http import HouseRoute, IfMatch, tagged
from chassis.listing import Listing, Page, listing_of, paginate
from identity import queries
from identity.commands import teams as commands
from identity.commands.catalogue import TEAMS
from identity.commands.teams import ChangeTeam, TeamFields
from identity.models import Team
from identity.queries import TeamView

router = APIRouter(route_class=HouseRoute, tags=["teams"])

Read = Annotated[Access, allow("team", "read")]


@router.get("/teams")
async def list_teams(
    session: Reader, access: Read, listing: Annotated[Listing, listing_of(TEAMS, default_sort="name")]
) -> Page[TeamView]:
    page = await paginate(session, select(Team).where(Team.deleted_at.is_(None)), Team, listing)
    return page.map(TeamView.model_validate)


@router.get("/teams/{team_id}")
async def show_team(team_id: UUID, session: Reader, access: Read, response: Response) -> TeamView:
    return tagged(response, TeamView.model_validate(await queries.team_by_id(session, team_id)))


@router.post("/teams", status_code=201)
async def create_team(
    command: TeamFields, session: Session, access: Annotated[Access, allow("team", "create")], response: Response
) -> TeamView:
    team = await commands.create_team(session, command)
    response.headers["Location"] = f"/api/identity/v1/teams/{team.id}"
    return tagged(response, TeamView.model_validate(team))


@router.patch("/teams/{team_id}")
async def change_team(
    team_id: UUID,
    command: ChangeTeam,  # type: ignore[valid-type]
    session: Session,
    access: Annotated[Access, allow("team", "update")],
    version: IfMatch,
    response: Response,
) -> TeamView:
    return tagged(response, TeamView.model_validate(await commands.change_team(session, team_id, version, command)))


@router.delete("/teams/{team_id}", status_code=204)
async def delete_team(
    team_id: UUID, session: Session, access: Annotated[Access, allow("team", "delete")], version: IfMatch
) -> None:
    """The members stay."""
    await commands.delete_team(session, team_id, version)
