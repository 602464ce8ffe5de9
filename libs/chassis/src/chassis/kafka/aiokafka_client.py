"""The port by aiokafka: all on the event loop."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition, errors
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin import NewTopic as NativeTopic
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.structs import OffsetAndMetadata

from chassis.kafka.aiokafka_batches import Batches
from chassis.kafka.aiokafka_stop import stop
from chassis.kafka.port import (
    MAX_BATCH,
    MAX_RECORD,
    Assigned,
    BrokerError,
    Connection,
    NewTopic,
    Partition,
    Record,
    RecordTooLarge,
    SourceRecord,
    UnknownTopic,
    Unreachable,
    Withheld,
)
from chassis.kafka.security import for_aiokafka

KINDS: dict[type[errors.KafkaError], type[BrokerError]] = {
    errors.MessageSizeTooLargeError: RecordTooLarge,
    errors.UnknownTopicOrPartitionError: UnknownTopic,
    errors.KafkaConnectionError: Unreachable,
}


def _ours(error: errors.KafkaError) -> BrokerError:
    translated = KINDS.get(type(error), BrokerError)(repr(error))
    translated.__cause__ = error
    return translated


def _is_out_of_sequence(error: BaseException | None) -> bool:
    return error is not None and isinstance(error.__cause__, errors.OutOfOrderSequenceNumber)


@contextmanager
def _translating() -> Iterator[None]:
    try:
        yield
    except errors.KafkaError as error:
        raise _ours(error) from error


def _reaching(connection: Connection) -> dict[str, Any]:
    whom = {"bootstrap_servers": connection.bootstrap, "client_id": connection.client_id}
    return whom | for_aiokafka(connection.security)


async def create_topics(connection: Connection, wanted: Sequence[NewTopic]) -> list[str]:
    """As Bus.create."""
    native = [NativeTopic(new.name, new.partitions, new.replication, topic_configs=new.config) for new in wanted]
    admin = AIOKafkaAdminClient(**_reaching(connection))
    with _translating():
        async with asyncio.timeout(connection.answer_limit):
            await admin.start()
            try:
                answer = await admin.create_topics(native)
                created = list(_created(answer.topic_errors))
                while not set(created) <= set(await admin.list_topics()):  # noqa: ASYNC110 - the broker tells nobody
                    await asyncio.sleep(0.02)
            finally:
                await admin.close()
    return created


def _created(outcomes: Iterable[Sequence[object]]) -> Iterator[str]:
    for name, code, *_ in outcomes:
        error = errors.for_code(code)
        if code and error is not errors.TopicAlreadyExistsError:
            raise BrokerError(f"topic {name}: {error.__name__}")
        if not code:
            yield str(name)


async def open_producer(connection: Connection) -> "AiokafkaProducer":
    """As Bus.producer."""
    return AiokafkaProducer(connection, await _opened(connection))


async def _opened(connection: Connection) -> AIOKafkaProducer:
    client = AIOKafkaProducer(
        **_reaching(connection),
        acks="all",
        enable_idempotence=True,
        max_batch_size=MAX_BATCH,
        max_request_size=MAX_RECORD,
        request_timeout_ms=10_000,
        metadata_max_age_ms=60_000,
    )
    await _start(client, connection.answer_limit)
    return client


async def _start(client: AIOKafkaProducer | AIOKafkaConsumer, limit: float) -> None:
    try:
        with _translating():
            async with asyncio.timeout(limit):
                await client.start()
    except BaseException:
        await stop(client)
        raise


class AiokafkaProducer:
    def __init__(self, connection: Connection, client: AIOKafkaProducer) -> None:
        self._connection = connection
        self._client = client
        self._topics: set[str] = set()

    async def send_batch(self, records: Sequence[Record], limit: float) -> list[BaseException | None]:
        """As Producer.send_batch."""
        async with asyncio.timeout(limit):
            results = await self._attempt(records, set())
            refused = {(r.topic, r.key) for r, e in zip(records, results, strict=True) if isinstance(e, RecordTooLarge)}
            late = [index for index, error in enumerate(results) if refused and _is_out_of_sequence(error)]
            if late:
                # The record that the broker refused left a gap in the numbers; only a new producer counts from 0.
                await stop(self._client)
                self._client = await _opened(self._connection)
                again = await self._attempt([records[index] for index in late], refused)
                for index, result in zip(late, again, strict=True):
                    results[index] = result
            return results

    async def _attempt(self, records: Sequence[Record], refused: set[tuple[str, bytes]]) -> list[BaseException | None]:
        batch = _Batch(records, refused, Batches(self._client, len(records)))
        # Topics nobody has asked for yet come last: one that is missing must not hold up the others.
        for index in sorted(range(len(records)), key=lambda at: records[at].topic not in self._topics):
            await self._send(batch, index)
        return await batch.results()

    async def _send(self, batch: "_Batch", index: int) -> None:
        record = batch.records[index]
        if batch.is_withheld(record):
            batch.refuse(index, Withheld(f"follows a refused record of {record.topic}"))
        else:
            try:
                if await self._is_known(batch, record.topic):
                    await batch.sending.add(index, record)
                else:
                    batch.refuse(index, UnknownTopic(record.topic))
            except errors.KafkaError as error:
                batch.refuse(index, _ours(error))

    async def _is_known(self, batch: "_Batch", topic: str) -> bool:
        if topic not in self._topics and topic not in batch.missing:
            # Its own look-up takes 10 s to find that a topic is missing.
            answer = await self._client.client.fetch_all_metadata()
            if not answer.brokers():
                raise errors.NodeNotReadyError("no broker answers")
            self._topics |= answer.topics(exclude_internal_topics=False)
            batch.missing |= {topic} - self._topics
        return topic in self._topics

    async def close(self) -> None:
        await stop(self._client)


class _Batch:
    """What became of each record so far."""

    def __init__(self, records: Sequence[Record], refused: set[tuple[str, bytes]], sending: Batches) -> None:
        self.records = records
        self.sending = sending
        self.missing: set[str] = set()
        self._failed: dict[int, BaseException] = {}
        self._refused = refused

    def is_withheld(self, record: Record) -> bool:
        return bool(self._refused) and (record.topic, record.key) in self._refused

    def refuse(self, index: int, error: BrokerError) -> None:
        # Whatever the reason: what follows it would be published before it.
        self._failed[index] = error
        self._refused.add((self.records[index].topic, self.records[index].key))

    async def results(self) -> list[BaseException | None]:
        answers = await self.sending.results()
        for index, answer in enumerate(answers):
            if answer is not None:
                self._failed[index] = _ours(answer) if isinstance(answer, errors.KafkaError) else answer
        return [self._failed.get(index) for index in range(len(self.records))]


def make_consumer(
    connection: Connection, topics: Sequence[str], group: str | None, assigned: Assigned | None
) -> "AiokafkaConsumer":
    """As Bus.consumer."""
    return AiokafkaConsumer(connection, topics, group, assigned)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, consumer: "AiokafkaConsumer") -> None:
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        # What runs on is fenced by the stored offset, so nobody has to wait for it.
        self._consumer.settling = True

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        await self._consumer.take({Partition(each.topic, each.partition) for each in assigned})


class AiokafkaConsumer:
    def __init__(
        self, connection: Connection, topics: Sequence[str], group: str | None, assigned: Assigned | None
    ) -> None:
        self._topics = topics
        self._group = group
        self._limit = connection.answer_limit
        self._assigned = assigned
        self._paused: set[Partition] = set()
        self._failure: Exception | None = None
        self.settling = False
        self._client = AIOKafkaConsumer(
            **_reaching(connection),
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest" if group else "latest",
            partition_assignment_strategy=(RoundRobinPartitionAssignor,),
            session_timeout_ms=int(connection.member_timeout * 1000),
            heartbeat_interval_ms=min(3_000, int(connection.member_timeout * 100)),
            max_poll_interval_ms=300_000,
            fetch_max_wait_ms=500,
            metadata_max_age_ms=60_000,
        )

    async def start(self) -> None:
        if self._group:
            self._client.subscribe(list(self._topics), listener=_Listener(self))
        await _start(self._client, self._limit)
        if not self._group:
            with _translating():
                async with asyncio.timeout(self._limit):
                    await self._take_all()

    async def _take_all(self) -> None:
        # With a subscription its start would wait 40 s for a topic that is missing.
        known = await self._client._client.fetch_all_metadata()
        missing = sorted(name for name in self._topics if not known.partitions_for_topic(name))
        if missing:
            raise UnknownTopic(", ".join(missing))
        taken = [TopicPartition(name, each) for name in self._topics for each in known.partitions_for_topic(name)]
        self._client.assign(taken)
        await self._client.seek_to_end(*taken)

    async def take(self, assigned: set[Partition]) -> None:
        """The new assignment knows neither the pauses nor the positions of the one before."""
        self._paused &= assigned
        self._client.pause(*map(_native, self._paused))
        try:
            if self._assigned is not None:
                await self._assigned(assigned)
        except Exception as error:
            # aiokafka would only log it, and fetch from wherever the group stood.
            self._client.pause(*map(_native, assigned))
            self._failure = error
        finally:
            self.settling = False

    async def fetch(self, limit: float) -> dict[Partition, list[SourceRecord]]:
        with _translating():
            found = await self._client.getmany(timeout_ms=int(limit * 1000), max_records=2_000)
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        if self.settling and self._assigned is not None:
            # Fetched for an assignment that has ended, or before its positions were sought.
            return {}
        return {
            Partition(at.topic, at.partition): [_source(record) for record in records] for at, records in found.items()
        }

    def seek(self, partition: Partition, offset: int) -> None:
        with _translating():
            self._client.seek(_native(partition), offset)

    def pause(self, partitions: Iterable[Partition]) -> None:
        chosen = set(partitions)
        with _translating():
            self._client.pause(*map(_native, chosen))
        self._paused |= chosen

    def resume(self, partitions: Iterable[Partition]) -> None:
        chosen = set(partitions)
        with _translating():
            self._client.resume(*map(_native, chosen))
        self._paused -= chosen

    def held(self) -> set[Partition]:
        return {Partition(each.topic, each.partition) for each in self._client.assignment()}

    async def at_time(self, partitions: Iterable[Partition], moment: datetime) -> dict[Partition, int | None]:
        asked = {_native(each): int(moment.timestamp() * 1000) for each in partitions}
        with _translating():
            async with asyncio.timeout(self._limit):
                found = await self._client.offsets_for_times(asked)
        return {Partition(at.topic, at.partition): hit.offset if hit else None for at, hit in found.items()}

    async def ends(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        with _translating():
            async with asyncio.timeout(self._limit):
                return _offsets(await self._client.end_offsets([_native(each) for each in partitions]))

    async def starts(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        with _translating():
            async with asyncio.timeout(self._limit):
                return _offsets(await self._client.beginning_offsets([_native(each) for each in partitions]))

    async def report(self, offsets: dict[Partition, int]) -> None:
        native = {_native(at): OffsetAndMetadata(offset, "") for at, offset in offsets.items()}
        with _translating():
            async with asyncio.timeout(self._limit):
                await self._client.commit(native)

    async def close(self) -> None:
        await stop(self._client)


def _native(partition: Partition) -> TopicPartition:
    return TopicPartition(partition.topic, partition.number)


def _offsets(offsets: dict[TopicPartition, int]) -> dict[Partition, int]:
    return {Partition(at.topic, at.partition): offset for at, offset in offsets.items()}


def _source(record: object) -> SourceRecord:
    r = record
    return SourceRecord(r.topic, r.partition, r.offset, r.key, r.value, r.headers)  # type: ignore[attr-defined]
