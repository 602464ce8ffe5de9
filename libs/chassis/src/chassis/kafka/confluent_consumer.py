"""A consumer of confluent-kafka behind the port: a thread fetches, the event loop decides."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from confluent_kafka import OFFSET_STORED, Consumer, KafkaError, KafkaException, Message, TopicPartition

from chassis.kafka.confluent_errors import configuration, ours, translating
from chassis.kafka.confluent_questions import Questions
from chassis.kafka.port import (
    STOP_LIMIT,
    Assigned,
    BrokerError,
    Connection,
    Partition,
    SourceRecord,
    UnknownTopic,
)
from chassis.kafka.thread import OwnThread

MAX_RECORDS = 2_000
ASSIGN_LIMIT = 30.0
"""Seconds for the `assigned` callback; meanwhile the group waits for nobody but us."""

REPORTED = {
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError._AUTHENTICATION,
    KafkaError._FATAL,
}
"""Errors among the messages that will not pass by themselves."""


def make_consumer(
    connection: Connection, topics: Sequence[str], group: str | None, assigned: Assigned | None
) -> "ConfluentConsumer":
    """As Bus.consumer."""
    return ConfluentConsumer(connection, topics, group, assigned)


def _configuration(connection: Connection, group: str | None) -> dict[str, Any]:
    return {
        **configuration(connection),
        # The library insists on a name; without a group it is used for nothing.
        "group.id": group or f"{connection.client_id}-alone",
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest" if group else "latest",
        # The same as aiokafka's, so that members of both kinds can share a group while one replaces the other.
        "partition.assignment.strategy": "roundrobin",
        "session.timeout.ms": int(connection.member_timeout * 1000),
        "heartbeat.interval.ms": min(3_000, int(connection.member_timeout * 100)),
        "max.poll.interval.ms": 300_000,
        "fetch.wait.max.ms": 500,
        "queued.max.messages.kbytes": 16_384,
    }


class ConfluentConsumer:
    def __init__(
        self, connection: Connection, topics: Sequence[str], group: str | None, assigned: Assigned | None
    ) -> None:
        self._topics = list(topics)
        self._group = group
        self._limit = connection.answer_limit
        self._assigned = assigned
        self._loop: asyncio.AbstractEventLoop
        self._client = Consumer({**_configuration(connection, group), "on_commit": self._on_commit})
        self._fetching = OwnThread("kafka-consumer")
        # The callback of a rebalance asks for offsets, and meanwhile the consumer answers nobody else.
        self._questions = Questions(connection)
        self._held: frozenset[Partition] = frozenset()
        self._paused: set[Partition] = set()
        self._sought: dict[Partition, int] = {}
        self._generation = 0
        self._early: list[Message] = []
        self._reported: list[KafkaError | None] = []
        self._is_settling = False
        self._is_closing = False
        self._failure: BaseException | None = None
        self._unfinished: asyncio.Future[list[Message]] | None = None

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        with translating():
            if self._group:
                await self._fetching.submit(self._join)
            else:
                await self._take_all()

    def _join(self) -> None:
        self._client.list_topics(timeout=self._limit)
        self._client.subscribe(self._topics, on_assign=self._on_assign, on_revoke=self._on_revoke)

    async def _take_all(self) -> None:
        known = await self._fetching.submit(lambda: self._client.list_topics(timeout=self._limit).topics)
        missing = sorted(name for name in self._topics if name not in known)
        if missing:
            raise UnknownTopic(", ".join(missing))
        taken = [Partition(name, number) for name in self._topics for number in known[name].partitions]
        ends = await self.ends(taken)
        self._client.assign([TopicPartition(at.topic, at.number, offset) for at, offset in ends.items()])
        self._held = frozenset(taken)

    def _on_assign(self, client: Consumer, native: list[TopicPartition]) -> None:
        """Runs in the fetching thread; nothing is fetched before it assigns."""
        taken = frozenset(Partition(each.topic, each.partition) for each in native)
        self._generation += 1
        # What came for the former assignment would leave a gap in the new one.
        self._early.clear()
        self._held, self._paused = taken, self._paused & taken
        self._sought.clear()
        if self._assigned is not None and not self._is_closing:
            self._settle(self._assigned(set(taken)))
        client.assign([TopicPartition(at.topic, at.number, self._sought.pop(at, OFFSET_STORED)) for at in taken])
        client.pause([_native(at) for at in (taken if self._failure else self._paused)])

    def _settle(self, callback: Any) -> None:
        self._is_settling = True
        try:
            asyncio.run_coroutine_threadsafe(callback, self._loop).result(ASSIGN_LIMIT)
        except BaseException as error:
            self._failure = error
        finally:
            self._is_settling = False

    def _on_revoke(self, client: Consumer, native: list[TopicPartition]) -> None:
        self._generation += 1
        # What came for the former assignment would leave a gap in the new one.
        self._early.clear()
        self._held = frozenset()
        self._sought.clear()
        client.unassign()

    async def fetch(self, limit: float) -> dict[Partition, list[SourceRecord]]:
        # A thread cannot be cancelled: what an abandoned call has fetched belongs to the next one.
        if self._unfinished is None:
            self._unfinished = self._fetching.submit(lambda: self._poll(limit))
        with translating():
            messages = await asyncio.shield(self._unfinished)
        self._unfinished = None
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        return self._sorted(messages)

    def _poll(self, limit: float) -> list[Message]:
        self._apply_seeks()
        found = [message for message in self._early if _at(message) not in self._paused]
        self._early = [message for message in self._early if _at(message) in self._paused]
        while len(found) < MAX_RECORDS:
            generation = self._generation
            message = self._client.poll(0 if found else limit)
            if generation != self._generation:
                found.clear()
            if message is None:
                break
            if self._is_record(message):
                found.append(message)
        return found

    def _is_record(self, message: Message) -> bool:
        error = message.error()
        if error is not None and error.code() in REPORTED:
            raise ours(error)
        return error is None

    def _apply_seeks(self) -> None:
        deadline = time.monotonic() + self._limit
        while self._sought:
            at, offset = self._sought.popitem()
            self._early = [message for message in self._early if _at(message) != at]
            try:
                self._client.seek(TopicPartition(at.topic, at.number, offset))
            except KafkaException as error:
                # An assignment takes effect a moment after it is made.
                if error.args[0].code() != KafkaError._STATE or time.monotonic() > deadline:
                    raise
                self._sought.setdefault(at, offset)
                time.sleep(0.005)

    def _sorted(self, messages: list[Message]) -> dict[Partition, list[SourceRecord]]:
        found: dict[Partition, list[SourceRecord]] = {}
        for message in messages:
            record = _source(message)
            at = Partition(record.topic, record.partition)
            # A seek that came after the thread had begun makes its records obsolete.
            if at not in self._sought:
                found.setdefault(at, []).append(record)
        return found

    def seek(self, partition: Partition, offset: int) -> None:
        self._require({partition})
        self._sought[partition] = offset

    def pause(self, partitions: Iterable[Partition]) -> None:
        chosen = self._require(set(partitions))
        self._paused |= chosen
        if not self._is_settling:
            with translating():
                self._client.pause([_native(at) for at in chosen])

    def resume(self, partitions: Iterable[Partition]) -> None:
        chosen = self._require(set(partitions))
        self._paused -= chosen
        if not self._is_settling:
            with translating():
                self._client.resume([_native(at) for at in chosen])

    def held(self) -> set[Partition]:
        return set(self._held)

    async def at_time(self, partitions: Iterable[Partition], moment: datetime) -> dict[Partition, int | None]:
        return await self._questions.at_time(partitions, moment)

    def _require(self, partitions: set[Partition]) -> set[Partition]:
        foreign = partitions - self._held
        if foreign:
            raise BrokerError(f"not ours: {', '.join(f'{at.topic}/{at.number}' for at in foreign)}")
        return partitions

    async def ends(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        return await self._questions.ends(partitions)

    async def starts(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        return await self._questions.starts(partitions)

    async def report(self, offsets: dict[Partition, int]) -> None:
        native = [TopicPartition(at.topic, at.number, offset) for at, offset in offsets.items()]
        with translating():
            await self._fetching.submit(lambda: self._report(native))

    def _report(self, native: list[TopicPartition]) -> None:
        """Not by a synchronous commit, which waits for a broker that hangs without any limit."""
        self._reported.clear()
        self._client.commit(offsets=native, asynchronous=True)
        deadline = time.monotonic() + self._limit
        while not self._reported:
            if time.monotonic() > deadline:
                raise TimeoutError("the group did not confirm the report")
            message = self._client.poll(0.02)
            if message is not None and self._is_record(message):
                self._early.append(message)
        if (error := self._reported[0]) is not None:
            raise ours(error)

    def _on_commit(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        failed = [each.error for each in partitions if each.error is not None]
        self._reported.append(error or (failed[0] if failed else None))

    async def close(self) -> None:
        self._is_closing = True
        self._questions.close()
        ended = self._fetching.submit(self._client.close)
        self._fetching.end()
        with suppress(TimeoutError, KafkaException, RuntimeError):
            await asyncio.wait_for(asyncio.shield(ended), 2 * STOP_LIMIT)


def _native(at: Partition) -> TopicPartition:
    return TopicPartition(at.topic, at.number)


def _at(message: Any) -> Partition:
    return Partition(message.topic(), message.partition())


def _source(message: Any) -> SourceRecord:
    at = message.topic(), message.partition(), message.offset()
    return SourceRecord(*at, message.key(), message.value(), message.headers() or [])
