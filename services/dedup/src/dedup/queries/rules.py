import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from dedup.domain.decision import DEFAULT_RULES, Action, RuleTerms
from dedup.models import Rule

# A column for the statements that need the rules beside something else: every claim and every batch asks.
RULES_COLUMN = "(SELECT json_agg(json_build_array(object, version, on_create, on_edit, block_on)) FROM rules) AS rules"

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


def in_force(stored: Any) -> dict[str, RuleInForce]:
    """From the value of RULES_COLUMN; the defaults hold for objects without a row."""
    rules = {name: RuleInForce(default, 0) for name, default in DEFAULT_RULES.items()}
    for name, version, on_create, on_edit, block_on in json_list(stored):
        rules[name] = RuleInForce(RuleTerms(on_create, on_edit, tuple(block_on)), version)
    return rules


def json_list(value: Any) -> list[Any]:
    """What a JSON column of plain SQL holds: drivers hand it over as text."""
    return json.loads(value) if isinstance(value, str) else value or []


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
