"""What people set for themselves. No facts: nobody else's work depends on it."""

from typing import Annotated, Any
from uuid import UUID

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue
from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.auth import Principal
from chassis.db import get_for_update
from chassis.errors import FieldProblem, Invalid
from identity.commands.errors import NotYourView, TooManyKept, ViewNameTaken
from identity.models import Preference, Recent, SavedView
from identity.queries import ViewNotFound

MOST_BYTES = 16_384
MOST_PREFERENCES = 100
MOST_VIEWS = 200
MOST_RECENTS = 50


def _plain(value: JsonValue) -> Any:
    """As the database can keep it: JSON text knows numbers and signs that a column of JSON does not."""
    try:
        written = orjson.dumps(value)
    except TypeError as error:
        raise ValueError("a plain JSON value is wanted") from error
    if len(written) > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES} bytes")
    return orjson.loads(written)


def _of_text(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError("printable text is wanted")
    return value.strip()


Plain = Annotated[JsonValue, AfterValidator(_plain)]
Name = Annotated[str, Field(max_length=100), AfterValidator(_of_text)]
ObjectName = Annotated[str, Field(max_length=60, pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]
"""`accounts.account`: service and kind of record, as in references."""
PreferenceName = Annotated[str, Field(max_length=60, pattern=r"^[a-z][a-z0-9_.-]*$")]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SetPreference(Body):
    value: Plain


class SaveView(Body):
    object: ObjectName
    name: Name
    query: Annotated[dict[str, JsonValue], AfterValidator(_plain)]
    is_shared: bool = False


class ChangeView(Body):
    name: Name | None = None
    query: Annotated[dict[str, JsonValue], AfterValidator(_plain)] | None = None
    is_shared: bool | None = None


class Opened(Body):
    label: Annotated[str, Field(max_length=200), AfterValidator(_of_text)]


async def set_preference(session: AsyncSession, user_id: UUID, name: str, command: SetPreference) -> None:
    others = (Preference.user_id == user_id) & (Preference.name != name)
    await _require_room(session, Preference, others, MOST_PREFERENCES)
    row = insert(Preference).values(user_id=user_id, name=name, value=command.value)
    replaced = {"value": row.excluded.value, "changed_at": func.now()}
    await session.execute(row.on_conflict_do_update(index_elements=["user_id", "name"], set_=replaced))


async def forget_preference(session: AsyncSession, user_id: UUID, name: str) -> None:
    await session.execute(delete(Preference).where(Preference.user_id == user_id, Preference.name == name))


async def save_view(session: AsyncSession, user_id: UUID, command: SaveView) -> SavedView:
    await _require_room(session, SavedView, SavedView.owner_id == user_id, MOST_VIEWS)
    view = SavedView(owner_id=user_id, **command.model_dump())
    session.add(view)
    await _flush_name(session)
    return view


async def change_view(
    session: AsyncSession, person: Principal, view_id: UUID, expected: int | None, command: ChangeView
) -> SavedView:
    view = await _own_view(session, person, view_id, expected)
    values = command.model_dump(exclude_unset=True)
    missing = [name for name, value in values.items() if value is None]
    if missing:
        raise Invalid(errors=[FieldProblem(f"/{name}", "required", "A view has one.") for name in missing])
    for name, value in values.items():
        setattr(view, name, value)
    await _flush_name(session)
    return view


async def delete_view(session: AsyncSession, person: Principal, view_id: UUID, expected: int | None) -> None:
    await session.delete(await _own_view(session, person, view_id, expected))
    await session.flush()


async def _own_view(session: AsyncSession, person: Principal, view_id: UUID, expected: int | None) -> SavedView:
    """A view that somebody keeps to himself does not exist for others; a shared one is its owner's or an admin's."""
    view = await get_for_update(
        session,
        SavedView,
        view_id,
        expected,
        ViewNotFound(),
        narrow=lambda statement: statement.where(or_(SavedView.owner_id == person.id, SavedView.is_shared)),
    )
    if view.owner_id != person.id and not person.is_admin:
        raise NotYourView
    return view


async def remember_opened(
    session: AsyncSession, user_id: UUID, object_name: str, record_id: UUID, opened: Opened
) -> None:
    row = insert(Recent).values(user_id=user_id, object=object_name, record_id=record_id, label=opened.label)
    again = {"label": row.excluded.label, "seen_at": func.clock_timestamp()}
    key = ["user_id", "object", "record_id"]
    await session.execute(row.on_conflict_do_update(index_elements=key, set_=again))
    newest = select(Recent.object, Recent.record_id).where(Recent.user_id == user_id)
    kept = newest.order_by(Recent.seen_at.desc()).limit(MOST_RECENTS).subquery()
    known = select(kept).where(kept.c.object == Recent.object, kept.c.record_id == Recent.record_id)
    await session.execute(delete(Recent).where(Recent.user_id == user_id, ~known.exists()))


async def _require_room(session: AsyncSession, model: type[Any], mine: Any, most: int) -> None:
    """A script gone wild must not fill the table."""
    if (await session.scalar(select(func.count()).select_from(model).where(mine)) or 0) >= most:
        raise TooManyKept(f"You keep {most} of them already.")


async def _flush_name(session: AsyncSession) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        if "uq_saved_views_name" not in str(error.orig):
            raise
        problem = FieldProblem("/name", "view_name_taken", "You have a view of this name already.")
        raise ViewNameTaken(errors=[problem]) from error
