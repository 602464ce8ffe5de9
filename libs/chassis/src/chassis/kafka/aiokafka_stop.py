"""Ends aiokafka's clients, also where their own stop() would wait for a broker that is away, or fail half way."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from chassis.kafka.port import STOP_LIMIT


async def stop(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """Ends within twice STOP_LIMIT seconds and leaves no task behind: a sender that went on would write much later
    what was given up, a heartbeat would keep a member alive that nobody serves."""
    if isinstance(client, AIOKafkaProducer):
        # Its own stop() would first write what is left; by now somebody else may have written more than that.
        client._message_accumulator.fail_all(KafkaError("closed"))
        client._message_accumulator._batches.clear()
    if await _ended(client.stop(), STOP_LIMIT):
        return
    if isinstance(client, AIOKafkaProducer):
        await _cut_off_producer(client)
    else:
        await _cut_off_consumer(client)


async def _cut_off_producer(client: AIOKafkaProducer) -> None:
    if client._sender.sender_task is not None:
        await _ended(client._sender.close(), STOP_LIMIT / 4)
    await _ended(client.client.close(), STOP_LIMIT / 4)


async def _cut_off_consumer(client: AIOKafkaConsumer) -> None:
    coordinator, fetcher = client._coordinator, client._fetcher
    for name in ("_stop_heartbeat_task", "_stop_commit_offsets_refresh_task"):
        if hasattr(coordinator, name):
            await _ended(getattr(coordinator, name)(), STOP_LIMIT / 4)
    # Its own close() awaits the first of these that it has cancelled, and ends there.
    for task in [fetcher._fetch_task, *fetcher._pending_tasks] if fetcher is not None else ():
        task.cancel()
    await _ended(client._client.close(), STOP_LIMIT / 4)


async def _ended(call: Coroutine[Any, Any, None], limit: float) -> bool:
    """Whether it ended well in time. A task of its own: some of these calls raise CancelledError by themselves,
    which would look as if we had been cancelled."""
    task = asyncio.create_task(call)
    try:
        await asyncio.wait({task}, timeout=limit)
    finally:
        task.cancel()
    await asyncio.wait({task}, timeout=STOP_LIMIT / 4)
    return task.done() and not task.cancelled() and task.exception() is None
