"""Two small services on the real chassis: identity owns teams and alarms, notifications hears of every change.

Each database has a `ledger` besides: one row per event, written by the transaction that emits it. Whatever the ledger
holds has been committed, whatever it does not hold has not; no other witness is needed.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import cast
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import BigInteger, Boolean, DateTime, Identity, Integer, Text, func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from chassis.access import Policy
from chassis.db import Record, new_metadata
from chassis.due import run_due
from chassis.outbox import emit
from chassis.projector import upsert_guarded
from chassis.service import Runtime, Service, Worker
from chassis.settings import ServiceSettings
from chassis.subscriptions import Received, Subscriptions
from chassis.unit import unit_of
from contracts.identity import TeamChanged, TeamCreated, TeamDeleted, TeamState
from contracts.notifications import NotificationCreated, NotificationState

TEAMS, NOTICES = "crm.identity.team", "crm.notifications.notification"
TEAM_STATES = f"{TEAMS}.state"
NOBODY = UUID(int=0)


class OwnerBase(DeclarativeBase):
    metadata = new_metadata()


class SubscriberBase(DeclarativeBase):
    metadata = new_metadata()


class LedgerColumns:
    """What one event is, as its transaction knew it."""

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[UUID] = mapped_column()
    version: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp())

    @declared_attr.directive
    def __tablename__(cls) -> str:
        return "ledger"


class OwnerLedger(LedgerColumns, OwnerBase): ...


class SubscriberLedger(LedgerColumns, SubscriberBase): ...


class Team(OwnerBase, Record):
    """Named late in the alphabet on purpose: the unit of work flushes tables in the order of their names."""

    __tablename__ = "zz_teams"
    name: Mapped[str] = mapped_column(Text)
    is_deleted: Mapped[bool] = mapped_column(Boolean, default=False)

    def state(self) -> TeamState:
        return TeamState.model_validate(self, from_attributes=True)


class Alarm(OwnerBase):
    """A due queue; `fired` counts, so that a second firing would be seen."""

    __tablename__ = "alarms"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    team_id: Mapped[UUID] = mapped_column()
    state: Mapped[str] = mapped_column(Text, default="pending")
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    fired: Mapped[int] = mapped_column(Integer, default=0)
    fired_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class TeamReplica(SubscriberBase):
    __tablename__ = "team_replicas"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(Text)
    is_deleted: Mapped[bool] = mapped_column(Boolean)


class Effect(SubscriberBase):
    """One row per event that was acted on; `times` counts, `seq` shows the order within a key."""

    __tablename__ = "effects"
    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    event_id: Mapped[UUID] = mapped_column(unique=True)
    key: Mapped[UUID] = mapped_column()
    version: Mapped[int] = mapped_column(BigInteger)
    times: Mapped[int] = mapped_column(Integer, default=1)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp())


class Notice(SubscriberBase, Record):
    """What the reactor makes and publishes itself: the second link of the chain."""

    __tablename__ = "notices"
    team_id: Mapped[UUID] = mapped_column()

    def state(self) -> NotificationState:
        return NotificationState(
            id=self.id,
            version=self.version,
            created_at=self.created_at,
            updated_at=self.updated_at,
            recipient_id=NOBODY,
            kind="assigned",
            title="team",
            object_id=self.team_id,
        )


class Poisoned(SubscriberBase):
    """Keys on which the consumer functions fail, until somebody "deploys the fix" and deletes the row."""

    __tablename__ = "poisoned"
    key: Mapped[UUID] = mapped_column(primary_key=True)


class Regression(SubscriberBase):
    """Written by a trigger whenever a replica's row does not move forward."""

    __tablename__ = "regressions"
    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    key: Mapped[UUID] = mapped_column()
    from_version: Mapped[int] = mapped_column(BigInteger)
    to_version: Mapped[int] = mapped_column(BigInteger)


TRIGGER = (
    """create function note_regression() returns trigger language plpgsql as $$ begin
         insert into regressions (key, from_version, to_version) values (old.id, old.version, new.version);
         return new;
       end $$""",
    """create trigger forward_only before update on team_replicas for each row
         when (new.version <= old.version) execute function note_regression()""",
)


class HandlerBug(Exception):
    """What a consumer function with a bug raises."""


async def create_tables(connection: AsyncConnection, base: type[DeclarativeBase]) -> None:
    """The chassis' tables, the sample's, and for the subscriber the trigger."""
    await connection.run_sync(base.metadata.create_all)
    for statement in TRIGGER if base is SubscriberBase else ():
        await connection.execute(text(statement))


async def enter(session: AsyncSession, ledger: type[OwnerLedger] | type[SubscriberLedger]) -> None:
    """The last thing before a transaction ends: its events into its ledger."""
    rows = [
        {
            "event_id": event["event_id"],
            "key": event["aggregate_id"],
            "version": event["version"],
            "digest": digest(event["payload"]),
        }
        for event in unit_of(session).events
    ]
    if rows:
        await session.execute(insert(ledger), rows)


def digest(value: bytes | str | None) -> str:
    raw = value.encode() if isinstance(value, str) else value
    return sha256(raw or b"").hexdigest()[:20]


async def ring(session: AsyncSession, alarms: Sequence[Alarm]) -> None:
    """What the owner does when alarms are due: the teams change once more."""
    for alarm in sorted(alarms, key=lambda each: str(each.team_id)):
        team = await session.get(Team, alarm.team_id, with_for_update=True)
        alarm.state = "done"
        alarm.fired = Alarm.fired + 1
        alarm.fired_at = func.clock_timestamp()
        if team is not None and not team.is_deleted:
            team.name = f"rang {alarm.id}"
            await emit(session, TeamChanged, team)
    await enter(session, OwnerLedger)


async def _keep_alarms(runtime: Runtime) -> None:
    await run_due(runtime, Alarm, ring, poll=0.3, batch=20)


subscriptions = Subscriptions()


@subscriptions.project(TEAMS)
async def keep_team_replica(session: AsyncSession, batch: Sequence[Received]) -> None:
    await _fail_for_poisoned(session, [received.event.state.id for received in batch])
    await upsert_guarded(session, TeamReplica, [_replica(received) for received in batch])


def _replica(received: Received) -> dict[str, object]:
    state = cast(TeamState, received.event.state)
    is_deleted = isinstance(received.event, TeamDeleted)
    return {"id": state.id, "version": state.version, "name": state.name, "is_deleted": is_deleted}


@subscriptions.react(TeamCreated, TeamChanged, TeamDeleted)
async def tell_about_team(session: AsyncSession, event: TeamChanged, received: Received) -> None:
    await _fail_for_poisoned(session, [event.state.id])
    row = {"event_id": received.envelope.id, "key": event.state.id, "version": event.state.version, "times": 1}
    counted = upsert(Effect).values(row)
    again = counted.on_conflict_do_update(index_elements=[Effect.event_id], set_={"times": Effect.times + 1})
    await session.execute(again)
    notice = Notice(team_id=event.state.id)
    session.add(notice)
    await emit(session, NotificationCreated, notice)
    await enter(session, SubscriberLedger)


async def _fail_for_poisoned(session: AsyncSession, keys: Sequence[UUID]) -> None:
    found = await session.execute(select(Poisoned.key).where(Poisoned.key.in_(keys)))
    if poisoned := found.scalars().all():
        raise HandlerBug(f"a bug with {poisoned[0]}")


owner = Service(
    name="identity",
    settings=ServiceSettings,
    router=APIRouter(),
    policy=Policy({}),
    metadata=OwnerBase.metadata,
    workers=(Worker("alarms", _keep_alarms),),
)
subscriber = Service(
    name="notifications",
    settings=ServiceSettings,
    router=APIRouter(),
    policy=Policy({}),
    metadata=SubscriberBase.metadata,
    subscriptions=subscriptions,
)
