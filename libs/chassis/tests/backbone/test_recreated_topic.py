"""A topic that was deleted and made again does not go on silently, neither longer nor shorter than before."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from chassis import metrics
from chassis.consumer import ConsumerLoop
from chassis.kafka import Bus, Record
from chassis.kafka.port import NewTopic
from chassis.projector import Intake
from chassis.subscriptions import Subscriptions

from .conftest import Bench, wait_until


async def delete(kafka: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.delete_topics([topic])
    await admin.close()


async def fill(bus: Bus, topic: str, records: int) -> None:
    producer = await bus.producer()
    assert await producer.send_batch([Record(topic, b"k", b"not an event", [])] * records, 20) == [None] * records
    await producer.close()


async def create(bus: Bus, topic: str) -> None:
    """Deleting goes on for a moment after it was acknowledged."""

    async def created() -> bool:
        return await bus.create([NewTopic(topic, 1, 1, {})]) == [topic]

    await wait_until(created)


@asynccontextmanager
async def consuming(bench: Bench, topic: str) -> AsyncIterator[None]:
    subscriptions, stopping = Subscriptions(), asyncio.Event()

    @subscriptions.project(topic)
    async def keep_nothing(session: Any, batch: Any) -> None:
        raise AssertionError("there is no event in it")

    loop = ConsumerLoop(bench.bus, Intake(bench.database, bench.group, subscriptions), stopping, asyncio.Event())
    task = asyncio.create_task(loop.run())
    try:
        yield
    finally:
        stopping.set()
        await asyncio.wait_for(task, 20)


@pytest.mark.parametrize("records", [2, 9], ids=["shorter", "longer"])
async def test_a_recreated_topic_waits_for_an_operator(bench: Bench, kafka: str, records: int) -> None:
    topic = f"crm.recreated.{uuid4().hex[:8]}"
    await create(bench.bus, topic)
    await fill(bench.bus, topic, 5)

    async def applied(number: int) -> bool:
        return await bench.count("quarantine") == number

    async with consuming(bench, topic):
        await wait_until(lambda: applied(5))
    await delete(kafka, topic)
    await create(bench.bus, topic)
    await fill(bench.bus, topic, records)
    alarms = metrics.topics_recreated.labels(topic)._value

    async def alarmed() -> bool:
        return alarms.get() > 0

    async with consuming(bench, topic):
        await wait_until(alarmed)
    assert await applied(5), "nothing was taken over"
    # The operator has decided: the position of the old topic counts no more.
    await bench.rows("delete from consumer_offset")
    await bench.rows("delete from quarantine")
    async with consuming(bench, topic):
        await wait_until(lambda: applied(records))
