"""A tiny producer of the team topic, in a database of its own, and the loops run against a real broker."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from chassis.db import Database
from chassis.kafka import Bus, Client
from chassis.outbox import emit
from chassis.projector import Intake, upsert_guarded
from chassis.relay import Relay
from chassis.subscriptions import Received, Subscriptions
from chassis.worker import plain_dsn
from contracts.catalogue import topics_of
from contracts.identity import TeamChanged, TeamCreated, TeamState

from .teams import Base, Team, TeamReplica

TOPIC = "crm.identity.team"


async def wait_until(condition: Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
    """Looks again and again until the condition holds; fails after `seconds`."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)


@dataclass
class Bench:
    """One producer and one consumer database in one, and the loops that were started."""

    database: Database
    bus: Bus
    group: str = field(default_factory=lambda: f"bench-{uuid4().hex[:8]}")
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _connection: asyncpg.Connection | None = None

    @property
    def dsn(self) -> str:
        return plain_dsn(self.database.url)

    async def create(self, name: str = "Corporate Sales") -> UUID:
        async with self.database.transaction() as session:
            team = Team(name=name)
            session.add(team)
            await emit(session, TeamCreated, team)
        return team.id

    async def rename(self, identity: UUID, name: str) -> None:
        async with self.database.transaction() as session:
            team = await session.get_one(Team, identity, with_for_update=True)
            team.name = name
            await emit(session, TeamChanged, team)

    async def rows(self, statement: str, *values: Any) -> list[Any]:
        """On one connection: who waits for a condition looks fifty times a second."""
        async with self._looking:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(self.dsn)
            return list(await self._connection.fetch(statement, *values))

    async def count(self, table: str) -> int:
        return int((await self.rows(f"select count(*) from {table}"))[0][0])

    async def drained(self) -> bool:
        return await self.count("outbox") == 0

    def intake(self, subscriptions: Subscriptions) -> Intake:
        return Intake(self.database, self.group, subscriptions)

    @asynccontextmanager
    async def relaying(self, relays: int = 1) -> AsyncIterator[list[Relay]]:
        stopping = asyncio.Event()
        running = [Relay(plain_dsn(self.database.url), self.bus, stopping) for _ in range(relays)]
        tasks = [asyncio.create_task(relay.run()) for relay in running]
        try:
            yield running
        finally:
            stopping.set()
            await asyncio.wait_for(asyncio.gather(*tasks), 15)


@pytest.fixture
def client() -> Client:
    """The library that speaks to the broker; a test overrides it."""
    return "aiokafka"


@pytest.fixture
async def bench(postgres_url: str, kafka: str, client: Client) -> AsyncIterator[Bench]:
    admin = await asyncpg.connect(plain_dsn(postgres_url))
    name = f"bench_{uuid4().hex[:10]}"
    await admin.execute(f"create database {name}")
    database = Database(f"{postgres_url.rsplit('/', 1)[0]}/{name}", "identity", pool_size=5)
    bus = Bus(kafka, "bench", client=client)
    await bus.create_topics(topics_of("identity"), partitions=6, replication=1)
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    made = Bench(database, bus)
    yield made
    if made._connection is not None:
        made._connection.terminate()
    await database.close()
    await admin.execute(f"drop database {name} with (force)")
    await admin.close()


def team_created(name: str, **values: Any) -> TeamCreated:
    """A fact that no database has seen."""
    now = datetime.now(UTC)
    return TeamCreated(state=TeamState(id=uuid4(), version=1, created_at=now, updated_at=now, name=name, **values))


def replica_subscriptions() -> Subscriptions:
    subscriptions = Subscriptions()

    @subscriptions.project(TOPIC)
    async def keep_team_replica(session: Any, batch: Any) -> None:
        await upsert_guarded(session, TeamReplica, [_replica(each) for each in batch])

    return subscriptions


def _replica(received: Received) -> dict[str, Any]:
    state = received.event.state
    assert isinstance(state, TeamState)
    return {"id": state.id, "version": state.version, "name": state.name}
