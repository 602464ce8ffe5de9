"""What dedup hears: the records it compares, and the users whose names it shows."""

from collections.abc import Sequence
from typing import cast

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.projector import upsert_guarded
from chassis.subscriptions import Received, Subscriptions
from contracts.identity import UserState
from dedup.commands.records import keep_records
from dedup.models import UserReplica

subscriptions = Subscriptions()


@subscriptions.project("crm.accounts.account")
async def keep_accounts(session: AsyncSession, batch: Sequence[Received]) -> None:
    await keep_records(session, "account", [received.event.state for received in batch])


@subscriptions.project("crm.accounts.contact")
async def keep_contacts(session: AsyncSession, batch: Sequence[Received]) -> None:
    await keep_records(session, "contact", [received.event.state for received in batch])


@subscriptions.project("crm.leads.lead")
async def keep_leads(session: AsyncSession, batch: Sequence[Received]) -> None:
    await keep_records(session, "lead", [received.event.state for received in batch])


@subscriptions.project("crm.identity.user")
async def keep_users(session: AsyncSession, batch: Sequence[Received]) -> None:
    names = ("id", "version", "name", "email", "roles", "team_ids", "is_active", "time_zone", "locale")
    users = [cast(UserState, received.event.state) for received in batch]
    await upsert_guarded(session, UserReplica, [{name: getattr(user, name) for name in names} for user in users])
