"""The signed-in person's own profile."""

from fastapi import APIRouter, Response

from chassis.db import Reader, Session
from chassis.http import HouseRoute, IfMatch, tagged
from identity import queries
from identity.api.parts import Person, SessionId, SignInDesk
from identity.api.sessions import TOO_MANY
from identity.commands.credentials import ChangePassword, change_own_password
from identity.commands.users import ChangeProfile, change_user
from identity.queries import UserView

router = APIRouter(route_class=HouseRoute, tags=["me"])


@router.get("/me")
async def show_me(session: Reader, person: Person, response: Response) -> UserView:
    return tagged(response, UserView.model_validate(await queries.user_by_id(session, person.id)))


@router.patch("/me")
async def change_me(
    command: ChangeProfile,  # type: ignore[valid-type]
    session: Session,
    person: Person,
    version: IfMatch,
    response: Response,
) -> UserView:
    """Name, time zone and language; an administrator changes the rest."""
    return tagged(response, UserView.model_validate(await change_user(session, person.id, version, command)))


@router.post("/me/password", status_code=204, responses=TOO_MANY)
async def change_my_password(
    command: ChangePassword, session: Session, person: Person, desk: SignInDesk, current: SessionId
) -> None:
    """Signs out everywhere else."""
    await change_own_password(session, desk, person.id, current, command)
