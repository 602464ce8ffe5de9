"""The broker as a narrow port. The only module that knows which client library speaks to it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.structs import OffsetAndMetadata

from contracts.catalogue import Topic

__all__ = ["BrokerError", "Bus", "Consumer", "Partition", "Producer", "Record", "RecordTooLarge", "SourceRecord"]

BrokerError = KafkaError
RecordTooLarge = MessageSizeTooLargeError

STOP_LIMIT = 5.0
"""Seconds. The client's own stop may wait without end while the broker is away."""


@dataclass(frozen=True, slots=True)
class Partition:
    topic: str
    number: int


@dataclass(frozen=True, slots=True)
class Record:
    """What goes out. `value` None is a tombstone."""

    topic: str
    key: bytes
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """What comes in: the bytes as they lie in the log."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Producer(Protocol):
    async def send_batch(self, records: Sequence[Record], limit: float) -> list[BaseException | None]: ...
    async def close(self) -> None: ...


Assigned = Callable[[set[Partition]], Awaitable[None]]


class Consumer(Protocol):
    async def start(self) -> None: ...
    async def fetch(self, limit: float) -> dict[Partition, list[SourceRecord]]: ...
    def seek(self, partition: Partition, offset: int) -> None: ...
    def pause(self, partitions: Iterable[Partition]) -> None: ...
    def resume(self, partitions: Iterable[Partition]) -> None: ...
    async def ends(self, partitions: Iterable[Partition]) -> dict[Partition, int]: ...
    async def starts(self, partitions: Iterable[Partition]) -> dict[Partition, int]: ...
    async def report(self, offsets: dict[Partition, int]) -> None: ...
    async def close(self) -> None: ...


@dataclass(frozen=True)
class Bus:
    """Makes producers, consumers and topics. `bootstrap` is a comma-separated list of host:port.

    `member_timeout` are the seconds of silence after which a group gives a member's partitions to others.
    """

    bootstrap: str
    client_id: str
    member_timeout: float = 30.0

    async def producer(self) -> Producer:
        """A started idempotent producer with acks=all; raises BrokerError while no broker answers."""
        client = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap,
            client_id=self.client_id,
            acks="all",
            enable_idempotence=True,
            max_batch_size=262_144,
            max_request_size=1_048_576,
            request_timeout_ms=10_000,
            metadata_max_age_ms=60_000,
        )
        await _start(client)
        return _KafkaProducer(client)

    def consumer(self, topics: Sequence[str], group: str | None, assigned: Assigned | None = None) -> Consumer:
        """With a group: a member that tells `assigned` its partitions. Without: all partitions, from the end."""
        return _KafkaConsumer(self, topics, group, assigned)

    async def create_topics(self, topics: Iterable[Topic], *, partitions: int, replication: int) -> list[str]:
        """Creates what is missing of the given topics and their state topics; returns the names created.

        An existing topic is left as it is. `partitions` overrides the catalogue's figure (local mode).
        """
        wanted = [new for topic in topics for new in _new_topics(topic, partitions, replication)]
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap, client_id=self.client_id)
        await admin.start()
        try:
            answer = await admin.create_topics(wanted)
        finally:
            await admin.close()
        return [name for name, code in _outcomes(answer.topic_errors) if code is None]


def _outcomes(errors: Sequence[Sequence[object]]) -> Iterable[tuple[str, str | None]]:
    for name, code, *_ in errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise error(f"topic {name}")
        yield str(name), error.__name__ if code else None


DAY = 86_400_000


def _new_topics(topic: Topic, partitions: int, replication: int) -> list[NewTopic]:
    durable = {"min.insync.replicas": str(2 if replication >= 3 else 1), "unclean.leader.election.enable": "false"}
    facts = {"retention.ms": str(topic.retention_days * DAY), "message.timestamp.type": "CreateTime", **durable}
    state = {
        "cleanup.policy": "compact",
        "max.compaction.lag.ms": str(7 * DAY),
        # A consumer that was away for longer would miss that something was deleted.
        "delete.retention.ms": str(14 * DAY),
        **durable,
    }
    made = [NewTopic(topic.name, partitions, replication, topic_configs=facts)]
    if topic.has_state:
        made.append(NewTopic(f"{topic.name}.state", partitions, replication, topic_configs=state))
    return made


async def _start(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    try:
        await client.start()
    except BaseException:
        await _abandon(client)
        raise


async def _abandon(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    try:
        await asyncio.wait_for(client.stop(), STOP_LIMIT)
    except (TimeoutError, KafkaError, OSError):
        return


class _KafkaProducer:
    def __init__(self, client: AIOKafkaProducer) -> None:
        self._client = client

    async def send_batch(self, records: Sequence[Record], limit: float) -> list[BaseException | None]:
        """One result per record in their order: None when acknowledged. Raises TimeoutError after `limit` seconds;
        then the producer must be closed, since what it still holds may be written later."""
        async with asyncio.timeout(limit):
            # One sender: many concurrent send() calls wake each other up in quadratic number.
            futures = [await self._send(record) for record in records]
            results = await asyncio.gather(
                *(f for f in futures if isinstance(f, asyncio.Future)), return_exceptions=True
            )
        answers = iter(results)
        return [_failure(next(answers) if isinstance(f, asyncio.Future) else f) for f in futures]

    async def _send(self, record: Record) -> "asyncio.Future[object] | KafkaError":
        try:
            future: asyncio.Future[object] = await self._client.send(
                record.topic, value=record.value, key=record.key, headers=list(record.headers)
            )
        except KafkaError as error:
            return error
        return future

    async def close(self) -> None:
        await _abandon(self._client)


def _failure(result: object) -> BaseException | None:
    return result if isinstance(result, BaseException) else None


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, assigned: Assigned) -> None:
        self._assigned = assigned

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        # What runs on is fenced by the stored offset, so nobody has to wait for it.
        return None

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        await self._assigned({Partition(each.topic, each.partition) for each in assigned})


class _KafkaConsumer:
    def __init__(self, bus: Bus, topics: Sequence[str], group: str | None, assigned: Assigned | None) -> None:
        self._topics = topics
        self._group = group
        self._assigned = assigned
        self._client = AIOKafkaConsumer(
            *(() if group else topics),
            bootstrap_servers=bus.bootstrap,
            client_id=bus.client_id,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest" if group else "latest",
            partition_assignment_strategy=(RoundRobinPartitionAssignor,),
            session_timeout_ms=int(bus.member_timeout * 1000),
            heartbeat_interval_ms=min(3_000, int(bus.member_timeout * 100)),
            max_poll_interval_ms=300_000,
            fetch_max_wait_ms=500,
            metadata_max_age_ms=60_000,
        )

    async def start(self) -> None:
        """Joins the group, or takes every partition; raises BrokerError while no broker answers."""
        if self._group and self._assigned:
            self._client.subscribe(list(self._topics), listener=_Listener(self._assigned))
        await _start(self._client)
        if not self._group:
            await self._take_all()

    async def _take_all(self) -> None:
        taken = self._client.assignment()
        missing = sorted(set(self._topics) - {at.topic for at in taken})
        if missing:
            raise UnknownTopicOrPartitionError(f"no such topics: {', '.join(missing)}")
        await self._client.seek_to_end(*taken)

    async def fetch(self, limit: float) -> dict[Partition, list[SourceRecord]]:
        """Waits up to `limit` seconds; keep calling it, also while everything is paused, or the group drops us."""
        found = await self._client.getmany(timeout_ms=int(limit * 1000), max_records=2_000)
        return {
            Partition(at.topic, at.partition): [_source(record) for record in records] for at, records in found.items()
        }

    def seek(self, partition: Partition, offset: int) -> None:
        self._client.seek(_native(partition), offset)

    def pause(self, partitions: Iterable[Partition]) -> None:
        self._client.pause(*map(_native, partitions))

    def resume(self, partitions: Iterable[Partition]) -> None:
        self._client.resume(*map(_native, partitions))

    async def ends(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        return _ours(await self._client.end_offsets([_native(each) for each in partitions]))

    async def starts(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        return _ours(await self._client.beginning_offsets([_native(each) for each in partitions]))

    async def report(self, offsets: dict[Partition, int]) -> None:
        """Tells the group how far we are. Only for lag metrics: the offset that counts lies in PostgreSQL."""
        await self._client.commit({_native(at): OffsetAndMetadata(offset, "") for at, offset in offsets.items()})

    async def close(self) -> None:
        await _abandon(self._client)


def _native(partition: Partition) -> TopicPartition:
    return TopicPartition(partition.topic, partition.number)


def _ours(offsets: dict[TopicPartition, int]) -> dict[Partition, int]:
    return {Partition(at.topic, at.partition): offset for at, offset in offsets.items()}


def _source(record: object) -> SourceRecord:
    r = record
    return SourceRecord(r.topic, r.partition, r.offset, r.key, r.value, r.headers)  # type: ignore[attr-defined]
