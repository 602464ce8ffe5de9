"""Kafka records as they come, for whoever only wants to look."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient


@dataclass(frozen=True)
class Record:
    topic: str
    partition: int
    offset: int
    headers: Sequence[tuple[str, bytes]]
    value: bytes | None


async def watch(kafka: str, topics: Sequence[str], *, from_start: bool = False) -> AsyncIterator[Record]:
    """Every record of the topics that exist, without end: from the oldest one kept, or from now on. Joins no group."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="earliest")
    partitions = await _partitions(kafka, topics)
    await consumer.start()
    try:
        consumer.assign(partitions)
        await (consumer.seek_to_beginning if from_start else consumer.seek_to_end)(*partitions)
        async for found in consumer:
            yield Record(found.topic, found.partition, found.offset, found.headers, found.value)
    finally:
        await consumer.stop()


async def _partitions(kafka: str, topics: Sequence[str]) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        described = await admin.describe_topics(list(topics))
    finally:
        await admin.close()
    return [TopicPartition(each["topic"], part["partition"]) for each in described for part in each["partitions"]]
