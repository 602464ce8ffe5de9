"""From a fact to the people it concerns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.accounts import AccountState, ContactState
from contracts.activities import ActivityState, Link, ReminderState
from contracts.dedup import DuplicateMember, DuplicateSetState
from contracts.leads import LeadState
from notifications.commands.telling import Notice, tell
from notifications.domain.kinds import Channel, Kind
from notifications.domain.sight import may_see_work
from notifications.domain.timing import DIGEST_DELAY, STALE_AFTER
from notifications.models import Bulk
from notifications.queries.people import name_of, records_of

Owned = AccountState | ContactState | LeadState
PATHS = {"account": "/accounts", "contact": "/contacts", "lead": "/leads"}


@dataclass(frozen=True)
class Cause:
    """Who caused the fact, and in which chain of work."""

    actor_id: UUID | None
    correlation_id: str
    is_bulk: bool = False


async def tell_new_owner(session: AsyncSession, object_name: str, label: str, state: Owned, cause: Cause) -> None:
    """A record got an owner; nobody is told of what he did himself."""
    if state.owner_id is None or state.owner_id == cause.actor_id:
        return
    values = {"label": label, "noun": object_name, "actor": await name_of(session, cause.actor_id)}
    notice = Notice(
        recipient_id=state.owner_id,
        kind=Kind.ASSIGNED,
        entity_id=state.id,
        entity_version=state.version,
        object=object_name,
        object_id=state.id,
        link=f"{PATHS[object_name]}/{state.id}",
        values=values,
    )
    await tell(session, notice)


async def tell_assignee(session: AsyncSession, state: ActivityState, cause: Cause) -> None:
    """Somebody got work from somebody else."""
    if state.assignee_id is None or state.assignee_id == cause.actor_id:
        return
    values = {
        **await _work(session, state.assignee_id, state.kind, state.subject, state.links),
        "actor": await name_of(session, cause.actor_id),
        "starts_at": state.starts_at and state.starts_at.isoformat(),
        "due_on": state.due_on and state.due_on.isoformat(),
    }
    notice = Notice(
        recipient_id=state.assignee_id,
        kind=Kind.ASSIGNED,
        entity_id=state.id,
        entity_version=state.version,
        object="activity",
        object_id=state.id,
        link=f"/activities/{state.id}",
        values=values,
    )
    await tell(session, notice)


async def tell_reminder(session: AsyncSession, state: ReminderState) -> None:
    """A reminder is due. What comes more than a day late is counted in one notice, without a mail for each."""
    late = timedelta(seconds=state.late_by_seconds)
    values = {
        **await _work(session, state.recipient_id, state.kind, state.subject, state.links),
        "starts_at": state.starts_at and state.starts_at.isoformat(),
        "due_on": state.due_on and state.due_on.isoformat(),
        "late": int(late.total_seconds() // 60),
    }
    notice = Notice(
        recipient_id=state.recipient_id,
        kind=Kind.REMINDER,
        entity_id=state.id,
        entity_version=state.occurrence,
        object="activity",
        object_id=state.activity_id,
        link=f"/activities/{state.activity_id}",
        values={**values, "missed": True} if late > STALE_AFTER else values,
        channels=_channels(state.channels),
        group=f"missed:{state.updated_at.date()}" if late > STALE_AFTER else "",
        mail_after=DIGEST_DELAY if late > STALE_AFTER else timedelta(0),
        group_link="/agenda",
    )
    await tell(session, notice)


def _channels(names: Sequence[str]) -> frozenset[Channel]:
    return frozenset(channel for channel in Channel if channel in names)


async def _work(
    session: AsyncSession, recipient_id: UUID, kind: str, subject: str, links: Sequence[Link]
) -> dict[str, Any]:
    """What may be said of an activity: nothing of a private contact to anybody but its owner."""
    records = await records_of(session, [(link.object, link.id) for link in links])
    shown = [record.label for record in records if record.label and record.is_shown_to(recipient_id)]
    return {"label": subject if may_see_work(records, recipient_id) else "", "noun": kind, "about": shown}


async def tell_owners_of_duplicates(session: AsyncSession, state: DuplicateSetState, cause: Cause) -> None:
    """Each owner of a member is told of his own record; the others' names are not said."""
    bulk = cause.is_bulk or await session.get(Bulk, cause.correlation_id) is not None
    owners = {member.owner_id for member in state.members if member.owner_id is not None}
    for owner_id in sorted(owners):
        own = next(member for member in state.members if member.owner_id == owner_id)
        await tell(session, _duplicate_notice(state, own, owner_id, cause, bulk))


def _duplicate_notice(
    state: DuplicateSetState, own: DuplicateMember, owner_id: UUID, cause: Cause, bulk: bool
) -> Notice:
    values = {"label": own.label, "noun": own.object, "members": len(state.members), "score": round(state.score * 100)}
    return Notice(
        recipient_id=owner_id,
        kind=Kind.DUPLICATE,
        entity_id=state.id,
        entity_version=state.version,
        object="duplicate_set",
        object_id=state.id,
        link=f"/duplicates/{state.id}",
        values=values,
        channels=frozenset({Channel.APP}) if bulk else frozenset(Channel),
        group=f"cause:{cause.correlation_id}",
        group_link="/duplicates",
        mail_after=DIGEST_DELAY,
    )
