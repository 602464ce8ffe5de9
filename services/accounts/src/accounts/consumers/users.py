from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from accounts.models import UserReplica
from chassis.projector import upsert_guarded
from chassis.subscriptions import Received, Subscriptions
from contracts.identity import UserState

subscriptions = Subscriptions()

KEPT = ("id", "version", "name", "email", "roles", "team_ids", "is_active", "time_zone", "locale")


@subscriptions.project("crm.identity.user")
async def keep_user_replica(session: AsyncSession, batch: Sequence[Received]) -> None:
    states = [received.event.state for received in batch]
    await upsert_guarded(
        session,
        UserReplica,
        [{name: getattr(state, name) for name in KEPT} for state in states if isinstance(state, UserState)],
    )
