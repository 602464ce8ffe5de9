"""Which worker reads an import in. The lease lives by the database's clock and is the fence of every chunk."""

from uuid import UUID

from sqlalchemy import Update, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from accounts.models import Import, ImportLease
from accounts.models.imports import UNFINISHED
from chassis.errors import ServiceError

# Longer than the slowest answer of dedup plus one chunk, short enough that a killed worker's import goes on soon.
LEASE = text("interval '15 seconds'")


class LeaseLost(ServiceError):
    """Another worker has taken over, or the import was cancelled."""

    code = "lease_lost"


async def take(session: AsyncSession, holder: UUID) -> UUID | None:
    """The oldest unfinished import that nobody is reading, now ours; None when there is nothing to do."""
    free = (
        select(ImportLease.import_id)
        .join(Import, Import.id == ImportLease.import_id)
        .where(Import.status.in_(UNFINISHED), ImportLease.until < func.clock_timestamp())
        .order_by(ImportLease.import_id)
        .limit(1)
        .with_for_update(of=ImportLease, skip_locked=True)
    )
    import_id = (await session.execute(free)).scalar_one_or_none()
    if import_id is not None:
        await session.execute(_extension(import_id).values(holder=holder))
    return import_id


async def renew(session: AsyncSession, import_id: UUID, holder: UUID) -> None:
    """Raises LeaseLost when somebody else holds it. The row stays locked until the transaction ends."""
    statement = _extension(import_id).where(ImportLease.holder == holder).returning(ImportLease.import_id)
    if (await session.execute(statement)).scalar_one_or_none() is None:
        raise LeaseLost("Another worker reads this import.")


async def give_back(session: AsyncSession, import_id: UUID, holder: UUID) -> None:
    """A worker that stops in good order lets the next one start at once."""
    await session.execute(
        update(ImportLease)
        .where(ImportLease.import_id == import_id, ImportLease.holder == holder)
        .values(holder=None, until=text("'-infinity'"))
    )


async def open_for(session: AsyncSession, import_id: UUID) -> None:
    await session.execute(insert(ImportLease).values(import_id=import_id).on_conflict_do_nothing())


def _extension(import_id: UUID) -> Update:
    return update(ImportLease).where(ImportLease.import_id == import_id).values(until=func.clock_timestamp() + LEASE)
