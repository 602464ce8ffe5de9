"""Ends aiokafka's clients, also while their own stop() would wait for a broker that is away."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from chassis.kafka.port import STOP_LIMIT


async def stop(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """Ends within twice STOP_LIMIT seconds and leaves no task behind: a sender that went on would write much later
    what was given up, a heartbeat would keep a member alive that nobody serves."""
    if await _ended(client.stop(), STOP_LIMIT):
        return
    for call in _producer_parts(client) if isinstance(client, AIOKafkaProducer) else _consumer_parts(client):
        await _ended(call, STOP_LIMIT / 4)


def _producer_parts(client: AIOKafkaProducer) -> list[Awaitable[None]]:
    client._message_accumulator.fail_all(KafkaError("closed"))
    sender = client._sender
    return [sender.close(), client.client.close()] if sender.sender_task is not None else [client.client.close()]


def _consumer_parts(client: AIOKafkaConsumer) -> list[Awaitable[None]]:
    parts: list[Awaitable[None]] = []
    coordinator = client._coordinator
    if hasattr(coordinator, "_stop_heartbeat_task"):
        parts += [coordinator._stop_heartbeat_task(), coordinator._stop_commit_offsets_refresh_task()]
    if client._fetcher is not None:
        parts.append(client._fetcher.close())
    return [*parts, client._client.close()]


async def _ended(call: Awaitable[None], limit: float) -> bool:
    with suppress(TimeoutError, KafkaError, OSError):
        async with asyncio.timeout(limit):
            await call
            return True
    return False
