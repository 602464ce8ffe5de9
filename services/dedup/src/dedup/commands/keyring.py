"""The claims table: one row per exact key in use, written so that of many at once exactly one gets it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

LEASE_MINUTES = 10

# Sorted, so that two transactions that want the same keys wait for each other in one direction only. A row that may not
# be taken is locked all the same: who holds it cannot change before the answer is out.
RESERVE = text("""
    INSERT INTO claims AS held (object, key, record_id, claim_id, label, is_confirmed, lease_until)
    SELECT object, key, record_id, claim_id, label, false, clock_timestamp() + make_interval(mins => :minutes)
      FROM jsonb_to_recordset(CAST(:wishes AS jsonb))
           AS wish (object text, key text, record_id uuid, claim_id uuid, label text)
     ORDER BY object, key
    ON CONFLICT (object, key) DO UPDATE
       SET record_id = excluded.record_id, claim_id = excluded.claim_id, label = excluded.label,
           lease_until = excluded.lease_until
     WHERE NOT held.is_confirmed AND (held.record_id = excluded.record_id OR held.lease_until < clock_timestamp())
    RETURNING held.object, held.key, held.lease_until
""")

HOLDERS = text("""
    SELECT claims.object, claims.key, claims.record_id, claims.label, records.owner_id, records.label AS known_label,
           coalesce(records.is_private, claims.object = 'contact') AS is_private
      FROM jsonb_to_recordset(CAST(:places AS jsonb)) AS place (object text, key text)
      JOIN claims USING (object, key) LEFT JOIN records ON records.id = claims.record_id
""")

LEASE = text("SELECT clock_timestamp() + make_interval(mins => :minutes)")

GIVE_BACK = text("""
    DELETE FROM claims USING jsonb_to_recordset(CAST(:places AS jsonb)) AS place (object text, key text)
     WHERE claims.object = place.object AND claims.key = place.key
""")

HAND_OVER = text("""
    UPDATE claims SET record_id = place.record_id, claim_id = place.claim_id, label = place.label
      FROM jsonb_to_recordset(CAST(:places AS jsonb))
           AS place (object text, key text, record_id uuid, claim_id uuid, label text)
     WHERE claims.object = place.object AND claims.key = place.key
""")

Place = tuple[str, str]
"""Object and key: what can be held once."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The keys that one record wants."""

    object: str
    record_id: UUID
    claim_id: UUID
    label: str
    keys: tuple[str, ...]

    @property
    def places(self) -> list[tuple[str, Place]]:
        return [(key, (self.object, key)) for key in self.keys]


@dataclass(frozen=True, slots=True)
class Held:
    """Who has a key. A record that is not known yet is shown to others only if its kind is never private."""

    record_id: UUID
    label: str
    owner_id: UUID | None
    is_private: bool
    claim_id: UUID | None = None

    @classmethod
    def by(cls, wish: Wish) -> "Held":
        return cls(wish.record_id, wish.label, None, wish.object == "contact", wish.claim_id)


@dataclass(frozen=True, slots=True)
class Reserved:
    """`held`: keys of others; `first`: who got each of the rows written here, before any decision."""

    lease_until: datetime
    held: dict[Place, Held] = field(default_factory=dict)
    first: dict[Place, Wish] = field(default_factory=dict)


async def reserve(session: AsyncSession, wishes: Sequence[Wish]) -> Reserved:
    """Takes what is free for whoever asked first, and finds out who has the rest."""
    first: dict[Place, Wish] = {}
    for wish in wishes:
        for _, place in wish.places:
            first.setdefault(place, wish)
    if not first:
        return Reserved((await session.execute(LEASE, {"minutes": LEASE_MINUTES})).scalar_one())
    bound = {"wishes": _as_json(first.items()), "minutes": LEASE_MINUTES}
    got = {(kind, key): until for kind, key, until in await session.execute(RESERVE, bound)}
    taken = [place for place in first if place not in got]
    held = await _holders(session, taken) if taken else {}
    lease = min(got.values()) if got else (await session.execute(LEASE, {"minutes": LEASE_MINUTES})).scalar_one()
    return Reserved(lease, held, {place: first[place] for place in got})


async def _holders(session: AsyncSession, places: Iterable[Place]) -> dict[Place, Held]:
    wanted = json.dumps([{"object": kind, "key": key} for kind, key in places])
    rows = await session.execute(HOLDERS, {"places": wanted})
    return {
        (row.object, row.key): Held(row.record_id, row.known_label or row.label, row.owner_id, row.is_private)
        for row in rows
    }


async def assign(session: AsyncSession, reserved: Reserved, final: dict[Place, Held]) -> None:
    """What a refused record had reserved goes to the next in the batch that wants it, or back."""
    unwanted = [place for place in reserved.first if place not in final]
    moved = {
        place: final[place]
        for place, wish in reserved.first.items()
        if place in final and final[place].claim_id != wish.claim_id
    }
    if unwanted:
        places = json.dumps([{"object": kind, "key": key} for kind, key in unwanted])
        await session.execute(GIVE_BACK, {"places": places})
    if moved:
        await session.execute(HAND_OVER, {"places": _as_json(moved.items())})


def _as_json(places: Iterable[tuple[Place, Wish | Held]]) -> str:
    rows: list[dict[str, Any]] = [
        {
            "object": kind,
            "key": key,
            "record_id": str(holder.record_id),
            "claim_id": str(holder.claim_id),
            "label": holder.label,
        }
        for (kind, key), holder in places
    ]
    return json.dumps(rows)
