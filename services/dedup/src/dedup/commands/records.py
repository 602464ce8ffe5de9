"""The replica of accounts, contacts and leads, and what follows from a change: keys, claims, comparisons."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import context
from contracts.event import State
from dedup.commands.review import review_sets
from dedup.domain.canonical import VERSION, Canonical
from dedup.domain.keys import blocking_keys, exact_keys
from dedup.domain.reading import canonical, label
from dedup.models import KnownRecord

# One transaction at a time compares, else two new twins in two transactions would not see each other.
COMPARING = 0x6465_6475_7001

STORE = text("""
    INSERT INTO records AS stored (id, object, version, label, owner_id, is_private, canonical, fingerprint, is_deleted)
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS fresh (id uuid, object text, version int, label text,
           owner_id uuid, is_private bool, canonical jsonb, fingerprint text, is_deleted bool)
     ORDER BY id
    ON CONFLICT (id) DO UPDATE
       SET version = excluded.version, label = excluded.label, owner_id = excluded.owner_id,
           is_private = excluded.is_private, canonical = excluded.canonical, fingerprint = excluded.fingerprint,
           is_deleted = excluded.is_deleted
     WHERE stored.version < excluded.version
    RETURNING stored.id
""")

DROP_KEYS = text("""
    DELETE FROM record_keys WHERE record_id = ANY(CAST(:ids AS uuid[]))
       AND NOT EXISTS (SELECT FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS fresh (record_id uuid, key text)
                        WHERE fresh.record_id = record_keys.record_id AND fresh.key = record_keys.key)
""")

ADD_KEYS = text("""
    INSERT INTO record_keys (key, record_id)
    SELECT key, record_id FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS fresh (record_id uuid, key text)
        ON CONFLICT DO NOTHING
""")

LOCK_CLAIMS = text("""
    SELECT 1 FROM claims WHERE record_id = ANY(CAST(:ids AS uuid[])) ORDER BY object, key FOR UPDATE
""")

# A key that is reserved for a change still under way is not in the present state, and is left alone.
RELEASE = text("""
    DELETE FROM claims WHERE record_id = ANY(CAST(:ids AS uuid[]))
       AND (is_confirmed OR lease_until < clock_timestamp() OR record_id = ANY(CAST(:gone AS uuid[])))
       AND NOT EXISTS (SELECT FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS fresh (record_id uuid, key text)
                        WHERE fresh.record_id = claims.record_id AND fresh.key = claims.key)
    RETURNING object, key
""")

# Of several in the batch that have the same key, the one that reserved it comes first.
CONFIRM = text("""
    INSERT INTO claims AS held (object, key, record_id, claim_id, label, is_confirmed, lease_until)
    SELECT DISTINCT ON (fresh.object, fresh.key)
           fresh.object, fresh.key, fresh.record_id, fresh.record_id, fresh.label, true, CAST('infinity' AS timestamptz)
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS fresh (record_id uuid, key text, object text, label text)
      LEFT JOIN claims USING (object, key)
     ORDER BY fresh.object, fresh.key, claims.record_id = fresh.record_id DESC NULLS LAST, fresh.record_id
    ON CONFLICT (object, key) DO UPDATE
       SET record_id = excluded.record_id, is_confirmed = true, lease_until = 'infinity', label = excluded.label
     WHERE NOT held.is_confirmed AND (held.record_id = excluded.record_id OR held.lease_until < clock_timestamp())
""")

INHERIT = text("""
    INSERT INTO claims (object, key, record_id, claim_id, label, is_confirmed, lease_until)
    SELECT DISTINCT ON (place.object, place.key) place.object, place.key, records.id, records.id, records.label, true,
           CAST('infinity' AS timestamptz)
      FROM jsonb_to_recordset(CAST(:places AS jsonb)) AS place (object text, key text)
      JOIN record_keys ON record_keys.key = place.key
      JOIN records ON records.id = record_keys.record_id AND records.object = place.object AND NOT records.is_deleted
     ORDER BY place.object, place.key, records.id
        ON CONFLICT DO NOTHING
""")

QUEUE = text("""
    INSERT INTO pending_matches (record_id, actor_type, actor_id, correlation_id)
    SELECT unnest(CAST(:ids AS uuid[])), :actor_type, :actor_id, :correlation_id ON CONFLICT DO NOTHING
""")

TAKE_QUEUED = text("""
    DELETE FROM pending_matches WHERE record_id IN (
        SELECT record_id FROM pending_matches ORDER BY queued_at LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING record_id, actor_type, actor_id, correlation_id
""")


@dataclass(frozen=True, slots=True)
class Fresh:
    """The state that an event brought, as public fields and in the canonical form."""

    object: str
    id: UUID
    fields: dict[str, Any]
    canonical: Canonical

    @classmethod
    def of(cls, kind: str, state: State) -> "Fresh":
        fields = state.model_dump(mode="json")
        return cls(kind, state.id, fields, canonical(kind, fields))

    @property
    def is_deleted(self) -> bool:
        return bool(self.fields["is_deleted"])

    @property
    def label(self) -> str:
        return label(self.object, self.fields)

    @property
    def exact(self) -> list[str]:
        return [] if self.is_deleted else exact_keys(self.canonical)

    @property
    def keys(self) -> list[str]:
        return [] if self.is_deleted else [*blocking_keys(self.canonical), *self.exact]

    def row(self) -> dict[str, Any]:
        return {
            "id": self.fields["id"],
            "object": self.object,
            "version": self.fields["version"],
            "label": self.label,
            "owner_id": self.fields["owner_id"],
            "is_private": bool(self.fields.get("is_private")),
            "canonical": self.canonical.as_json(),
            "fingerprint": fingerprint(self.canonical),
            "is_deleted": self.is_deleted,
        }


@dataclass(slots=True)
class Changes:
    """What is new in a batch: `touched` have other keys than before, or came, went or returned."""

    newer: list[Fresh] = field(default_factory=list)
    touched: list[UUID] = field(default_factory=list)


def fingerprint(record: Canonical) -> str:
    """Changes exactly when something changes that is compared."""
    compared = json.dumps([VERSION, record.as_json()], sort_keys=True)
    return hashlib.blake2b(compared.encode(), digest_size=12).hexdigest()


async def keep_records(session: AsyncSession, kind: str, states: Sequence[State]) -> None:
    """Takes over states of one object; older ones than stored change nothing."""
    changes = await _store(session, [Fresh.of(kind, state) for state in states])
    if not changes.newer:
        return
    await _keep_keys(session, changes.newer)
    if changes.touched:
        await _compare_now_or_later(session, changes.touched)
    # Last, because an API call that wants one of these keys waits until this transaction ends.
    await _keep_claims(session, changes.newer)


async def _store(session: AsyncSession, fresh: list[Fresh]) -> Changes:
    known = select(KnownRecord.id, KnownRecord.fingerprint, KnownRecord.is_deleted)
    rows = await session.execute(known.where(KnownRecord.id.in_([each.id for each in fresh])))
    before = {row.id: (row.fingerprint, row.is_deleted) for row in rows}
    written = {each.id: each.row() for each in fresh}
    stored = set((await session.execute(STORE, {"rows": json.dumps(list(written.values()))})).scalars())
    newer = [each for each in fresh if each.id in stored]
    after = {each.id: (written[each.id]["fingerprint"], each.is_deleted) for each in newer}
    return Changes(newer, [each.id for each in newer if before.get(each.id) != after[each.id]])


async def _keep_keys(session: AsyncSession, newer: list[Fresh]) -> None:
    rows = json.dumps([{"record_id": str(each.id), "key": key} for each in newer for key in each.keys])
    await session.execute(DROP_KEYS, {"ids": [each.id for each in newer], "rows": rows})
    await session.execute(ADD_KEYS, {"rows": rows})


async def _keep_claims(session: AsyncSession, newer: list[Fresh]) -> None:
    ids = [each.id for each in newer]
    exact = [
        {"record_id": str(each.id), "key": key, "object": each.object, "label": each.label}
        for each in newer
        for key in each.exact
    ]
    rows = json.dumps(exact)
    await session.execute(LOCK_CLAIMS, {"ids": ids})
    gone = [each.id for each in newer if each.is_deleted]
    released = (await session.execute(RELEASE, {"ids": ids, "gone": gone, "rows": rows})).all()
    await session.execute(CONFIRM, {"rows": rows})
    if released:
        places = json.dumps([{"object": kind, "key": key} for kind, key in released])
        await session.execute(INHERIT, {"places": places})


async def _compare_now_or_later(session: AsyncSession, ids: list[UUID]) -> None:
    if await _may_compare(session):
        await review_sets(session, ids)
        return
    who = context.actor.get()
    bound = {"ids": ids, "actor_type": who.type, "actor_id": who.id}
    await session.execute(QUEUE, {**bound, "correlation_id": context.current_correlation_id()})


async def _may_compare(session: AsyncSession) -> bool:
    statement = text("SELECT pg_try_advisory_xact_lock(:lock)")
    return bool((await session.execute(statement, {"lock": COMPARING})).scalar_one())


async def compare_queued(session: AsyncSession, limit: int) -> int:
    """Compares what was put off; 0 when nothing waits or somebody else is comparing."""
    if not await _may_compare(session):
        return 0
    rows = (await session.execute(TAKE_QUEUED, {"limit": limit})).all()
    if rows:
        who = context.Actor(rows[0].actor_type, rows[0].actor_id)
        with context.acting(who, correlation=rows[0].correlation_id):
            await review_sets(session, [row.record_id for row in rows])
    return len(rows)
