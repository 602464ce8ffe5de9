"""What people decide: "not a duplicate", and what the rules shall do."""

from datetime import UTC, datetime
from itertools import combinations
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import and_, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.access import Access
from chassis.db import get_for_update
from chassis.errors import Conflict, FieldProblem, Invalid, PreconditionFailed
from chassis.outbox import emit
from contracts.dedup import DuplicateSetDismissed
from dedup.commands.records import COMPARING
from dedup.domain.decision import DEFAULT_RULES, Action
from dedup.domain.keys import FAMILIES
from dedup.models import DismissedPair, DuplicatePair, DuplicateSet, KnownRecord, Rule, SetMember
from dedup.queries.rules import ObjectName
from dedup.queries.sets import DuplicateSetNotFound, set_by_id
from dedup.queries.visibility import Eyes


class DuplicateSetClosed(Conflict):
    code = "duplicate_set_closed"
    title = "The set has been decided or has expired"


class DismissSet(BaseModel):
    """Why the records are not the same."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    reason: Annotated[str, StringConstraints(min_length=1, max_length=1000)] = Field(
        description="Why the records are not the same, for whoever asks later."
    )


class SetRule(BaseModel):
    """What happens when a record is like another one."""

    model_config = ConfigDict(extra="forbid")

    on_create: Action = Field(description="When a record is created.")
    on_edit: Action = Field(description="When a compared field of a record changes.")
    block_on: list[str] | None = Field(
        default=None,
        max_length=len(FAMILIES),
        description=f"Equal values that are certain enough to block or to ask: {', '.join(FAMILIES)}.",
    )


async def dismiss_set(session: AsyncSession, set_id: UUID, command: DismissSet, access: Access, eyes: Eyes) -> None:
    """Remembers for every two of the records that they are different, until one of them changes."""
    await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": COMPARING})
    await set_by_id(session, set_id, eyes)
    found = await get_for_update(session, DuplicateSet, set_id, None, DuplicateSetNotFound())
    if not any(access.covers(owner) for owner in found.owner_ids):
        access.require(None)
    if found.status != "open":
        raise DuplicateSetClosed(f"The set is {found.status} already.")
    found.dismiss(access.principal.id, command.reason, datetime.now(UTC))
    await _remember_pairs(session, found, command.reason, access.principal.id)
    await session.execute(update(SetMember).where(SetMember.set_id == set_id).values(is_open=False))
    await emit(session, DuplicateSetDismissed, found)


async def _remember_pairs(session: AsyncSession, found: DuplicateSet, reason: str, reviewer: UUID) -> None:
    prints = select(KnownRecord.id, KnownRecord.fingerprint).where(KnownRecord.id.in_(found.member_ids))
    now = {row.id: row.fingerprint for row in await session.execute(prints)}
    pairs = combinations(sorted(now), 2)
    rows: list[dict[str, Any]] = [
        {
            "one_id": one,
            "other_id": other,
            "one_fingerprint": now[one],
            "other_fingerprint": now[other],
            "set_id": found.id,
            "reason": reason,
            "dismissed_by": reviewer,
        }
        for one, other in pairs
    ]
    if rows:
        statement = insert(DismissedPair)
        again = {name: statement.excluded[name] for name in rows[0] if name not in ("one_id", "other_id")}
        upsert = statement.on_conflict_do_update(index_elements=["one_id", "other_id"], set_=again)
        await session.execute(upsert, rows)
    inside = and_(DuplicatePair.one_id.in_(list(now)), DuplicatePair.other_id.in_(list(now)))
    await session.execute(delete(DuplicatePair).where(inside))


async def set_rule(session: AsyncSession, name: ObjectName, command: SetRule, expected: int, author: UUID) -> None:
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"rule {name}"})
    rule = await session.get(Rule, name, populate_existing=True)
    if expected != (rule.version if rule else 0):
        raise PreconditionFailed(current_version=rule.version if rule else 0)
    unknown = [family for family in command.block_on or () if family not in FAMILIES]
    if unknown:
        detail = f"{unknown[0]!r} is not one of {', '.join(FAMILIES)}."
        raise Invalid(errors=[FieldProblem("/block_on", "unknown_value", detail)])
    values: dict[str, Any] = {"on_create": command.on_create, "on_edit": command.on_edit, "updated_by": author}
    if rule is None:
        session.add(Rule(object=name, version=1, block_on=_families(name, command), **values))
        return
    if command.block_on is not None:
        rule.block_on = _families(name, command)
    rule.on_create, rule.on_edit, rule.updated_by = command.on_create, command.on_edit, author
    rule.version, rule.updated_at = rule.version + 1, func.now()


def _families(name: ObjectName, command: SetRule) -> list[str]:
    chosen = command.block_on if command.block_on is not None else DEFAULT_RULES[name].block_on
    return sorted(set(chosen))
