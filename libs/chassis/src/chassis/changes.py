"""Who changed which field of a record, from what to what: read from the rows that the outbox writes with every fact."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, Field, JsonValue
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.tables import FIELD_HISTORY as ROWS

MOST = 200


class FieldChange(BaseModel):
    """One field's step from `old` to `new`."""

    id: int
    version: int = Field(description="The record's version that has the new value.")
    field: str
    old: JsonValue
    new: JsonValue
    changed_at: datetime
    actor_type: str = Field(description="user, service or system")
    actor_id: str | None
    held_seconds: float = Field(description="How long the old value stood.")


class FieldChanges(BaseModel):
    """The newest first."""

    items: list[FieldChange]
    next_before: int | None = Field(description="Send it as `before` for the next page; null on the last one")


class Wanted(BaseModel):
    """Which changes the caller asks for."""

    field: str | None
    before: int | None
    limit: int


def _wanted(
    field: Annotated[str | None, Query(max_length=100, description="Only this field")] = None,
    before: Annotated[int | None, Query(ge=1, description="`next_before` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> Wanted:
    return Wanted(field=field, before=before, limit=limit)


WantedChanges = Annotated[Wanted, Depends(_wanted)]


async def changes_of(
    session: AsyncSession,
    object_name: str,
    object_id: UUID,
    born_at: datetime,
    wanted: Wanted,
) -> FieldChanges:
    """The field changes of one record, which the caller has been found to be allowed to read.

    `born_at`: since when the first values stood.
    """
    before = func.lag(ROWS.c.changed_at).over(partition_by=ROWS.c.field, order_by=ROWS.c.id)
    held = func.extract("epoch", ROWS.c.changed_at - func.coalesce(before, born_at)).label("held_seconds")
    mine = select(ROWS, held).where(ROWS.c.object_id == object_id, ROWS.c.object == object_name).subquery()
    page = select(mine).order_by(mine.c.id.desc()).limit(wanted.limit + 1)
    if wanted.field is not None:
        page = page.where(mine.c.field == wanted.field)
    if wanted.before is not None:
        page = page.where(mine.c.id < wanted.before)
    rows = (await session.execute(page)).mappings().all()
    shown = rows[: wanted.limit]
    items = [FieldChange.model_validate(_plain(row)) for row in shown]
    return FieldChanges(items=items, next_before=shown[-1]["id"] if len(rows) > len(shown) else None)


def _plain(row: Any) -> dict[str, Any]:
    return {name: row[name] for name in FieldChange.model_fields}
