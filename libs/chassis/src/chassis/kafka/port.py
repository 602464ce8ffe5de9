"""What the rest of the chassis may expect of a broker, whichever client library speaks to it.

Every promise here is a case of the conformance suite (tests/conformance), run against each adapter on a real broker.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from chassis.kafka.security import Security

Client = Literal["aiokafka", "confluent"]

MAX_RECORD = 1_048_576
"""Bytes of a record, key and headers included, that a producer still accepts; brokers take as much by default."""
MAX_BATCH = 262_144
"""Bytes of a request per partition. A broker refuses a batch as a whole, so a large record must travel alone."""
STOP_LIMIT = 3.0
"""Seconds. The clients' own stop may wait without end while the broker is away."""


class BrokerError(Exception):
    """The broker, or the way to it, does not do what was asked of it; mostly it will later."""


class RecordTooLarge(BrokerError):
    """This record will never be accepted; the others were."""


class UnknownTopic(BrokerError):
    """The broker knows no such topic (yet)."""


class Unreachable(BrokerError):
    """No broker answers at that address (yet)."""


class Withheld(BrokerError):
    """Not sent, because an earlier record of its key in the same batch was refused: it would have come out of order."""


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


OPEN = Security()


@dataclass(frozen=True)
class Connection:
    """How to reach the brokers. `bootstrap` is a comma-separated list of host:port.

    `member_timeout` are the seconds of silence after which a group gives a member's partitions to others,
    `answer_limit` those after which a start, a question or a report is given up.
    """

    bootstrap: str
    client_id: str
    member_timeout: float = 30.0
    answer_limit: float = 10.0
    security: Security = OPEN


@dataclass(frozen=True)
class NewTopic:
    """A topic to create; `config` in the broker's own names."""

    name: str
    partitions: int
    replication: int
    config: dict[str, str]


class Producer(Protocol):
    async def send_batch(self, records: Sequence[Record], limit: float) -> list[BaseException | None]:
        """One result per record in their order: None when all in-sync replicas have it, else why not.

        Records of one key keep their order; equal keys go to the same partition whichever client sends them. Raises
        TimeoutError after `limit` seconds; then close the producer: what it still holds may or may not be written.
        """
        ...

    async def close(self) -> None:
        """Ends within STOP_LIMIT seconds, also while no broker answers; what was not acknowledged is given up."""
        ...


Assigned = Callable[[set[Partition]], Awaitable[None]]


class Consumer(Protocol):
    """A position per partition. `seek`, `pause` and `resume` raise BrokerError for a partition that is not ours."""

    async def start(self) -> None:
        """Takes part in the group (partitions come while fetching), or takes every partition, from its present end.

        Raises BrokerError or TimeoutError while no broker answers, UnknownTopic without a group; close it then too.
        """
        ...

    async def fetch(self, limit: float) -> dict[Partition, list[SourceRecord]]:
        """What has come, in the order of the log per partition; waits up to `limit` seconds for the first record.

        Keep calling it, also while everything is paused, or the group drops us. While no broker answers it returns
        nothing. What the `assigned` callback raised, it raises. When it is cancelled nothing is lost.
        """
        ...

    def seek(self, partition: Partition, offset: int) -> None:
        """The next record fetched of the partition is the first one at or after `offset`."""
        ...

    def pause(self, partitions: Iterable[Partition]) -> None:
        """Fetches nothing of them until they are resumed; a rebalance that leaves them with us changes nothing."""
        ...

    def resume(self, partitions: Iterable[Partition]) -> None: ...

    def held(self) -> set[Partition]:
        """The partitions that are ours now."""
        ...

    async def at_time(self, partitions: Iterable[Partition], moment: datetime) -> dict[Partition, int | None]:
        """The first offset whose record was written at or after the moment; None where there is none. Raises as
        `ends`."""
        ...

    async def ends(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """The offset after the last record of each. Raises BrokerError, TimeoutError after `answer_limit` seconds."""
        ...

    async def starts(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """The first offset that is still there. Raises as `ends`."""
        ...

    async def report(self, offsets: dict[Partition, int]) -> None:
        """Tells the group how far we are: for lag metrics, since the offset that counts lies in PostgreSQL.

        Raises BrokerError when we are no member any more, TimeoutError after `answer_limit` seconds.
        """
        ...

    async def close(self) -> None:
        """Leaves the group; ends within twice STOP_LIMIT seconds, also while no broker answers."""
        ...
