from collections.abc import Sequence
from typing import Any, cast

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from activities.commands.placing import roll_up_late
from activities.commands.reminding import fire, follow_user_zones, follow_zone_data
from activities.models import RecordReplica, Reminder, UserReplica
from activities.settings import ActivitySettings
from chassis.due import run_due
from chassis.projector import upsert_guarded
from chassis.service import Runtime
from chassis.subscriptions import Received, Subscriptions
from contracts.accounts import AccountState, ContactState
from contracts.identity import UserState
from contracts.leads import LeadState

log = structlog.get_logger(__name__)
subscriptions = Subscriptions()


@subscriptions.project("crm.identity.user")
async def keep_users(session: AsyncSession, batch: Sequence[Received]) -> None:
    rows = [_user_row(received.event.state) for received in batch if isinstance(received.event.state, UserState)]
    await upsert_guarded(session, UserReplica, rows)
    await follow_user_zones(session, [row["id"] for row in rows])


@subscriptions.project("crm.accounts.account")
async def keep_accounts(session: AsyncSession, batch: Sequence[Received]) -> None:
    states = [received.event.state for received in batch]
    rows = [
        {**_record_row("account", state), "label": state.name} for state in states if isinstance(state, AccountState)
    ]
    await upsert_guarded(session, RecordReplica, rows)


@subscriptions.project("crm.accounts.contact")
async def keep_contacts(session: AsyncSession, batch: Sequence[Received]) -> None:
    states = [received.event.state for received in batch]
    rows = [_contact_row(state) for state in states if isinstance(state, ContactState)]
    await upsert_guarded(session, RecordReplica, rows)
    await roll_up_late(session, [row["id"] for row in rows])


@subscriptions.project("crm.leads.lead")
async def keep_leads(session: AsyncSession, batch: Sequence[Received]) -> None:
    states = [received.event.state for received in batch]
    rows = [
        {**_record_row("lead", state), "label": lead_label(state)} for state in states if isinstance(state, LeadState)
    ]
    await upsert_guarded(session, RecordReplica, rows)


def _record_row(object_name: str, state: AccountState | ContactState | LeadState) -> dict[str, Any]:
    return {
        "id": state.id,
        "object": object_name,
        "version": state.version,
        "owner_id": state.owner_id,
        "is_deleted": state.is_deleted,
    }


def _contact_row(state: ContactState) -> dict[str, Any]:
    label = " ".join(filter(None, (state.first_name, state.last_name)))
    # The account decides, not the flag: a contact without one is private whatever a producer says.
    is_private = state.is_private or state.account_id is None
    row = _record_row("contact", state)
    return {**row, "label": label, "account_id": state.account_id, "is_private": is_private}


def lead_label(state: LeadState) -> str:
    person = " ".join(filter(None, (state.first_name, state.last_name)))
    return ", ".join(filter(None, (person, state.company))) or "Lead"


def _user_row(state: UserState) -> dict[str, Any]:
    return state.model_dump(include=set(UserReplica.__table__.columns.keys()))


async def fire_reminders(runtime: Runtime) -> None:
    """Any number of processes may run this; every reminder is fired by one of them."""
    settings = cast(ActivitySettings, runtime.settings)
    await recompute_instants(runtime)
    await run_due(runtime, Reminder, fire, batch=settings.reminder_batch)


async def recompute_instants(runtime: Runtime) -> None:
    """New time zone data may have moved what is pending."""
    async with runtime.db.transaction() as session:
        if await follow_zone_data(session):
            log.info("time_zone_data_changed")
