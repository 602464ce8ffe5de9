from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy import select

from chassis.access import Access, CurrentPrincipal, allow
from chassis.db import Reader, Session
from chassis.http import HouseRoute, IfMatch, tagged
from chassis.listing import Listing, Page, listing_of, paginate
from identity import queries
from identity.api.parts import Hashing
from identity.commands import users as commands
from identity.commands.catalogue import USERS
from identity.commands.credentials import SetPassword, set_password
from identity.commands.users import ChangeUser, CreateUser
from identity.models import User
from identity.queries import RoleView, UserView

router = APIRouter(route_class=HouseRoute, tags=["users"])

Read = Annotated[Access, allow("user", "read")]
Create = Annotated[Access, allow("user", "create")]
Update = Annotated[Access, allow("user", "update")]


@router.get("/roles")
async def list_roles(principal: CurrentPrincipal) -> list[RoleView]:
    return queries.list_roles()


@router.get("/users")
async def list_users(
    session: Reader, access: Read, listing: Annotated[Listing, listing_of(USERS, default_sort="name")]
) -> Page[UserView]:
    """Everybody, for choosing owners and assignees; `q` searches name and e-mail."""
    page = await paginate(session, select(User), User, listing)
    return page.map(UserView.model_validate)


@router.get("/users/{user_id}")
async def show_user(user_id: UUID, session: Reader, access: Read, response: Response) -> UserView:
    return tagged(response, UserView.model_validate(await queries.user_by_id(session, user_id)))


@router.post("/users", status_code=201)
async def create_user(
    command: CreateUser, session: Session, access: Create, passwords: Hashing, response: Response
) -> UserView:
    user = await commands.create_user(session, passwords, command)
    response.headers["Location"] = f"/api/identity/v1/users/{user.id}"
    return tagged(response, UserView.model_validate(user))


@router.patch("/users/{user_id}")
async def change_user(
    user_id: UUID,
    command: ChangeUser,  # type: ignore[valid-type]
    session: Session,
    access: Update,
    version: IfMatch,
    response: Response,
) -> UserView:
    return tagged(response, UserView.model_validate(await commands.change_user(session, user_id, version, command)))


@router.post("/users/{user_id}/deactivation")
async def deactivate_user(
    user_id: UUID, session: Session, access: Update, version: IfMatch, response: Response
) -> UserView:
    """Cannot sign in any more and is signed out; records keep their owner."""
    return tagged(response, UserView.model_validate(await commands.deactivate_user(session, user_id, version)))


@router.post("/users/{user_id}/reactivation")
async def reactivate_user(
    user_id: UUID, session: Session, access: Update, version: IfMatch, response: Response
) -> UserView:
    return tagged(response, UserView.model_validate(await commands.reactivate_user(session, user_id, version)))


@router.post("/users/{user_id}/password", status_code=204)
async def replace_password(
    user_id: UUID, command: SetPassword, session: Session, access: Update, passwords: Hashing
) -> None:
    """For somebody who forgot it; signs the person out everywhere."""
    await set_password(session, passwords, user_id, command)
