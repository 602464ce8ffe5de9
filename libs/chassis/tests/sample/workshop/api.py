"""A service of the usual kind, and some routes that go wrong."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import File, Response, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select, text

from chassis.access import Access, CurrentPrincipal, Policy, Scope, allow, public
from chassis.db import Reader, Session, get_for_update
from chassis.errors import Conflict, NotFound
from chassis.fields import ObjectCatalogue
from chassis.http import IfMatch, tagged
from chassis.http import router as house_router
from chassis.listing import Listing, Page, listing_of, paginate
from chassis.outbox import emit
from contracts.identity import TeamChanged, TeamCreated
from workshop.models import Team, TeamChange, TeamFields, UserReplica

ALL, TEAM, OWN = Scope.ALL, Scope.TEAM, Scope.OWN
POLICY = Policy(
    {
        "team": {
            "read": {"sales": OWN, "sales_manager": TEAM, "marketing": ALL, "service": ALL},
            "create": {"sales": ALL, "sales_manager": ALL},
            "update": {"sales": OWN, "sales_manager": TEAM},
        }
    }
)
router = house_router("workshop")


class TeamView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    version: int
    name: str
    owner_id: UUID | None
    size: int | None
    founded_on: date | None
    budget: Decimal | None
    is_open: bool | None
    tags: list[str] | None
    email: str | None
    created_at: datetime


TEAMS = ObjectCatalogue(
    name="team",
    label="Team",
    plural="Teams",
    help="People who work together",
    model=TeamFields,
    view=TeamView,
    columns=Team,
    search=lambda words: Team.name.icontains(words, autoescape=True),
)


class NameTaken(Conflict):
    code = "name_taken"
    title = "A team of that name exists"


@router.post("/teams", status_code=201)
async def create(
    body: TeamFields, session: Session, access: Annotated[Access, allow("team", "create")], response: Response
) -> TeamView:
    if body.explode == "refuse":
        raise NameTaken(errors=[])
    if body.explode == "at once":
        raise RuntimeError("canary-secret")
    values = body.model_dump(exclude={"place", "explode"})
    team = Team(**{**values, "owner_id": body.owner_id or access.principal.id})
    session.add(team)
    await emit(session, TeamCreated, team)
    if body.explode == "at commit":
        await session.execute(
            text("create temp table one (id int unique deferrable initially deferred) on commit drop")
        )
        await session.execute(text("insert into one values (1), (1)"))
    response.headers["Location"] = f"/api/workshop/v1/teams/{team.id}"
    return tagged(response, TeamView.model_validate(team))


@router.get("/teams")
async def list_teams(
    session: Reader,
    access: Annotated[Access, allow("team", "read")],
    listing: Annotated[Listing, listing_of(TEAMS)],
) -> Page[TeamView]:
    return await paginate(session, select(Team).where(access.rows(Team.owner_id, team=UserReplica)), Team, listing)


@router.get("/fast-teams", response_model=Page[TeamView])
async def list_teams_fast(
    session: Reader,
    access: Annotated[Access, allow("team", "read")],
    listing: Annotated[Listing, listing_of(TEAMS, default_sort="name")],
) -> Response:
    columns = select(*(getattr(Team, name) for name in TeamView.model_fields))
    return (await paginate(session, columns.where(access.rows(Team.owner_id)), Team, listing)).as_response()


@router.get("/teams/{team_id}")
async def read(
    team_id: UUID, session: Reader, access: Annotated[Access, allow("team", "read")], response: Response
) -> TeamView:
    team = (await session.execute(select(Team).where(Team.id == team_id))).scalar_one_or_none()
    if team is None:
        raise NotFound("There is no such team.")
    return tagged(response, TeamView.model_validate(team))


@router.patch("/teams/{team_id}")
async def change(
    team_id: UUID,
    body: TeamChange,  # type: ignore[valid-type]
    expected: IfMatch,
    session: Session,
    access: Annotated[Access, allow("team", "update")],
    response: Response,
) -> TeamView:
    team = await get_for_update(session, Team, team_id, expected, NotFound("There is no such team."))
    access.require(team.owner_id)
    for name, value in body.model_dump(exclude_unset=True).items():  # type: ignore[attr-defined]
        setattr(team, name, value)
    await emit(session, TeamChanged, team)
    return tagged(response, TeamView.model_validate(team))


@router.get("/me")
async def me(principal: CurrentPrincipal) -> dict[str, Any]:
    return {"id": principal.id, "roles": sorted(principal.roles), "kind": principal.kind}


@router.post("/open-doors", dependencies=[public()], status_code=202)
async def knock(body: TeamFields, session: Session) -> dict[str, str]:
    session.add(Team(name=body.name))
    return {"said": "come in"}


@router.post("/files", max_body_size=4 * 1_048_576)
async def upload(
    file: Annotated[UploadFile, File()], session: Session, access: Annotated[Access, allow("team", "create")]
) -> dict[str, int]:
    return {"bytes": len(await file.read())}


@router.post("/secrets", dependencies=[public()])
async def make_secret(session: Session, response: Response) -> dict[str, str]:
    response.headers["Cache-Control"] = "no-store"
    return {"secret": str(uuid4())}


class Loose(BaseModel):
    number: int
    words: str


@router.post("/loose", dependencies=[public()])
async def loose(body: Loose, session: Session) -> dict[str, Any]:
    """Leaves the checking to the database, as a careless service might."""
    await session.execute(text("select cast(:number as int), cast(:words as text)"), body.model_dump())
    return {}


@router.get("/words", dependencies=[public()])
async def words(session: Reader, q: str = "") -> dict[str, str]:
    return {"q": (await session.execute(text("select cast(:q as text)"), {"q": q})).scalar_one()}


@router.get("/endless", dependencies=[public()])
async def endless() -> StreamingResponse:
    async def lines() -> AsyncIterator[bytes]:
        yield b"data: hello\n\n"
        await asyncio.Event().wait()

    return StreamingResponse(lines(), media_type="text/event-stream")


@router.get("/slow", dependencies=[public()])
async def slow() -> dict[str, float]:
    await asyncio.sleep(1.0)
    return {"slept": 1.0}


@router.get("/stream", dependencies=[public()])
async def stream() -> StreamingResponse:
    async def lines() -> AsyncIterator[bytes]:
        for number in range(3):
            yield f"data: {number}\n\n".encode()

    return StreamingResponse(lines(), media_type="text/event-stream")
