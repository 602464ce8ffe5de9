from datetime import UTC, datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.subscriptions import Received
from contracts.accounts import AccountAssigned, ContactAssigned
from contracts.activities import ActivityAssigned, ActivityScheduled, ReminderDue
from contracts.dedup import DuplicateSetSuspected
from contracts.leads import LeadAssigned
from notifications.commands.noticing import (
    Cause,
    tell_assignee,
    tell_new_owner,
    tell_owners_of_duplicates,
    tell_reminder,
)
from notifications.consumers.replicas import lead_label, person_label, subscriptions
from notifications.domain.timing import is_stale

log = structlog.get_logger(__name__)


@subscriptions.react(AccountAssigned)
async def tell_owner_of_account(session: AsyncSession, event: AccountAssigned, received: Received) -> None:
    if is_news(received):
        await tell_new_owner(session, "account", event.state.name, event.state, cause_of(received))


@subscriptions.react(ContactAssigned)
async def tell_owner_of_contact(session: AsyncSession, event: ContactAssigned, received: Received) -> None:
    if is_news(received):
        await tell_new_owner(session, "contact", person_label(event.state), event.state, cause_of(received))


@subscriptions.react(LeadAssigned)
async def tell_owner_of_lead(session: AsyncSession, event: LeadAssigned, received: Received) -> None:
    if is_news(received):
        await tell_new_owner(session, "lead", lead_label(event.state), event.state, cause_of(received))


@subscriptions.react(ActivityScheduled, ActivityAssigned)
async def tell_assignee_of_work(
    session: AsyncSession, event: ActivityScheduled | ActivityAssigned, received: Received
) -> None:
    if is_news(received):
        await tell_assignee(session, event.state, cause_of(received))


@subscriptions.react(ReminderDue)
async def remind(session: AsyncSession, event: ReminderDue, received: Received) -> None:
    if is_news(received):
        await tell_reminder(session, event.state)


@subscriptions.react(DuplicateSetSuspected)
async def tell_owners_of_duplicate_set(session: AsyncSession, event: DuplicateSetSuspected, received: Received) -> None:
    if is_news(received):
        await tell_owners_of_duplicates(session, event.state, cause_of(received))


def is_news(received: Received) -> bool:
    """Yesterday's events tell nobody anything: they come from a rewind, and their inbox may be forgotten already."""
    stale = is_stale(received.envelope.time, datetime.now(UTC))
    if stale:
        log.info("stale_event_not_told", event_id=str(received.envelope.id), type=received.envelope.type)
    return not stale


def cause_of(received: Received) -> Cause:
    envelope = received.envelope
    actor_id = UUID(envelope.actor_id) if envelope.actor_type == "user" and envelope.actor_id else None
    return Cause(actor_id, envelope.correlation_id, is_bulk=envelope.actor_type == "import")
