"""The desk, the hotel and the airline, each with a database of its own, and the messages between them in the hand."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from bookings.messages import TOPICS
from bookings.services import BOOKING, SERVICES, start_booking

from chassis.db import Database
from chassis.due import claim_due
from chassis.projector import caused_by
from chassis.reactor import received_from
from chassis.saga.owner import SagaRow, Started, chase
from chassis.saga.status import SagaView, view
from chassis.subscriptions import Received
from chassis.worker import plain_dsn

READERS = {topic.name: topic.consumers[0] for topic in TOPICS}


class Crash(Exception):
    """The process dies before its commit."""


@dataclass(frozen=True)
class Trip:
    """One trip that somebody wants, with the ids of what is to be made for it."""

    id: UUID = field(default_factory=uuid4)
    room_id: UUID = field(default_factory=uuid4)
    seat_id: UUID = field(default_factory=uuid4)


@dataclass
class World:
    """`in_flight` are messages that left and did not arrive, `sent` all that ever left, oldest first."""

    databases: dict[str, Database]
    connections: dict[str, asyncpg.Connection]
    in_flight: list[Received[Any]] = field(default_factory=list)
    sent: list[Received[Any]] = field(default_factory=list)

    async def rows(self, service: str, statement: str, *values: Any) -> list[Any]:
        return list(await self.connections[service].fetch(statement, *values))

    async def want(self) -> Trip:
        trip = Trip()
        await self.rows("desk", "insert into trips (id, status) values ($1, 'open')", trip.id)
        return trip

    async def start(self, trip: Trip, key: str) -> Started:
        async with self.databases["desk"].transaction() as session:
            started = await start_booking(session, trip.id, key, trip.room_id, trip.seat_id)
        await self.collect("desk")
        return started

    async def collect(self, service: str) -> None:
        """What the relay would take from the outbox."""
        taken = "with t as (delete from outbox returning id, headers::text, payload) select * from t order by id"
        for row in await self.rows(service, taken):
            received = received_from({"headers": json.loads(row["headers"]), "payload": row["payload"]})
            self.in_flight.append(received)
            self.sent.append(received)

    async def deliver(self, message: Received[Any], *, crash: bool = False) -> None:
        """Handles the message as the inbox does, without the inbox's memory; a crash leaves nothing."""
        service = READERS[message.event.TOPIC]
        (reactor,) = SERVICES[service].subscriptions.reactors[message.event.TYPE]
        try:
            with caused_by(message.envelope, reactor.__name__):
                async with self.databases[service].transaction() as session:
                    await reactor(session, message.event, message)
                    if crash:
                        raise Crash
        except Crash:
            return
        await self.collect(service)

    async def let_time_pass(self, *, whole: bool = False) -> None:
        """The patience of every running step is over; with `whole` that of the saga too."""
        late = ", deadline_at = clock_timestamp()" if whole else ""
        await self.rows("desk", f"update sagas set due_at = clock_timestamp(){late} where state = 'pending'")
        async with self.databases["desk"].transaction() as session:
            await chase(session, [BOOKING], await claim_due(session, SagaRow))
        await self.collect("desk")

    async def settle(self, saga_id: UUID) -> SagaView:
        """From now on everything arrives, in order, until the saga is at rest."""
        for _ in range(60):
            while self.in_flight:
                await self.deliver(self.in_flight.pop(0))
            found = await self.look(saga_id)
            if found.is_at_rest:
                return found
            await self.let_time_pass()
        raise AssertionError(f"never at rest: {await self.look(saga_id)}")

    async def look(self, saga_id: UUID) -> SagaView:
        async with self.databases["desk"].read() as session:
            found = await view(session, BOOKING, saga_id)
        assert found is not None
        return found

    async def made(self, trip: Trip) -> tuple[str, list[UUID], list[UUID], int]:
        """The trip's status, its rooms, its seats and the number of its vouchers."""
        (row,) = await self.rows("desk", "select status from trips where id = $1", trip.id)
        rooms = await self.rows("hotel", "select id from rooms where trip_id = $1", trip.id)
        seats = await self.rows("airline", "select id from seats where trip_id = $1", trip.id)
        vouchers = await self.rows("hotel", "select 1 from vouchers where trip_id = $1", trip.id)
        return row["status"], [room["id"] for room in rooms], [seat["id"] for seat in seats], len(vouchers)


async def assert_atomic(world: World, trip: Trip, found: SagaView) -> None:
    """At rest there is everything once, or nothing but what is reported as kept."""
    status, rooms, seats, vouchers = await world.made(trip)
    if found.status == "completed":
        assert (status, rooms, seats, vouchers) == ("booked", [trip.room_id], [trip.seat_id], 1)
        assert found.kept == [] and found.reason is None
    else:
        assert found.status == "compensated" and found.reason
        assert (status, seats, vouchers) == ("open", [], 0)
        assert rooms == [kept.id for kept in found.kept]


TABLES = {
    "desk": "trips, sagas, saga_steps",
    "hotel": "rooms, vouchers, houses, saga_works",
    "airline": "seats, planes, saga_works",
}


@pytest.fixture(scope="session")
async def databases(postgres_url: str) -> AsyncIterator[dict[str, Database]]:
    admin = await asyncpg.connect(plain_dsn(postgres_url))
    found = {}
    for name, service in SERVICES.items():
        made = f"{name}_{uuid4().hex[:10]}"
        await admin.execute(f"create database {made}")
        found[name] = Database(f"{postgres_url.rsplit('/', 1)[0]}/{made}", name, pool_size=5)
        async with found[name].engine.begin() as connection:
            await connection.run_sync(service.metadata.create_all)
    yield found
    for database in found.values():
        await database.close()
        await admin.execute(f"drop database {database.url.rsplit('/', 1)[1]} with (force)")
    await admin.close()


@pytest.fixture
async def world(databases: dict[str, Database]) -> AsyncIterator[World]:
    connections = {name: await asyncpg.connect(plain_dsn(each.url)) for name, each in databases.items()}
    for name, connection in connections.items():
        await connection.execute(f"truncate outbox, inbox, inbox_done, consumer_offset, {TABLES[name]}")
    yield World(databases, connections)
    for connection in connections.values():
        await connection.close()
