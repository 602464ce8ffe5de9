"""What leads hears: users, because they own leads and are members of queues by their teams."""

from collections.abc import Sequence
from typing import cast

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.projector import upsert_guarded
from chassis.subscriptions import Received, Subscriptions
from contracts.identity import UserState
from leads.models import UserReplica

subscriptions = Subscriptions()


@subscriptions.project("crm.identity.user")
async def keep_users(session: AsyncSession, batch: Sequence[Received]) -> None:
    names = ("id", "version", "name", "email", "roles", "team_ids", "is_active", "time_zone", "locale")
    users = [cast(UserState, received.event.state) for received in batch]
    await upsert_guarded(session, UserReplica, [{name: getattr(user, name) for name in names} for user in users])
