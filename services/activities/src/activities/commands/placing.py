"""Where an activity stands on timelines: on each linked record, and through a contact on its account."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Text, Uuid, cast, delete, exists, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from activities.models import Activity, RecordReplica, TimelineEntry

Key = tuple[str, UUID]
COPIED = ("kind", "status", "at", "rank", "is_contact")


async def place(session: AsyncSession, activity: Activity, records: dict[UUID, RecordReplica], now: datetime) -> None:
    """Brings the entries of a flushed activity in line with its links, its time and its status."""
    entries = await _entries(session, activity.id)
    for entry in entries.values():
        entry.follow(activity)
    direct = {(link["object"], UUID(link["id"])): None for link in activity.links}
    for key, entry in list(entries.items()):
        if entry.via_id is None and key not in direct:
            await session.delete(entries.pop(key))
    for key in direct:
        if key not in entries or entries[key].via_id is not None:
            await _replace(session, entries, _direct_entry(activity, key, records, now))
    await _roll_up(session, activity, entries, now)
    await session.flush()


async def remove(session: AsyncSession, activity: Activity) -> None:
    await session.execute(delete(TimelineEntry).where(TimelineEntry.activity_id == activity.id))


async def _entries(session: AsyncSession, activity_id: UUID) -> dict[Key, TimelineEntry]:
    stored = select(TimelineEntry).where(TimelineEntry.activity_id == activity_id).with_for_update()
    return {(entry.object, entry.record_id): entry for entry in (await session.execute(stored)).scalars()}


async def _replace(session: AsyncSession, entries: dict[Key, TimelineEntry], entry: TimelineEntry) -> None:
    key = (entry.object, entry.record_id)
    if key in entries:
        await session.delete(entries[key])
        await session.flush()
    entries[key] = entry
    session.add(entry)


def _direct_entry(activity: Activity, key: Key, records: dict[UUID, RecordReplica], now: datetime) -> TimelineEntry:
    record = records.get(key[1])
    is_known = record is not None and record.version > 0
    shared = record is not None and not record.is_private
    entry = TimelineEntry(
        activity_id=activity.id,
        object=key[0],
        record_id=key[1],
        account_id=record.account_id if record and shared and key[0] == "contact" else None,
        resolved_at=now if is_known else None,
    )
    entry.follow(activity)
    return entry


async def _roll_up(session: AsyncSession, activity: Activity, entries: dict[Key, TimelineEntry], now: datetime) -> None:
    """An explicit account wins; otherwise every contact leads to the account it had when it was linked."""
    wanted = {} if _names_account(entries.values()) else _accounts_by_contact(entries.values())
    for key, entry in list(entries.items()):
        if entry.via_id is not None and wanted.get(entry.record_id) != entry.via_id:
            await session.delete(entries.pop(key))
    await session.flush()
    for account_id, contact_id in wanted.items():
        if ("account", account_id) not in entries:
            entry = TimelineEntry(
                activity_id=activity.id, object="account", record_id=account_id, via_id=contact_id, resolved_at=now
            )
            entry.follow(activity)
            entries["account", account_id] = entry
            session.add(entry)


def _names_account(entries: Iterable[TimelineEntry]) -> bool:
    return any(entry.object == "account" and entry.via_id is None for entry in entries)


def _accounts_by_contact(entries: Iterable[TimelineEntry]) -> dict[UUID, UUID]:
    found: dict[UUID, UUID] = {}
    for entry in sorted(entries, key=lambda entry: entry.record_id):
        if entry.object == "contact" and entry.account_id is not None:
            found.setdefault(entry.account_id, entry.record_id)
    return found


async def announce(session: AsyncSession, links: Iterable[Key]) -> None:
    """Leaves a mark for linked records that are not known here yet.

    The projector writes the same row, so whichever of the two comes second waits for the other and sees its work:
    no contact slips between "not known yet" and "already rolled up".
    """
    rows = [{"id": record_id, "object": object_name, "version": 0} for object_name, record_id in sorted(set(links))]
    if rows:
        await session.execute(upsert(RecordReplica).on_conflict_do_nothing(), rows)


async def roll_up_late(session: AsyncSession, contact_ids: Sequence[UUID]) -> None:
    """Rolls up what was linked to contacts before they were known here."""
    resolved = (
        update(TimelineEntry)
        .where(
            TimelineEntry.object == "contact",
            TimelineEntry.record_id.in_(contact_ids),
            TimelineEntry.resolved_at.is_(None),
            RecordReplica.id == TimelineEntry.record_id,
            RecordReplica.version > 0,
        )
        .values(account_id=RecordReplica.account_id, resolved_at=func.now())
        .returning(TimelineEntry.activity_id)
    )
    activity_ids = set((await session.execute(resolved)).scalars())
    if activity_ids:
        await _insert_late(session, activity_ids)


async def _insert_late(session: AsyncSession, activity_ids: set[UUID]) -> None:
    contact, direct = TimelineEntry, aliased(TimelineEntry)
    named = exists().where(
        direct.activity_id == contact.activity_id, direct.object == "account", direct.via_id.is_(None)
    )
    copied = [getattr(contact, name) for name in COPIED]
    rows = (
        select(
            contact.activity_id,
            literal("account"),
            contact.account_id,
            # uuid has no min()
            func.min(cast(contact.record_id, Text)).cast(Uuid),
            func.now(),
            *copied,
        )
        .where(contact.activity_id.in_(activity_ids), contact.object == "contact", contact.account_id.is_not(None))
        .where(~named)
        .group_by(contact.activity_id, contact.account_id, *copied)
    )
    columns = ["activity_id", "object", "record_id", "via_id", "resolved_at", *COPIED]
    await session.execute(upsert(TimelineEntry).from_select(columns, rows).on_conflict_do_nothing())
