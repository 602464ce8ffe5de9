"""I18 with real processes: each side dies before and after its commits and around its sends, over a real broker."""

import asyncio
import multiprocessing
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.context import ForkServerProcess
from uuid import UUID

import pytest
from bookings.messages import TOPICS
from bookings.process import live
from bookings.services import BOOKING, start_booking

from chassis.kafka import Bus
from chassis.saga.status import SagaView, view

from .conftest import Trip, World, assert_atomic

TRIPS = 8
DEATHS = {
    "desk": ("reactor.in_transaction=3", "relay.after_send=2"),
    "hotel": ("reactor.after_commit=3",),
    "airline": ("unit.before_commit=4",),
}
"""Where each service dies, one incarnation after the other; the last one lives."""

FORKS = multiprocessing.get_context("forkserver")


class Incarnations:
    """One service that is started again whenever it has died; `deaths` are the failpoints it has died of."""

    def __init__(self, name: str, url: str, kafka: str) -> None:
        self.name, self.url, self.kafka = name, url, kafka
        self.deaths: list[str] = []
        self.process: ForkServerProcess | None = None

    async def live(self) -> None:
        for failpoint in (*DEATHS[self.name], ""):
            process = FORKS.Process(target=live, args=(self.name, self.url, self.kafka, failpoint))
            self.process = process
            process.start()
            while process.exitcode is None:
                await asyncio.sleep(0.05)
            assert process.exitcode == -signal.SIGKILL, f"{self.name} ended with {process.exitcode}"
            self.deaths.append(failpoint)

    async def end(self, living: "asyncio.Task[None]") -> None:
        living.cancel()
        await asyncio.wait({living})
        if self.process is not None and self.process.exitcode is None:
            self.process.kill()
            self.process.join(10)


@asynccontextmanager
async def running(world: World, kafka: str) -> AsyncIterator[list[Incarnations]]:
    services = [Incarnations(name, world.databases[name].url, kafka) for name in DEATHS]
    lives = [asyncio.create_task(service.live()) for service in services]
    try:
        yield services
    finally:
        for service, life in zip(services, lives, strict=True):
            await service.end(life)


async def states(world: World, sagas: dict[UUID, Trip]) -> list[SagaView]:
    async with world.databases["desk"].read() as session:
        found = [await view(session, BOOKING, saga_id) for saga_id in sagas]
    return [each for each in found if each is not None]


async def book(world: World) -> tuple[UUID, Trip]:
    trip = await world.want()
    async with world.databases["desk"].transaction() as session:
        started = await start_booking(session, trip.id, str(trip.id), trip.room_id, trip.seat_id)
    return started.saga_id, trip


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("forks")
async def test_killed_at_every_step_each_trip_is_booked_whole_or_not_at_all(world: World, kafka: str) -> None:
    await Bus(kafka, "bookings-test").create_topics(TOPICS, partitions=3, replication=1)
    sagas: dict[UUID, Trip] = {}
    async with running(world, kafka) as services, asyncio.timeout(270):
        # Somebody goes on wanting trips until every process has died of everything.
        while len(sagas) < TRIPS or any(len(each.deaths) < len(DEATHS[each.name]) for each in services):
            saga_id, trip = await book(world)
            sagas[saga_id] = trip
            await asyncio.sleep(0.3)
        while not all(each.is_at_rest for each in await states(world, sagas)):
            await asyncio.sleep(0.1)
    assert [each.deaths for each in services] == [list(DEATHS[each.name]) for each in services]
    found = await states(world, sagas)
    for each in found:
        await assert_atomic(world, sagas[each.id], each)
    assert "completed" in {each.status for each in found}
