"""What is promised while the broker is away or hangs."""

import asyncio
import threading
import time
from dataclasses import replace
from uuid import uuid4

import pytest

from chassis.kafka import BrokerError, Bus, Partition
from chassis.kafka.port import NewTopic
from libs.chassis.tests.broker import Broker

from .conftest import member, new_topic, numbered, read_after_trouble, read_all, send, until, values

CLOSE_LIMIT = 15
"""Seconds; a process that is told to end has about 20."""


async def test_a_broker_that_hangs_costs_no_more_than_the_limits(own: Bus, broker: Broker) -> None:
    topic = await new_topic(own)
    producer, consumer = await own.producer(), own.consumer([topic], uuid4().hex)
    assert await producer.send_batch(numbered(topic, 5), 20) == [None] * 5
    await consumer.start()
    at = Partition(topic, 0)
    async with asyncio.timeout(20):
        while not await consumer.fetch(0.5):
            pass
    with broker.frozen():
        began = time.monotonic()
        calls = [producer.send_batch(numbered(topic, 5, start=5), 3), consumer.ends([at]), consumer.report({at: 5})]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [TimeoutError] * 3
        assert time.monotonic() - began < 3 + 5
        assert await consumer.fetch(0.2) == {}
    # What was given up may still be written, but not twice and not out of order.
    await asyncio.gather(producer.close(), consumer.close())
    await read_after_trouble(own, topic)
    assert await send(own, *numbered(topic, 1, start=10)) == [None]
    assert [number for number in values(await read_all(own, topic)) if number != 10] in ([*range(5)], [*range(10)])


async def test_close_ends_soon_while_the_broker_is_down_and_leaves_nothing_running(own: Bus, broker: Broker) -> None:
    topic = await new_topic(own)
    bus = replace(own, bootstrap=broker.proxied)
    await until(lambda: not left_running(), 15)
    producer, consumer = await bus.producer(), bus.consumer([topic], uuid4().hex)
    assert await producer.send_batch(numbered(topic, 5), 20) == [None] * 5
    await consumer.start()
    async with asyncio.timeout(20):
        while not await consumer.fetch(0.5):
            pass
    async with broker.proxy.closed():
        with pytest.raises(TimeoutError):
            await producer.send_batch(numbered(topic, 5, start=5), 1)
        began = time.monotonic()
        await asyncio.gather(producer.close(), consumer.close())
        assert time.monotonic() - began < CLOSE_LIMIT
        await until(lambda: not left_running(), 15)
    # Nobody is left to write what was given up.
    assert values(await read_all(own, topic)) == list(range(5))


def left_running() -> list[str]:
    """Tasks and threads that belong to a client."""
    tasks = [task.get_coro().__qualname__ for task in asyncio.all_tasks()]  # type: ignore[union-attr]
    threads = [thread.name for thread in threading.enumerate()]
    clients = ("AIOKafka", "Sender", "Fetcher", "Group", "MessageAccumulator", "kafka-")
    return [name for name in (*tasks, *threads) if name.startswith(clients)]


async def test_without_a_broker_everything_says_so(client: str) -> None:
    nobody = Bus("127.0.0.1:9", "conformance", answer_limit=2, client=client)  # type: ignore[arg-type]
    consumers = [nobody.consumer(["any"], group) for group in (None, "group")]
    calls = [nobody.producer(), *(each.start() for each in consumers), nobody.create([NewTopic("any", 1, 1, {})])]
    began = time.monotonic()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(outcome, BrokerError | TimeoutError) for outcome in outcomes), outcomes
    await asyncio.gather(*(each.close() for each in consumers))
    assert time.monotonic() - began < CLOSE_LIMIT


async def test_producers_and_members_outlive_a_restart_of_the_broker(own: Bus, broker: Broker) -> None:
    topic = await new_topic(own)
    producer = await own.producer()
    async with member(own, topic, uuid4().hex) as there:
        assert await producer.send_batch(numbered(topic, 20), 20) == [None] * 20
        await until(lambda: len(there.records) >= 20)
        sending = asyncio.create_task(producer.send_batch(numbered(topic, 20, start=20), 60))
        await broker.restart()
        assert await sending == [None] * 20
        assert await producer.send_batch(numbered(topic, 20, start=40), 30) == [None] * 20
        await until(lambda: len(set(values(there.records))) == 60, 60)
    await producer.close()
    assert values(await read_all(own, topic)) == list(range(60))
