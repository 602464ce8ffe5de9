from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.models import RecordReplica
from activities.queries.visibility import record_is_visible
from chassis.auth import Principal
from chassis.errors import NotFound

Labels = dict[UUID, str | None]


class RecordNotFound(NotFound):
    code = "record_not_found"
    title = "There is no such record"


async def labels_for(session: AsyncSession, record_ids: Sequence[UUID], principal: Principal) -> Labels:
    """Labels of the records that the person may see; None for those that are not known here yet."""
    if not record_ids:
        return {}
    shown = or_(record_is_visible(principal), RecordReplica.version == 0)
    wanted = select(RecordReplica.id, RecordReplica.label, RecordReplica.version)
    rows = await session.execute(wanted.where(RecordReplica.id.in_(set(record_ids)), shown))
    return {record_id: label if version else None for record_id, label, version in rows.all()}


async def require_visible(session: AsyncSession, object_name: str, record_id: UUID, principal: Principal) -> None:
    """Raises RecordNotFound for another user's private contact and for what is deleted.

    A record that is not known here yet has an empty timeline rather than none: it may be a second old.
    """
    record = await session.get(RecordReplica, record_id)
    if record is None or record.version == 0:
        return
    hidden = record.is_private and record.owner_id != principal.id and not principal.is_admin
    if hidden or record.is_deleted or record.object != object_name:
        raise RecordNotFound()
