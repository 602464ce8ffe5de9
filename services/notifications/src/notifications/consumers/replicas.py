from collections.abc import Sequence
from typing import Any

from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.projector import upsert_guarded
from chassis.subscriptions import Received, Subscriptions
from contracts.accounts import AccountState, ContactState
from contracts.identity import UserState
from contracts.leads import LeadState
from notifications.models import Bulk, RecordReplica, UserReplica

subscriptions = Subscriptions()


@subscriptions.project("crm.identity.user")
async def keep_users(session: AsyncSession, batch: Sequence[Received]) -> None:
    states = [received.event.state for received in batch]
    columns = set(UserReplica.__table__.columns.keys())
    rows = [state.model_dump(include=columns) for state in states if isinstance(state, UserState)]
    await upsert_guarded(session, UserReplica, rows)


@subscriptions.project("crm.accounts.account")
async def keep_accounts(session: AsyncSession, batch: Sequence[Received]) -> None:
    states = [received.event.state for received in batch]
    rows = [_row("account", state, state.name) for state in states if isinstance(state, AccountState)]
    await upsert_guarded(session, RecordReplica, rows)


@subscriptions.project("crm.accounts.contact")
async def keep_contacts(session: AsyncSession, batch: Sequence[Received]) -> None:
    states = [received.event.state for received in batch]
    rows = [
        _row("contact", state, person_label(state), is_private=state.is_private or state.account_id is None)
        for state in states
        if isinstance(state, ContactState)
    ]
    await upsert_guarded(session, RecordReplica, rows)


@subscriptions.project("crm.leads.lead")
async def keep_leads(session: AsyncSession, batch: Sequence[Received]) -> None:
    states = [received.event.state for received in batch]
    rows = [_row("lead", state, lead_label(state)) for state in states if isinstance(state, LeadState)]
    await upsert_guarded(session, RecordReplica, rows)


@subscriptions.project("crm.accounts.import")
async def keep_bulks(session: AsyncSession, batch: Sequence[Received]) -> None:
    """What an import causes carries its correlation id; an importer may also use the import's own id."""
    ids = {received.envelope.correlation_id for received in batch} | {received.envelope.subject for received in batch}
    rows = [{"correlation_id": each} for each in sorted(ids)]
    await session.execute(upsert(Bulk).on_conflict_do_nothing(), rows)


def _row(
    object_name: str, state: AccountState | ContactState | LeadState, label: str, *, is_private: bool = False
) -> dict[str, Any]:
    return {
        "id": state.id,
        "object": object_name,
        "version": state.version,
        "label": label,
        "owner_id": state.owner_id,
        "is_private": is_private,
    }


def person_label(state: ContactState | LeadState) -> str:
    return " ".join(filter(None, (state.first_name, state.last_name)))


def lead_label(state: LeadState) -> str:
    return ", ".join(filter(None, (person_label(state), state.company)))
