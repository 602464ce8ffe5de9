from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.zones import UnknownZone, zone
from notifications.domain.calendar import language_of
from notifications.domain.sight import Record
from notifications.domain.wording import Reader
from notifications.models import RecordReplica, UserReplica


async def user_by_id(session: AsyncSession, user_id: UUID) -> UserReplica | None:
    return await session.get(UserReplica, user_id)


def reader_of(user: UserReplica | None) -> Reader:
    """English and UTC until the person is known here."""
    zone_name = user.time_zone if user else "UTC"
    try:
        clock = zone(zone_name)
    except UnknownZone:
        # A newer identity may know a zone that this release's data lack: the mail must go out all the same.
        zone_name, clock = "UTC", zone("UTC")
    return Reader(language_of(user.locale if user else None), clock, zone_name)


async def name_of(session: AsyncSession, user_id: UUID | None) -> str:
    user = await user_by_id(session, user_id) if user_id else None
    return user.name if user else ""


async def records_of(session: AsyncSession, keys: Iterable[tuple[str, UUID]]) -> list[Record]:
    """What is known of these records, in their order; unknown ones are said to be so."""
    wanted = list(keys)
    ids = [record_id for _, record_id in wanted]
    found = await session.execute(select(RecordReplica).where(RecordReplica.id.in_(ids)))
    known = {row.id: row for row in found.scalars()}
    return [_record(object_name, known.get(record_id)) for object_name, record_id in wanted]


def _record(object_name: str, row: RecordReplica | None) -> Record:
    if row is None:
        return Record(object_name, is_known=False)
    return Record(row.object, row.label, row.owner_id, row.is_private)


async def database_now(session: AsyncSession) -> datetime:
    """The only clock that all processes share."""
    now: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return now
