"""The port by confluent-kafka: its synchronous clients, each driven in a thread of its own.

Not its asyncio classes: their producer sends no headers in batches.
"""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial

from confluent_kafka import KafkaError, KafkaException, Producer, cimpl
from confluent_kafka.admin import AdminClient

from chassis.kafka.confluent_consumer import make_consumer
from chassis.kafka.confluent_errors import configuration, ours, translating
from chassis.kafka.port import (
    MAX_BATCH,
    MAX_RECORD,
    STOP_LIMIT,
    Connection,
    NewTopic,
    Record,
    UnknownTopic,
    Withheld,
)
from chassis.kafka.thread import OwnThread

__all__ = ["create_topics", "make_consumer", "open_producer"]

Outcome = BaseException | None


async def create_topics(connection: Connection, wanted: Sequence[NewTopic]) -> list[str]:
    """As Bus.create."""
    thread = OwnThread("kafka-admin")
    try:
        with translating():
            return await thread.submit(partial(_create, connection, wanted))
    finally:
        thread.end()


def _create(connection: Connection, wanted: Sequence[NewTopic]) -> list[str]:
    admin = AdminClient(configuration(connection))
    native = [cimpl.NewTopic(new.name, new.partitions, new.replication, config=new.config) for new in wanted]
    limit = connection.answer_limit
    created = admin.create_topics(native, operation_timeout=limit, request_timeout=limit)
    made = [name for name, future in created.items() if _is_new(future)]
    deadline = time.monotonic() + limit
    while not set(made) <= set(admin.list_topics(timeout=limit).topics):
        if time.monotonic() > deadline:
            raise TimeoutError("the topics that were created do not appear")
        time.sleep(0.02)
    return made


def _is_new(future: "Future[None]") -> bool:
    try:
        future.result()
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
        return False
    return True


async def open_producer(connection: Connection) -> "ConfluentProducer":
    """As Bus.producer."""
    made = ConfluentProducer(connection)
    try:
        await made.start()
    except BaseException:
        await made.close()
        raise
    return made


class ConfluentProducer:
    def __init__(self, connection: Connection) -> None:
        self._thread = OwnThread("kafka-producer")
        self._limit = connection.answer_limit
        self._topics: set[str] = set()
        # A list, so that its thread can drop the last reference: that waits for the client's own threads.
        self._client = [
            Producer(
                {
                    **configuration(connection),
                    "acks": "all",
                    "enable.idempotence": True,
                    # librdkafka's own default is CRC32 and would split keys between two clients.
                    "partitioner": "murmur2_random",
                    "message.max.bytes": MAX_RECORD,
                    "batch.size": MAX_BATCH,
                    "request.timeout.ms": 10_000,
                }
            )
        ]

    async def start(self) -> None:
        with translating():
            await self._thread.submit(lambda: self._look_up(self._limit))

    def _look_up(self, limit: float) -> None:
        self._topics |= set(self._client[0].list_topics(timeout=limit).topics)

    async def send_batch(self, records: Sequence[Record], limit: float) -> list[Outcome]:
        """As Producer.send_batch."""
        with translating():
            return await self._thread.submit(partial(self._send_all, records, limit))

    def _send_all(self, records: Sequence[Record], limit: float) -> list[Outcome]:
        deadline = time.monotonic() + limit
        if not self._topics.issuperset(record.topic for record in records):
            # It would queue the record and wait half a minute for a topic that is missing.
            self._look_up(min(limit, self._limit))
        results: list[Outcome] = [None] * len(records)
        refused: set[tuple[str, bytes]] = set()

        def delivered(index: int, error: KafkaError | None, _: object) -> None:
            results[index] = ours(error) if error is not None else None

        for index, record in enumerate(records):
            if (record.topic, record.key) in refused:
                results[index] = Withheld(f"follows a refused record of {record.topic}")
                continue
            results[index] = self._send(record, partial(delivered, index), deadline)
            if results[index] is not None:
                refused.add((record.topic, record.key))
        if self._client[0].flush(max(deadline - time.monotonic(), 0)):
            raise TimeoutError(f"not acknowledged within {limit} s")
        return results

    def _send(self, record: Record, delivered: "partial[None]", deadline: float) -> Outcome:
        if record.topic not in self._topics:
            return UnknownTopic(record.topic)
        while True:
            try:
                self._client[0].produce(
                    record.topic, record.value, record.key, headers=list(record.headers), on_delivery=delivered
                )
            except BufferError:
                if time.monotonic() > deadline:
                    raise TimeoutError("the producer's buffer stays full") from None
                self._client[0].poll(0.1)
            except KafkaException as error:
                return ours(error.args[0])
            else:
                return None

    async def close(self) -> None:
        ended = self._thread.submit(self._end)
        self._thread.end()
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(ended), STOP_LIMIT)

    def _end(self) -> None:
        client = self._client.pop()
        client.purge()
        client.flush(STOP_LIMIT / 4)
