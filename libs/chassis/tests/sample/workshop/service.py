"""Publishes teams, as identity does; the package has another name than the service."""

from collections.abc import Sequence
from typing import cast

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.projector import upsert_guarded
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.subscriptions import Received, Subscriptions
from contracts.identity import UserDeactivated, UserState
from workshop.api import POLICY, TEAMS, router
from workshop.models import Base, Team, UserReplica

subscriptions = Subscriptions()


@subscriptions.project("crm.identity.user")
async def keep_user_replica(session: AsyncSession, batch: Sequence[Received]) -> None:
    states = [cast(UserState, received.event.state) for received in batch]
    rows = [{"id": s.id, "version": s.version, "name": s.name, "team_ids": s.team_ids} for s in states]
    await upsert_guarded(session, UserReplica, rows)


@subscriptions.react(UserDeactivated)
async def open_team_in_memory(session: AsyncSession, event: UserDeactivated, received: Received) -> None:
    if event.state.name == "Trouble":
        raise RuntimeError("no team for Trouble")
    session.add(Team(name=f"In memory of {event.state.name}"))


service = Service(
    name="identity",
    package="workshop",
    settings=ServiceSettings,
    router=router,
    metadata=Base.metadata,
    policy=POLICY,
    subscriptions=subscriptions,
    objects=(TEAMS,),
)
