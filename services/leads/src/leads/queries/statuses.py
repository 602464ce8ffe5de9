from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from leads.domain import DEFAULT_STATUSES, Status
from leads.models import Picklist

STATUSES = "status"
Category = Literal["open", "working", "qualified", "unqualified", "converted"]


class StatusEntry(BaseModel):
    value: str
    label: str
    category: Category


class StatusList(BaseModel):
    """The status picklist in its order. Version 0: nobody has changed it."""

    version: int
    entries: list[StatusEntry]
    updated_at: datetime | None
    updated_by: UUID | None


async def statuses_in_force(session: AsyncSession) -> tuple[Status, ...]:
    stored = await session.get(Picklist, STATUSES)
    return tuple(Status(**entry) for entry in stored.entries) if stored else DEFAULT_STATUSES


async def status_list(session: AsyncSession) -> StatusList:
    stored = await session.get(Picklist, STATUSES)
    entries = await statuses_in_force(session)
    return StatusList(
        version=stored.version if stored else 0,
        entries=[StatusEntry.model_validate(entry, from_attributes=True) for entry in entries],
        updated_at=stored.updated_at if stored else None,
        updated_by=stored.updated_by if stored else None,
    )
