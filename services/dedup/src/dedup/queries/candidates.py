"""Whom a record is worth comparing with, and how alike they are: two steps, the first in SQL, the second in Python.

Every record that is saved waits for this, so the first step is one statement with one row as its answer.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.pacing import Pace
from dedup.domain.canonical import Canonical
from dedup.domain.keys import GENERIC_ABOVE, blocking_keys, promise
from dedup.domain.score import Comparison, comparable, compare
from dedup.models import DismissedPair
from dedup.queries.rules import RULES_COLUMN, RuleInForce, in_force, json_list

MOST_CANDIDATES = 60

CANDIDATES = text(f"""
    WITH wanted AS (
        SELECT * FROM unnest(CAST(:items AS int[]), CAST(:keys AS text[]), CAST(:promises AS int[]))
            AS wanted (item, key, promise)
    ), hits AS (
        SELECT wanted.item, wanted.promise, found.record_id,
               count(*) OVER (PARTITION BY wanted.item, wanted.key) AS sharing
          FROM wanted CROSS JOIN LATERAL (
              SELECT record_id FROM record_keys WHERE record_keys.key = wanted.key LIMIT :generic_above + 2
          ) AS found
    ), ranked AS (
        SELECT item, record_id,
               row_number() OVER (PARTITION BY item ORDER BY sum(promise) DESC, record_id) AS place
          FROM hits WHERE sharing <= :generic_above + 1 GROUP BY item, record_id
    ), chosen AS (
        SELECT item, record_id FROM ranked WHERE place <= :most + 1
    )
    SELECT (SELECT json_object_agg(item, near) FROM (
                SELECT item, json_agg(record_id) AS near FROM chosen GROUP BY item) AS grouped) AS near,
           (SELECT json_agg(json_build_array(id, object, label, owner_id, is_private, fingerprint, canonical))
              FROM records WHERE id IN (SELECT record_id FROM chosen) AND NOT is_deleted) AS known,
           {RULES_COLUMN}
""")  # noqa: S608 - a constant of this service
STORED = text(f"""
    SELECT (SELECT json_agg(json_build_array(id, object, label, owner_id, is_private, fingerprint, canonical))
              FROM records WHERE id = ANY(CAST(:ids AS uuid[])) AND NOT is_deleted) AS known,
           {RULES_COLUMN}
""")  # noqa: S608 - a constant of this service


@dataclass(frozen=True, slots=True)
class Draft:
    """A record that is looked up: stored already, about to be stored, or only being typed (`record_id` None)."""

    record_id: UUID | None
    canonical: Canonical


class Known(NamedTuple):
    """A stored record as far as it is compared and shown."""

    id: UUID
    object: str
    label: str
    owner_id: UUID | None
    is_private: bool
    fingerprint: str
    canonical: Canonical


class Match(NamedTuple):
    """A stored record that is like the draft."""

    known: Known
    comparison: Comparison


class Found(NamedTuple):
    """For each draft its matches, best first; and the rules of the same moment."""

    matches: list[list[Match]]
    rules: dict[str, RuleInForce]


async def matches_for(
    session: AsyncSession, drafts: Sequence[Draft], least: float, *, are_stored: bool = False
) -> Found:
    """Matches with a score of `least` or more.

    `are_stored`: the drafts are what is stored, so two of them are compared once for both.
    """
    near, rules = await _near(session, drafts)
    done: dict[tuple[UUID | None, UUID], Comparison] = {}
    found: list[list[Match]] = []
    pace = Pace()
    for item, draft in enumerate(drafts):
        matches = [_match(draft, known, done if are_stored else None) for known in _others(draft, near.get(item, ()))]
        good = [match for match in matches if match.comparison.score >= least]
        found.append(sorted(good, key=lambda match: (-match.comparison.score, match.known.id)))
        await pace.breathe()
    return Found(found, rules)


def _others(draft: Draft, near: Iterable[Known]) -> list[Known]:
    return [known for known in near if known.id != draft.record_id and comparable(draft.canonical, known.canonical)]


def _match(draft: Draft, known: Known, done: dict[tuple[UUID | None, UUID], Comparison] | None) -> Match:
    if done is None or draft.record_id is None:
        return Match(known, compare(draft.canonical, known.canonical))
    comparison = done.pop((known.id, draft.record_id), None)
    if comparison is None:
        comparison = done[draft.record_id, known.id] = compare(draft.canonical, known.canonical)
    return Match(known, comparison)


async def _near(
    session: AsyncSession, drafts: Sequence[Draft]
) -> tuple[dict[int, list[Known]], dict[str, RuleInForce]]:
    keys = [(item, key) for item, draft in enumerate(drafts) for key in blocking_keys(draft.canonical)]
    bound = {
        "items": [item for item, _ in keys],
        "keys": [key for _, key in keys],
        "promises": [promise(key) for _, key in keys],
        "generic_above": GENERIC_ABOVE,
        "most": MOST_CANDIDATES,
    }
    near, stored, rules = (await session.execute(CANDIDATES, bound)).one()
    records = {row[0]: _known(row) for row in json_list(stored)}
    found = {int(item): [records[each] for each in ids if each in records] for item, ids in _dict(near).items()}
    return found, in_force(rules)


def _dict(value: Any) -> dict[str, Any]:
    return json.loads(value) if isinstance(value, str) else value or {}


def _known(row: Sequence[Any]) -> Known:
    identity, kind, label, owner, is_private, fingerprint, canonical = row
    owner_id = UUID(owner) if owner else None
    return Known(UUID(identity), kind, label, owner_id, is_private, fingerprint, Canonical.from_json(canonical))


async def known_records(session: AsyncSession, ids: Iterable[UUID]) -> tuple[list[Known], dict[str, RuleInForce]]:
    """Those of the records that are not deleted, and the rules of the same moment."""
    stored, rules = (await session.execute(STORED, {"ids": list(ids)})).one()
    return [_known(row) for row in json_list(stored)], in_force(rules)


async def dismissed_pairs(session: AsyncSession, ids: Iterable[UUID]) -> dict[tuple[UUID, UUID], tuple[str, str]]:
    """Pairs with one of the records that somebody called different, with the fingerprints of that time."""
    wanted = list(ids)
    if not wanted:
        return {}
    statement = select(DismissedPair).where(or_(DismissedPair.one_id.in_(wanted), DismissedPair.other_id.in_(wanted)))
    rows = (await session.execute(statement)).scalars()
    return {(row.one_id, row.other_id): (row.one_fingerprint, row.other_fingerprint) for row in rows}


def is_dismissed(
    dismissed: dict[tuple[UUID, UUID], tuple[str, str]], first: tuple[UUID, str], second: tuple[UUID, str]
) -> bool:
    """`first` and `second` are id and present fingerprint."""
    (one, one_now), (other, other_now) = sorted((first, second))
    return dismissed.get((one, other)) == (one_now, other_now)
