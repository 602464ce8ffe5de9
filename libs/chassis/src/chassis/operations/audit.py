"""Who changed what, when and why: one row per operator's command, in the transaction of the change."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.auth import Principal
from chassis.context import current_correlation_id
from chassis.tables import OPERATOR_AUDIT

Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=1000),
    Field(description="Why, for those who read the audit later."),
]


async def record(
    session: AsyncSession,
    principal: Principal,
    action: str,
    target: str,
    *,
    reason: str,
    result: str,
    **details: Any,
) -> None:
    """`target` is what was touched (a key, a job), `details` what finds it again; never an event's data."""
    row = {
        "actor_id": str(principal.id),
        "actor_name": principal.name,
        "action": action,
        "object": target,
        "reason": reason,
        "result": result,
        "details": details,
        "correlation_id": current_correlation_id(),
    }
    await session.execute(insert(OPERATOR_AUDIT), [row])


async def entries(session: AsyncSession, limit: int) -> list[dict[str, Any]]:
    """The newest rows first."""
    c = OPERATOR_AUDIT.c
    rows = await session.execute(select(OPERATOR_AUDIT).order_by(c.id.desc()).limit(limit))
    return [dict(row) for row in rows.mappings()]
