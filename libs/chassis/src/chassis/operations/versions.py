"""Which versions a service has, of what it owns and of what it keeps as a replica; page by page, ordered by id."""

from typing import TYPE_CHECKING, Annotated, Any, get_type_hints
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import Table, false, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import Record
from chassis.errors import NotFound
from chassis.tables import CHASSIS
from contracts.catalogue import Topic, topic_named

if TYPE_CHECKING:
    from chassis.service import Service


class Versions(BaseModel):
    """`items` are id, version, and whether the owner has deleted it."""

    items: list[tuple[UUID, int, bool]]
    next_after: Annotated[UUID | None, Field(description="Give it as `after` for the next page; null at the end.")]


class NotKept(NotFound):
    code = "not_kept"
    title = "This service keeps nothing of that name"


def owned_table(service: "Service", topic: str) -> Table:
    """The table of the aggregate that the topic is about. Raises NotKept."""
    table: Table = owned_model(service, topic).__table__
    return table


def owned_model(service: "Service", topic: str) -> Any:
    """The mapped class of the aggregate that the topic is about. Raises NotKept."""
    try:
        found = topic_named(topic)
    except KeyError:
        raise NotKept(f"There is no topic {topic}.") from None
    for model in _all_subclasses(Record):
        table = getattr(model, "__table__", None)
        if isinstance(table, Table) and table.metadata is service.metadata and _is_about(model, found):
            return model
    raise NotKept(f"{service.name} does not own what {topic} is about.")


def _is_about(model: Any, topic: Topic) -> bool:
    return hasattr(model, "state") and get_type_hints(model.state).get("return") is topic.state_model


def _all_subclasses(parent: type) -> list[type]:
    direct: list[type] = parent.__subclasses__()
    return [*direct, *(each for child in direct for each in _all_subclasses(child))]


def replicas(service: "Service") -> dict[str, Table]:
    """The tables with a foreign id and version, by name."""
    own = {model.__table__.name for model in _all_subclasses(Record) if hasattr(model, "__table__")}
    return {
        name: table
        for name, table in service.metadata.tables.items()
        if {"id", "version"} <= set(table.columns.keys()) and name not in own and name not in CHASSIS.tables
    }


async def versions(session: AsyncSession, table: Table, after: UUID | None, limit: int) -> Versions:
    c = table.c
    deleted = c.deleted_at.is_not(None) if "deleted_at" in c else c.is_deleted if "is_deleted" in c else false()
    found = select(c.id, c.version, deleted).order_by(c.id).limit(limit)
    rows = (await session.execute(found.where(c.id > after) if after else found)).all()
    items = [(row[0], row[1], row[2]) for row in rows]
    return Versions(items=items, next_after=items[-1][0] if len(items) == limit else None)
