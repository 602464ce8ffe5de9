"""When records arrive at a bare consumer: the same end of the line for our relay and for Debezium."""

import asyncio
import time
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

if TYPE_CHECKING:
    from benchmarks.backbone.member import Member

ID_HEADERS = ("ce_id", "id")
"""Ours, and that of Debezium's outbox router."""

Arrival = tuple[str, float]
"""Event id, and when it arrived: seconds since 1970."""


async def arrivals(member: "Member") -> list[Arrival]:
    """Notes what arrives on `topic` until SIGTERM; survives a broker that is away."""
    consumer = AIOKafkaConsumer(
        member["topic"],
        bootstrap_servers=member["kafka"],
        auto_offset_reset="latest",
        retry_backoff_ms=50,
    )
    await consumer.start()
    await consumer.seek_to_end()
    for at in consumer.assignment():
        await consumer.position(at)
    member.say_ready()
    seen: list[Arrival] = []
    while not member.stopping.is_set():
        try:
            found = await consumer.getmany(timeout_ms=200)
        except KafkaError:
            await asyncio.sleep(0.05)
            continue
        now = time.time()
        for records in found.values():
            seen += [(_event_id(record.headers), now) for record in records]
    await consumer.stop()
    return seen


def _event_id(headers: list[tuple[str, bytes]]) -> str:
    found = dict(headers)
    for name in ID_HEADERS:
        if name in found:
            return found[name].decode().strip('"')
    return ""
