"""Keeps the duplicate sets true after records changed: pairs anew, sets opened, extended or expired."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.outbox import emit_many
from contracts.dedup import DuplicateSetExpired, DuplicateSetExtended, DuplicateSetSuspected
from dedup.domain.grouping import Pair, best_pairs, components, regroup
from dedup.domain.score import SUSPECTED, Reason
from dedup.models import DuplicatePair, DuplicateSet, SetMember
from dedup.queries.candidates import Draft, Known, dismissed_pairs, is_dismissed, known_records, matches_for

HIDDEN_LABEL = "Private contact"
LONGEST_LABEL = 200

ALONE = text("""
    SELECT NOT EXISTS (SELECT FROM duplicate_pairs WHERE one_id = ANY(CAST(:ids AS uuid[])))
       AND NOT EXISTS (SELECT FROM duplicate_pairs WHERE other_id = ANY(CAST(:ids AS uuid[])))
       AND NOT EXISTS (SELECT FROM duplicate_set_members WHERE record_id = ANY(CAST(:ids AS uuid[])) AND is_open)
""")


async def review_sets(session: AsyncSession, ids: Sequence[UUID]) -> None:
    """`ids`: records that came, went, or changed in what is compared. Only one transaction at a time may do this."""
    fresh = await _fresh_pairs(session, await _live(session, ids))
    if not fresh and await _are_alone(session, ids):
        return
    touched = {*ids, *(side for pair in fresh for side in (pair.one, pair.other))}
    sets = await _open_sets_of(session, touched)
    around = touched.union(*(each.member_ids for each in sets.values()))
    anew = set(ids)
    kept = [pair for pair in await _stored_pairs(session, around) if pair.one not in anew and pair.other not in anew]
    pairs = [pair for pair in (*kept, *fresh) if pair.one in around and pair.other in around]
    await _store_pairs(session, ids, fresh)
    await _apply(session, sets, pairs)


async def _are_alone(session: AsyncSession, ids: Sequence[UUID]) -> bool:
    """Whether none of the records is in a pair or an open set, as nearly all that are new."""
    return bool((await session.execute(ALONE, {"ids": list(ids)})).scalar_one())


async def _live(session: AsyncSession, ids: Iterable[UUID]) -> list[Known]:
    known, rules = await known_records(session, ids)
    watched = [name for name, rule in rules.items() if {rule.terms.on_create, rule.terms.on_edit} != {"off"}]
    return [each for each in known if each.object in watched]


async def _fresh_pairs(session: AsyncSession, live: Sequence[Known]) -> list[Pair]:
    drafts = [Draft(each.id, each.canonical) for each in live]
    found = (await matches_for(session, drafts, SUSPECTED, are_stored=True)).matches
    alike = [each.id for each, matches in zip(live, found, strict=True) if matches]
    rejected = await dismissed_pairs(session, alike)
    pairs: dict[tuple[UUID, UUID], Pair] = {}
    for each, matches in zip(live, found, strict=True):
        for match in matches:
            if is_dismissed(rejected, (each.id, each.fingerprint), (match.known.id, match.known.fingerprint)):
                continue
            pair = Pair.of(each.id, match.known.id, match.comparison.score, match.comparison.reasons)
            pairs[pair.one, pair.other] = pair
    return [pairs[ends] for ends in sorted(pairs)]


async def _open_sets_of(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, DuplicateSet]:
    members = select(SetMember.set_id).where(SetMember.record_id.in_(list(ids)), SetMember.is_open)
    statement = select(DuplicateSet).where(DuplicateSet.id.in_(members)).order_by(DuplicateSet.id).with_for_update()
    return {each.id: each for each in (await session.execute(statement)).scalars()}


async def _stored_pairs(session: AsyncSession, ids: Iterable[UUID]) -> list[Pair]:
    wanted = list(ids)
    touching = or_(DuplicatePair.one_id.in_(wanted), DuplicatePair.other_id.in_(wanted))
    # Columns and not entities: thousands of pairs may be read for a handful of sets.
    columns = select(DuplicatePair.one_id, DuplicatePair.other_id, DuplicatePair.score, DuplicatePair.reasons)
    rows = await session.execute(columns.where(touching))
    return [
        Pair(one, other, score, tuple(Reason(**reason) for reason in reasons)) for one, other, score, reasons in rows
    ]


async def _store_pairs(session: AsyncSession, ids: Sequence[UUID], fresh: Sequence[Pair]) -> None:
    touching = or_(DuplicatePair.one_id.in_(ids), DuplicatePair.other_id.in_(ids))
    await session.execute(delete(DuplicatePair).where(touching))
    if fresh:
        rows = [
            {
                "one_id": pair.one,
                "other_id": pair.other,
                "score": pair.score,
                "reasons": [asdict(reason) for reason in pair.reasons],
            }
            for pair in fresh
        ]
        await session.execute(insert(DuplicatePair), rows)


async def _apply(session: AsyncSession, sets: Mapping[UUID, DuplicateSet], pairs: Sequence[Pair]) -> None:
    groups = components(pairs)
    plan = regroup({set_id: each.member_ids for set_id, each in sets.items()}, groups)
    members = await _members(session, groups, pairs)
    await _leave(session, sets)
    expired = [sets[set_id] for set_id in plan.expired]
    for each in expired:
        each.status = "expired"
    changed = [sets[set_id] for set_id, group in plan.kept.items() if sets[set_id].hold(*members[group])]
    opened = [_opened(*members[group]) for group in plan.fresh]
    session.add_all(opened)
    await session.flush()
    kept = [*plan.kept.items(), *((each.id, group) for each, group in zip(opened, plan.fresh, strict=True))]
    await _join(session, kept)
    await emit_many(session, DuplicateSetExpired, expired)
    await emit_many(session, DuplicateSetExtended, changed)
    await emit_many(session, DuplicateSetSuspected, opened)


def _opened(members: list[dict[str, Any]], owner_ids: list[UUID]) -> DuplicateSet:
    fresh = DuplicateSet(status="open", members=[], owner_ids=[])
    fresh.hold(members, owner_ids)
    return fresh


async def _leave(session: AsyncSession, sets: Iterable[UUID]) -> None:
    wanted = list(sets)
    if wanted:
        await session.execute(update(SetMember).where(SetMember.set_id.in_(wanted)).values(is_open=False))


async def _join(session: AsyncSession, sets: Iterable[tuple[UUID, tuple[UUID, ...]]]) -> None:
    rows = [{"set_id": set_id, "record_id": member, "is_open": True} for set_id, group in sets for member in group]
    if rows:
        statement = insert(SetMember).on_conflict_do_update(
            index_elements=[SetMember.set_id, SetMember.record_id], set_={"is_open": True}
        )
        await session.execute(statement, rows)


# `like` is not part of the event: readers who may not see that record do not get the reasons either.
Members = dict[tuple[UUID, ...], tuple[list[dict[str, Any]], list[UUID]]]


async def _members(session: AsyncSession, groups: Sequence[tuple[UUID, ...]], pairs: Sequence[Pair]) -> Members:
    """For each group its members as the event shows them, and the owners."""
    wanted = [member for group in groups for member in group]
    known, _ = await known_records(session, wanted)
    records = {record.id: record for record in known}
    best = best_pairs(groups, pairs)
    return {group: _shown(group, records, best) for group in groups}


def _shown(
    group: tuple[UUID, ...], records: Mapping[UUID, Known], best: Mapping[UUID, Pair]
) -> tuple[list[dict[str, Any]], list[UUID]]:
    members = [_member(records[member], best[member]) for member in group]
    owners = {records[member].owner_id for member in group}
    return members, sorted(owner for owner in owners if owner is not None)


def _member(record: Known, pair: Pair) -> dict[str, Any]:
    """Events reach everybody who subscribes, so a private contact is there without its name and owner."""
    return {
        "object": record.object,
        "id": str(record.id),
        "label": HIDDEN_LABEL if record.is_private else record.label[:LONGEST_LABEL],
        "score": pair.score,
        "reasons": [asdict(reason) for reason in pair.reasons],
        "owner_id": None if record.is_private or record.owner_id is None else str(record.owner_id),
        "like": str(pair.other if pair.one == record.id else pair.one),
    }
