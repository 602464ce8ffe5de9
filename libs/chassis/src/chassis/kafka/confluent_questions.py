"""First and last offsets, asked by a client of their own: one request per broker, whatever the consumer is doing."""

import asyncio
from collections.abc import Iterable
from datetime import datetime

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import EarliestSpec, LatestSpec, OffsetSpec

from chassis.kafka.confluent_errors import configuration, translating
from chassis.kafka.port import Connection, Partition
from chassis.kafka.thread import OwnThread

# Partitions get another leader all the time: while a broker restarts, or has just missed a heartbeat.
MOVING = {KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE, KafkaError.FENCED_LEADER_EPOCH}
ASK_AGAIN = 0.1


class Questions:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._thread = OwnThread("kafka-questions")
        self._client: list[AdminClient] = []

    async def ends(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """As Consumer.ends."""
        return await self._ask(list(partitions), LatestSpec())  # type: ignore[no-untyped-call]

    async def starts(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """As Consumer.starts."""
        return await self._ask(list(partitions), EarliestSpec())  # type: ignore[no-untyped-call]

    async def at_time(self, partitions: Iterable[Partition], moment: datetime) -> dict[Partition, int | None]:
        """As Consumer.at_time."""
        which = OffsetSpec.for_timestamp(int(moment.timestamp() * 1000))
        found = await self._ask(list(partitions), which)
        return {at: None if offset < 0 else offset for at, offset in found.items()}

    async def _ask(self, wanted: list[Partition], which: OffsetSpec) -> dict[Partition, int]:
        with translating():
            async with asyncio.timeout(self._connection.answer_limit):
                while True:
                    try:
                        return await self._thread.submit(lambda: self._offsets(wanted, which))
                    except KafkaException as error:
                        if error.args[0].code() not in MOVING:
                            raise
                    await asyncio.sleep(ASK_AGAIN)

    def _offsets(self, wanted: list[Partition], which: OffsetSpec) -> dict[Partition, int]:
        if not self._client:
            self._client.append(AdminClient(configuration(self._connection)))
        asked = {TopicPartition(at.topic, at.number): which for at in wanted}
        if not asked:
            return {}
        answers = self._client[0].list_offsets(asked, request_timeout=self._connection.answer_limit)
        return {Partition(at.topic, at.partition): answer.result().offset for at, answer in answers.items()}

    def close(self) -> None:
        """Returns at once; the client ends in its thread."""
        self._thread.submit(self._client.clear)
        self._thread.end()
