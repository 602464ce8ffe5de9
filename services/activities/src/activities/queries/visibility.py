"""Who may see which activity. A private contact is its owner's business only, and so is all that hangs on it."""

from collections.abc import Callable

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, true
from sqlalchemy.orm import aliased

from activities.models import Activity, RecordReplica, TimelineEntry, UserReplica
from chassis.access import Access
from chassis.auth import Principal


def record_is_visible(principal: Principal, record: type[RecordReplica] = RecordReplica) -> ColumnElement[bool]:
    """Condition on a joined record: known here, and not another user's private contact."""
    if principal.is_admin:
        return true()
    return and_(record.version > 0, or_(~record.is_private, record.owner_id == principal.id))


def activity_is_visible(access: Access) -> ColumnElement[bool]:
    """Condition on activities: in the caller's scope, and at least one linked record may be seen.

    Work on a record that is not known here yet is shown to the people who do it only: the record may turn out private.
    """
    principal = access.principal
    scope = or_(access.rows(Activity.owner_id, UserReplica), access.rows(Activity.assignee_id, UserReplica))
    alive = Activity.deleted_at.is_(None)
    if principal.is_admin:
        return and_(alive, scope)
    mine = or_(Activity.owner_id == principal.id, Activity.assignee_id == principal.id)
    unlinked = func.jsonb_array_length(Activity.links) == 0
    seen = _has_link(lambda record: record_is_visible(principal, record))
    unknown = and_(mine, _has_link(lambda record: record.version == 0))
    return and_(alive, scope, or_(unlinked, seen, unknown))


def _has_link(condition: Callable[[type[RecordReplica]], ColumnElement[bool]]) -> ColumnElement[bool]:
    """Whether an activity is linked, not merely rolled up, to a record of which the condition holds."""
    entry, record = aliased(TimelineEntry), aliased(RecordReplica)
    return exists(
        select(entry.activity_id)
        .join(record, record.id == entry.record_id)
        .where(entry.activity_id == Activity.id, entry.via_id.is_(None), condition(record))
    )
