"""A consumer whose only effects are rows without any constraint, in a process that dies or freezes when it is told."""

import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from chassis import failpoints, reactor
from chassis.consumer import ConsumerLoop
from chassis.db import Database
from chassis.kafka import Bus, Partition, SourceRecord
from chassis.projector import Batch, Fenced, Intake
from chassis.reactor import ReactorLoop
from chassis.subscriptions import Received, Subscriptions
from contracts.identity import TeamChanged, TeamCreated

TOPIC = "crm.identity.team"
TABLES = """
create table projected (n bigint generated always as identity, key text, version bigint);
create table handled (n bigint generated always as identity, key text, version bigint);
create table fenced (n bigint generated always as identity)"""

subscriptions = Subscriptions()


@subscriptions.project(TOPIC)
async def count_projected(session: Any, batch: Sequence[Received]) -> None:
    await session.execute(
        text("insert into projected (key, version) values (:key, :version)"),
        [{"key": each.envelope.subject, "version": each.event.state.version} for each in batch],
    )


@subscriptions.react(TeamCreated, TeamChanged)
async def count_handled(session: Any, event: Any, received: Received) -> None:
    values = {"key": received.envelope.subject, "version": event.state.version}
    await session.execute(text("insert into handled (key, version) values (:key, :version)"), values)


@dataclass(frozen=True)
class FreezingIntake(Intake):
    """Stops the whole process once, between the fetch and the compare-and-set, until somebody continues it."""

    async def take(self, at: Partition, start: int, records: Sequence[SourceRecord]) -> int:
        return (await self.take_together([Batch(at, start, records)]))[at]

    async def take_together(self, batches: Sequence[Batch]) -> dict[Partition, int]:
        if not self.may_wait:
            self.may_wait.add("frozen")
            os.kill(os.getpid(), signal.SIGSTOP)
        try:
            return await super().take_together(batches)
        except Fenced:
            async with self.database.transaction() as session:
                await session.execute(text("insert into fenced default values"))
            raise

    def assigned(self) -> None:
        """Nothing was ever set aside here."""


def consume(url: str, kafka: str, group: str, failpoint: str = "", freeze: bool = False) -> None:
    """A member of the group with its reactor, until it is killed."""
    failpoints.arm({failpoints.VARIABLE: failpoint})
    # What the dead had in hand is taken over soon.
    reactor.LEASE_SECONDS = 5
    asyncio.run(_consume(url, kafka, group, FreezingIntake if freeze else Intake))


async def _consume(url: str, kafka: str, group: str, intake: type[Intake]) -> None:
    database, stopping, applied = Database(url, "identity", pool_size=5), asyncio.Event(), asyncio.Event()
    made = intake(database, group, subscriptions)
    consumer = ConsumerLoop(Bus(kafka, "counting", member_timeout=3.0), made, stopping, applied)
    await asyncio.gather(consumer.run(), ReactorLoop(database, subscriptions, stopping, applied).run())
