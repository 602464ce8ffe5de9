"""Whom a record is worth comparing with, and how alike they are: two steps, the first in SQL, the second in Python."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from dedup.domain.canonical import Canonical
from dedup.domain.keys import GENERIC_ABOVE, blocking_keys, promise
from dedup.domain.score import Comparison, comparable, compare
from dedup.models import DismissedPair

MOST_CANDIDATES = 60
# Comparing is pure Python; after this many pairs others get a turn on the event loop.
PAIRS_PER_TURN = 500

CANDIDATES = text("""
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
    )
    SELECT ranked.item, records.id, records.object, records.label, records.owner_id, records.is_private,
           records.fingerprint, records.canonical
      FROM ranked JOIN records ON records.id = ranked.record_id
     WHERE ranked.place <= :most + 1 AND NOT records.is_deleted
""")


@dataclass(frozen=True, slots=True)
class Draft:
    """A record that is looked up: stored already, about to be stored, or only being typed (`record_id` None)."""

    record_id: UUID | None
    canonical: Canonical


@dataclass(frozen=True, slots=True)
class Known:
    """A stored record as far as it is compared and shown."""

    id: UUID
    object: str
    label: str
    owner_id: UUID | None
    is_private: bool
    fingerprint: str
    canonical: Canonical


@dataclass(frozen=True, slots=True)
class Match:
    """A stored record that is like the draft."""

    known: Known
    comparison: Comparison


async def matches_for(session: AsyncSession, drafts: Sequence[Draft], least: float) -> list[list[Match]]:
    """For each draft its matches with a score of `least` or more, best first."""
    near = await _near(session, drafts)
    found: list[list[Match]] = []
    compared = 0
    for item, draft in enumerate(drafts):
        matches = _compared(draft, near.get(item, ()), least)
        found.append(sorted(matches, key=lambda match: (-match.comparison.score, match.known.id)))
        compared += len(near.get(item, ()))
        if compared > PAIRS_PER_TURN:
            compared = 0
            await asyncio.sleep(0)
    return found


def _compared(draft: Draft, near: Iterable[Known], least: float) -> list[Match]:
    others = (known for known in near if known.id != draft.record_id and comparable(draft.canonical, known.canonical))
    matches = (Match(known, compare(draft.canonical, known.canonical)) for known in others)
    return [match for match in matches if match.comparison.score >= least]


async def _near(session: AsyncSession, drafts: Sequence[Draft]) -> dict[int, list[Known]]:
    keys = [(item, key) for item, draft in enumerate(drafts) for key in blocking_keys(draft.canonical)]
    if not keys:
        return {}
    bound = {
        "items": [item for item, _ in keys],
        "keys": [key for _, key in keys],
        "promises": [promise(key) for _, key in keys],
        "generic_above": GENERIC_ABOVE,
        "most": MOST_CANDIDATES,
    }
    near: dict[int, list[Known]] = defaultdict(list)
    seen: dict[UUID, Known] = {}
    for item, *row in (await session.execute(CANDIDATES, bound)).all():
        if row[0] not in seen:
            seen[row[0]] = known(row)
        near[item].append(seen[row[0]])
    return near


def known(row: Sequence[Any]) -> Known:
    """From id, object, label, owner, privacy, fingerprint and canonical form, in this order."""
    identity, kind, label, owner, is_private, fingerprint, canonical = row
    stored = json.loads(canonical) if isinstance(canonical, str | bytes) else canonical
    return Known(identity, kind, label, owner, is_private, fingerprint, Canonical.from_json(stored))


async def dismissed_pairs(session: AsyncSession, ids: Iterable[UUID]) -> dict[tuple[UUID, UUID], tuple[str, str]]:
    """Pairs with one of the records that somebody called different, with the fingerprints of that time."""
    wanted = list(ids)
    statement = select(DismissedPair).where(or_(DismissedPair.one_id.in_(wanted), DismissedPair.other_id.in_(wanted)))
    rows = (await session.execute(statement)).scalars() if wanted else ()
    return {(row.one_id, row.other_id): (row.one_fingerprint, row.other_fingerprint) for row in rows}


def is_dismissed(
    dismissed: dict[tuple[UUID, UUID], tuple[str, str]], first: tuple[UUID, str], second: tuple[UUID, str]
) -> bool:
    """`first` and `second` are id and present fingerprint."""
    (one, one_now), (other, other_now) = sorted((first, second))
    return dismissed.get((one, other)) == (one_now, other_now)
