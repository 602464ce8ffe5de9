from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.models import UserReplica


async def user_by_id(session: AsyncSession, user_id: UUID) -> UserReplica | None:
    return await session.get(UserReplica, user_id)


async def zone_of(session: AsyncSession, user_id: UUID) -> str | None:
    """The person's time zone; None while the person is not known here."""
    return (await session.execute(select(UserReplica.time_zone).where(UserReplica.id == user_id))).scalar_one_or_none()


async def names_of(session: AsyncSession, user_ids: Iterable[UUID | None]) -> dict[UUID, str]:
    wanted = {user_id for user_id in user_ids if user_id is not None}
    if not wanted:
        return {}
    rows = await session.execute(select(UserReplica.id, UserReplica.name).where(UserReplica.id.in_(wanted)))
    return {row.id: row.name for row in rows}


async def teams_of(session: AsyncSession, user_ids: Iterable[UUID | None]) -> set[UUID]:
    """All teams of these people."""
    wanted = [user_id for user_id in user_ids if user_id is not None]
    rows = await session.execute(select(func.unnest(UserReplica.team_ids)).where(UserReplica.id.in_(wanted)))
    return set(rows.scalars())
