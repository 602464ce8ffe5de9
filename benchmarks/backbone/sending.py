"""The relay as it is, and the bare producer on the same records."""

import asyncio
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from prometheus_client import Counter

from chassis import metrics
from chassis import relay as relaying
from chassis.kafka.port import MAX_BATCH, MAX_RECORD
from chassis.leases import Leases
from chassis.relay import Relay
from chassis.tables import SHARDS

if TYPE_CHECKING:
    from benchmarks.backbone.member import Member

WARM_UP = 4_000
"""Events before the clock starts: connections are open, statements prepared, code paths warm."""

NativeRecord = tuple[str, bytes, bytes | None, list[tuple[str, bytes]]]


async def relay(member: "Member") -> None:
    """Relays until SIGTERM; ready when it holds shards."""
    running = Relay(member["dsn"], member.bus, member.stopping, leases=Leases(owner=str(os.getpid())))
    task = asyncio.create_task(running.run())
    while not running.shards:
        await asyncio.sleep(0.01)
    member.say_ready()
    await task


async def drain(member: "Member") -> dict[str, float]:
    """How long one relay takes for a full outbox of `rows` events, by the wall and by its own processor time."""
    running = Relay(member["dsn"], member.bus, member.stopping)
    task = asyncio.create_task(running.run())
    topic = member["topic"]
    first = await reached(metrics.outbox_published, topic, WARM_UP)
    clock = Clock()
    last = await reached(metrics.outbox_published, topic, member["rows"])
    result = {**clock.read(), "events": last - first}
    member.stopping.set()
    await task
    return result


async def reached(counter: Counter, label: str, events: int) -> float:
    """Waits until the chassis' own counter, which has one label, stands at `events` or more; where it stands then."""
    while (now := _standing(counter, label)) < events:
        await asyncio.sleep(0.005)
    return now


def _standing(counter: Counter, label: str) -> float:
    samples = [each for metric in counter.collect() for each in metric.samples if each.name.endswith("_total")]
    return sum(each.value for each in samples if label in each.labels.values())


class Clock:
    """Seconds and processor seconds since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, float]:
        return {"seconds": time.perf_counter() - self._wall, "cpu": time.process_time() - self._cpu}


async def produce(member: "Member") -> dict[str, float]:
    """The records of the same outbox, made beforehand, by the bare client: 500 events a round, each round awaited."""
    records = await _records(member["dsn"], member["rows"])
    client = await _producer(member["kafka"])
    rounds = [records[at : at + relaying.BATCH] for at in range(0, len(records), relaying.BATCH)]
    warm = WARM_UP // relaying.BATCH
    await _send(client, rounds[:warm])
    clock = Clock()
    await _send(client, rounds[warm:])
    result = {**clock.read(), "events": float(sum(map(len, rounds[warm:])))}
    await client.stop()
    return result


async def _producer(bootstrap: str) -> AIOKafkaProducer:
    """With the settings of our own adapter."""
    client = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        enable_idempotence=True,
        max_batch_size=MAX_BATCH,
        max_request_size=MAX_RECORD,
    )
    await client.start()
    return client


async def _send(client: AIOKafkaProducer, rounds: Sequence[Sequence[Sequence[NativeRecord]]]) -> None:
    for events in rounds:
        pending = []
        for records in events:
            for topic, key, value, headers in records:
                pending.append(await client.send(topic, value=value, key=key, headers=headers))
        await asyncio.gather(*pending)


async def _records(dsn: str, rows: int) -> list[list[NativeRecord]]:
    """Per event what the relay would send for it."""
    connection = await asyncpg.connect(dsn)
    await connection.set_type_codec("jsonb", encoder=str, decoder=orjson.loads, schema="pg_catalog")
    found = await connection.fetch(relaying._FETCH, list(range(SHARDS)), rows, [])
    await connection.close()
    return [
        [(each.topic, each.key, each.value, list(each.headers)) for each in relaying._records(row)] for row in found
    ]


async def round_trip(member: "Member") -> list[float]:
    """Seconds from `send` to the same record in a consumer, one record at a time."""
    topic = member["topic"]
    client = await _producer(member["kafka"])
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=member["kafka"], auto_offset_reset="latest")
    await consumer.start()
    await consumer.seek_to_end()
    seconds, (record,) = [], (await _records(member["dsn"], 1))[0]
    for _ in range(member["rounds"]):
        began = time.perf_counter()
        await client.send(topic, value=record[2], key=record[1], headers=record[3])
        await consumer.getone()
        seconds.append(time.perf_counter() - began)
    await client.stop()
    await consumer.stop()
    return seconds
