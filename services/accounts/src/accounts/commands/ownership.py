"""Who may be given a record, and who is on the owner's team."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from accounts.commands.errors import wrong
from accounts.models import Account, Contact, UserReplica
from chassis.access import Access


async def require_active_user(session: AsyncSession, user_id: UUID, pointer: str = "/owner_id") -> None:
    is_active = await session.scalar(select(UserReplica.is_active).where(UserReplica.id == user_id))
    if is_active is None:
        raise wrong(pointer, "user_unknown", "There is no such user.")
    if not is_active:
        raise wrong(pointer, "user_inactive", "This user can no longer sign in.")


async def require_right(session: AsyncSession, access: Access, record: Account | Contact) -> None:
    """Raises Forbidden for a record that the caller sees but may not change."""
    if not access.covers(record.owner_id):
        teams = await session.scalar(select(UserReplica.team_ids).where(UserReplica.id == record.owner_id))
        access.require(record.owner_id, teams or ())
