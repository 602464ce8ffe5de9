"""The cases run against each adapter, on the session's real broker or on one that may be stopped."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from chassis.kafka import BrokerError, Bus, Client, Consumer, Partition, Record, SourceRecord
from chassis.kafka.port import NewTopic
from libs.chassis.tests.broker import Broker

CLIENTS: tuple[Client, ...] = ("aiokafka", "confluent")


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> Client:
    chosen: Client = request.param
    return chosen


@pytest.fixture
def bus(kafka: str, client: Client) -> Bus:
    return Bus(kafka, "conformance", member_timeout=6, client=client)


@pytest.fixture
def own(broker: Broker, client: Client) -> Bus:
    """The same port on the broker that may be tormented; gives up soon."""
    return Bus(broker.bootstrap, "conformance", member_timeout=2, answer_limit=6, client=client)


async def new_topic(bus: Bus, partitions: int = 1, **config: str) -> str:
    """A topic of its own for one case."""
    name = f"case.{uuid4().hex[:12]}"
    settings = {key.replace("_", "."): value for key, value in config.items()}
    assert await bus.create([NewTopic(name, partitions, 1, settings)]) == [name]
    return name


async def until(condition: Callable[[], Any], seconds: float = 30) -> None:
    """Looks again and again until the condition holds; fails after `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def send(bus: Bus, *records: Record) -> list[BaseException | None]:
    """What became of them, by a producer of their own."""
    producer = await bus.producer()
    try:
        return await producer.send_batch(records, 20)
    finally:
        await producer.close()


def numbered(topic: str, count: int, key: bytes = b"k", start: int = 0) -> list[Record]:
    return [Record(topic, key, str(number).encode(), []) for number in range(start, start + count)]


async def read_all(bus: Bus, topic: str, partitions: int = 1) -> list[SourceRecord]:
    """Everything in the topic, partition after partition."""
    consumer = bus.consumer([topic], group=None)
    try:
        await consumer.start()
        places = [Partition(topic, number) for number in range(partitions)]
        ends, starts = await consumer.ends(places), await consumer.starts(places)
        found: dict[Partition, list[SourceRecord]] = {at: [] for at in places}
        for at, start in starts.items():
            consumer.seek(at, start)
        missing = {at for at in places if ends[at] > starts[at]}
        async with asyncio.timeout(30):
            while missing:
                for at, records in (await consumer.fetch(0.5)).items():
                    found[at] += records
                missing = {at for at in missing if not found[at] or found[at][-1].offset < ends[at] - 1}
    finally:
        await consumer.close()
    return [record for at in places for record in found[at]]


async def read_after_trouble(bus: Bus, topic: str) -> list[SourceRecord]:
    """The same, as soon as the broker has found back to itself and leads its partitions again."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await read_all(bus, topic)
            except (BrokerError, TimeoutError):
                await asyncio.sleep(0.1)


def values(records: list[SourceRecord]) -> list[int]:
    return [int(record.value or b"-1") for record in records]


@dataclass
class Member:
    """One member of a group that fetches all the time."""

    consumer: Consumer
    held: set[Partition] = field(default_factory=set)
    assignments: int = 0
    records: list[SourceRecord] = field(default_factory=list)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        try:
            await self.consumer.start()
            while not self.stopping.is_set():
                for records in (await self.consumer.fetch(0.2)).values():
                    self.records += records
        finally:
            self.stopping.set()


@asynccontextmanager
async def member(
    bus: Bus, topic: str, group: str, then: Callable[[Member, set[Partition]], Awaitable[None]] | None = None
) -> AsyncIterator[Member]:
    """Joins, and leaves at the end; `then` runs within each assignment."""

    async def assigned(partitions: set[Partition]) -> None:
        if then is not None:
            await then(made, partitions)
        made.held, made.assignments = partitions, made.assignments + 1

    made = Member(bus.consumer([topic], group, assigned))
    task = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        made.stopping.set()
        try:
            await task
        finally:
            await made.consumer.close()
