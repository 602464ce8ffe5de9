"""What people set for themselves: preferences, saved views, and what they opened lately."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import JsonValue

from chassis.db import Reader, Session
from chassis.http import HouseRoute, IfMatch, tagged
from identity import queries
from identity.api.parts import Person
from identity.commands import desk as commands
from identity.commands.desk import ChangeView, ObjectName, Opened, PreferenceName, SaveView, SetPreference
from identity.queries import RecentView, SavedViewView

router = APIRouter(route_class=HouseRoute, tags=["me"])


@router.get("/me/preferences")
async def show_preferences(session: Reader, person: Person) -> dict[str, JsonValue]:
    """Everything at once, by name."""
    found: dict[str, Any] = await queries.preferences_of(session, person.id)
    return found


@router.put("/me/preferences/{name}", status_code=204)
async def set_preference(name: PreferenceName, command: SetPreference, session: Session, person: Person) -> None:
    await commands.set_preference(session, person.id, name, command)


@router.delete("/me/preferences/{name}", status_code=204)
async def forget_preference(name: PreferenceName, session: Session, person: Person) -> None:
    """Back to what holds for everybody."""
    await commands.forget_preference(session, person.id, name)


@router.get("/me/recents")
async def list_recents(session: Reader, person: Person) -> list[RecentView]:
    """The records opened lately, the last one first."""
    return await queries.recents_of(session, person.id)


@router.put("/me/recents/{object}/{record_id}", status_code=204)
async def remember_opened(
    object: ObjectName, record_id: UUID, command: Opened, session: Session, person: Person
) -> None:
    await commands.remember_opened(session, person.id, object, record_id, command)


@router.get("/views")
async def list_views(
    session: Reader, person: Person, object: Annotated[ObjectName, Query(description="`accounts.account`")]
) -> list[SavedViewView]:
    """One's own and those that others share."""
    return await queries.list_views(session, person.id, object)


@router.post("/views", status_code=201)
async def save_view(command: SaveView, session: Session, person: Person, response: Response) -> SavedViewView:
    return tagged(response, SavedViewView.model_validate(await commands.save_view(session, person.id, command)))


@router.patch("/views/{view_id}")
async def change_view(
    view_id: UUID, command: ChangeView, session: Session, person: Person, version: IfMatch, response: Response
) -> SavedViewView:
    view = await commands.change_view(session, person, view_id, version, command)
    return tagged(response, SavedViewView.model_validate(view))


@router.delete("/views/{view_id}", status_code=204)
async def delete_view(view_id: UUID, session: Session, person: Person, version: IfMatch) -> None:
    await commands.delete_view(session, person, view_id, version)
