"""Duplicate sets as one viewer may see them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFound
from chassis.fields import FieldModel, ObjectCatalogue, moment, number, picklist, reference, text
from chassis.listing import Listing, Page, paginate
from contracts.dedup import Reason
from dedup.models import DuplicateSet, KnownRecord, SetMember, UserReplica
from dedup.queries.visibility import Eyes


class DuplicateSetNotFound(NotFound):
    code = "duplicate_set_not_found"
    title = "There is no such duplicate set"


class MemberView(BaseModel):
    object: str
    id: UUID
    label: str
    score: float
    reasons: list[Reason]
    owner_id: UUID | None
    owner_name: str | None
    is_deleted: bool


class DuplicateSetView(BaseModel):
    """Records that are probably the same; `hidden_members` are private contacts of others."""

    id: UUID
    version: int
    object: str
    status: str
    score: float
    members: list[MemberView]
    hidden_members: int
    reason: str | None
    reviewed_by: UUID | None
    reviewed_at: datetime | None
    created_at: datetime
    updated_at: datetime


class DuplicateSetFields(FieldModel):
    object: Annotated[
        str,
        picklist("Records", "Kind of the records", options=["account", "contact", "lead", ("mixed", "Several kinds")]),
    ]
    status: Annotated[
        str, picklist("Status", "What became of the set", options=["open", "dismissed", "merged", "expired"])
    ]
    score: Annotated[float, number("Score", "How sure it is, from 0 to 1", minimum=0, maximum=1)]
    reason: Annotated[str | None, text("Reason", "Why the records are not the same", max_length=1000)] = None
    reviewed_by: Annotated[UUID | None, reference("Reviewed by", "Who decided", to="identity.user")] = None
    reviewed_at: Annotated[datetime | None, moment("Reviewed at", "When it was decided")] = None


DUPLICATE_SETS = ObjectCatalogue(
    name="duplicate_set",
    label="Duplicate set",
    plural="Duplicate sets",
    help="Records that are probably the same customer",
    model=DuplicateSetFields,
    view=DuplicateSetView,
    columns=DuplicateSet,
)


def shown_to(eyes: Eyes) -> ColumnElement[bool]:
    """Sets with at least one member that the viewer may see."""
    visible = select(KnownRecord.id).where(KnownRecord.id == SetMember.record_id, eyes.rows())
    return exists().where(SetMember.set_id == DuplicateSet.id, visible.exists())


async def list_sets(session: AsyncSession, listing: Listing, eyes: Eyes) -> Page[DuplicateSetView]:
    page = await paginate(session, select(DuplicateSet).where(shown_to(eyes)), DuplicateSet, listing)
    items = await views_of(session, page.items, eyes)
    return Page[DuplicateSetView](items=items, next_cursor=page.next_cursor, total=page.total)


async def set_by_id(session: AsyncSession, set_id: UUID, eyes: Eyes) -> DuplicateSetView:
    statement = select(DuplicateSet).where(DuplicateSet.id == set_id, shown_to(eyes))
    found = (await session.execute(statement)).scalar_one_or_none()
    if found is None:
        raise DuplicateSetNotFound()
    [view] = await views_of(session, [found], eyes)
    return view


async def views_of(session: AsyncSession, sets: Sequence[DuplicateSet], eyes: Eyes) -> list[DuplicateSetView]:
    wanted = [member for each in sets for member in each.member_ids]
    rows = (await session.execute(select(KnownRecord).where(KnownRecord.id.in_(wanted)))).scalars()
    records = {record.id: record for record in rows}
    owners = await _owner_names(session, (record.owner_id for record in records.values()))
    return [_view(each, records, owners, eyes) for each in sets]


async def _owner_names(session: AsyncSession, ids: Iterable[UUID | None]) -> dict[UUID, str]:
    wanted = {each for each in ids if each is not None}
    rows = await session.execute(select(UserReplica.id, UserReplica.name).where(UserReplica.id.in_(wanted)))
    return {row.id: row.name for row in rows}


def _view(
    found: DuplicateSet, records: dict[UUID, KnownRecord], owners: dict[UUID, str], eyes: Eyes
) -> DuplicateSetView:
    seen = {
        str(record.id): record
        for record in (records[member] for member in found.member_ids if member in records)
        if eyes.may_see(record.object, record.owner_id, record.is_private)
    }
    members = [_member(member, seen, owners) for member in found.members if member["id"] in seen]
    return DuplicateSetView(
        id=found.id,
        version=found.version,
        object=found.object,
        status=found.status,
        score=found.score,
        members=sorted(members, key=lambda member: (-member.score, member.label)),
        hidden_members=len(found.members) - len(members),
        reason=found.reason,
        reviewed_by=found.reviewed_by,
        reviewed_at=found.reviewed_at,
        created_at=found.created_at,
        updated_at=found.updated_at,
    )


def _member(member: dict[str, Any], seen: dict[str, KnownRecord], owners: dict[UUID, str]) -> MemberView:
    record = seen[member["id"]]
    return MemberView(
        object=record.object,
        id=record.id,
        label=record.label,
        score=member["score"],
        reasons=[Reason(**reason) for reason in member["reasons"] if member["like"] in seen],
        owner_id=record.owner_id,
        owner_name=owners.get(record.owner_id) if record.owner_id else None,
        is_deleted=record.is_deleted,
    )
