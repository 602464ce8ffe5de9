from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from dedup.domain.decision import DEFAULT_RULES, Action, RuleTerms
from dedup.models import Rule

# Plain SQL and not entities: every claim asks.
RULES = text("SELECT object, version, on_create, on_edit, block_on FROM rules")

ObjectName = Literal["account", "contact", "lead"]


class RuleView(BaseModel):
    """The duplicate rule of one object. Version 0: nobody has changed it, the defaults hold."""

    object: ObjectName
    version: int
    on_create: Action
    on_edit: Action
    block_on: list[str]
    updated_at: datetime | None
    updated_by: UUID | None


@dataclass(frozen=True, slots=True)
class RuleInForce:
    terms: RuleTerms
    version: int


async def rules_in_force(session: AsyncSession) -> dict[str, RuleInForce]:
    rules = {name: RuleInForce(default, 0) for name, default in DEFAULT_RULES.items()}
    for row in await session.execute(RULES):
        rules[row.object] = RuleInForce(terms_of(row), row.version)
    return rules


def terms_of(rule: Any) -> RuleTerms:
    """From a `Rule` or a row with its columns."""
    return RuleTerms(rule.on_create, rule.on_edit, tuple(rule.block_on))


async def rule_of(session: AsyncSession, name: ObjectName) -> RuleView:
    rule = await session.get(Rule, name)
    terms = terms_of(rule) if rule else DEFAULT_RULES[name]
    return RuleView(
        object=name,
        version=rule.version if rule else 0,
        on_create=terms.on_create,
        on_edit=terms.on_edit,
        block_on=list(terms.block_on),
        updated_at=rule.updated_at if rule else None,
        updated_by=rule.updated_by if rule else None,
    )
