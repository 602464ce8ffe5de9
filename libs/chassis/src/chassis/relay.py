"""Outbox to Kafka: every undelivered row in the order of its id, deleted once the broker has acknowledged it.

No cursor is kept, so nothing can be skipped. Shards are leased by the database's clock only to keep duplicates few:
two relays on one shard send the same bytes twice, and consumers drop what they have seen.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol, TypeVar
from uuid import UUID

import asyncpg
import orjson
import structlog

from chassis import metrics, tracing
from chassis.failpoints import failpoint
from chassis.gathering import Gathering
from chassis.kafka import BrokerError, Bus, Producer, Record, RecordTooLarge, UnknownTopic, Withheld
from chassis.leases import Leases, LeasesLost
from contracts.catalogue import topic_named

log = structlog.get_logger(__name__)

BATCH = 500
SEND_LIMIT = 30.0
LAST_ACKS = 4.0
"""Seconds that the acknowledgements of the last batch may take when the process is told to end."""
LONG_SESSION = 10.0
"""Seconds after which an interruption is a new one, and the back-off begins anew."""
BACKOFF_FIRST, BACKOFF_LAST = 0.1, 5.0
MISSING_TOPIC = 3.0
"""Seconds until rows of a topic that does not exist are tried again; the others flow meanwhile."""
ATTEMPTS = 5
BUSY_POLL, IDLE_POLL = 0.005, 0.025
# InternalClientError: what asyncpg says when its backend was ended at an unlucky moment.
GONE = (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

_FETCH = """
select id, topic, state_topic, tombstone, aggregate_id, headers, payload
from outbox where shard = any($1::smallint[]) and topic <> all($3::text[]) order by id limit $2"""
_DELETE = "delete from outbox where id = any($1::bigint[])"
_PARKED = "select distinct aggregate_id from outbox_parked"
_PARK = """
with moved as (delete from outbox where aggregate_id = $1 and id >= $2 returning *)
insert into outbox_parked (id, shard, topic, state_topic, tombstone, aggregate_type, aggregate_id, version, event_id,
                           type, headers, payload, created_at, reason)
select id, shard, topic, state_topic, tombstone, aggregate_type, aggregate_id, version, event_id,
       type, headers, payload, created_at, $3 from moved"""

# An operator who lets the key go holds the same lock, so that what is asked next is not out of date.
_LOCK_KEY = "select pg_advisory_xact_lock(7234003, hashtext($1::text))"
_IS_PARKED = "select exists (select from outbox_parked where aggregate_id = $1)"

T = TypeVar("T")


class Row(Protocol):
    def __getitem__(self, key: str) -> Any: ...


class Unpublishable(ValueError):
    """The row cannot be turned into records."""


class BrokerAway(Exception):
    """The broker's trouble, not the rows': everything waits."""


@dataclass
class Relay:
    """One relay process. `dsn` is a plain postgresql:// address; `wake` is set by commits of the same process.

    `linger` are seconds to gather rows after a batch was sent, while batches follow each other: fewer rounds.
    """

    dsn: str
    bus: Bus
    stopping: asyncio.Event
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    idle_poll: float = IDLE_POLL
    linger: float = 0.0
    leases: Leases = field(default_factory=Leases)
    _producer: Producer | None = None
    _failing: dict[UUID, tuple[int, int]] = field(default_factory=dict)
    _parked: set[UUID] = field(default_factory=set)
    _missing: dict[str, float] = field(default_factory=dict)
    _poll: float = BUSY_POLL
    _gathering: Gathering = field(init=False)

    def __post_init__(self) -> None:
        self._gathering = Gathering(self.linger)

    @property
    def shards(self) -> list[int]:
        return self.leases.shards

    async def run(self) -> None:
        """Relays until `stopping` is set, then ends within ten seconds; survives a broker or a database that is away,
        with back-off."""
        delay, clock = BACKOFF_FIRST, asyncio.get_running_loop().time
        while not self.stopping.is_set():
            began = clock()
            try:
                await self._session()
                return
            except GONE as error:
                delay = BACKOFF_FIRST if clock() - began > LONG_SESSION else delay
                _note(error, delay)
            await _pause(self.stopping, delay)
            delay = min(delay * 2, BACKOFF_LAST)

    async def _session(self) -> None:
        """As long as one connection to the database lasts."""
        connection = await asyncpg.connect(self.dsn, timeout=10, command_timeout=30)
        try:
            await _decode_json(connection)
            await self.leases.begin(connection)
            await self._relay(connection)
        finally:
            with suppress(*GONE):
                await self.leases.leave(connection)
            connection.terminate()
            await self._drop_producer()

    async def _relay(self, connection: asyncpg.Connection) -> None:
        delay = BACKOFF_FIRST
        while not self.stopping.is_set():
            if await self.leases.keep(connection):
                self._parked = {row["aggregate_id"] for row in await connection.fetch(_PARKED)}
                metrics.relay_shards.set(len(self.shards))
            self.wake.clear()
            try:
                sent = await self._round(connection)
            except (BrokerAway, LeasesLost) as error:
                # What was on its way may be written later than what follows it.
                self.leases.doubt.set()
                await self._drop_producer()
                _note(error.__cause__ or error, delay)
                with suppress(BrokerAway, LeasesLost):
                    await self._meanwhile(connection, _pause(self.stopping, delay))
                delay = min(delay * 2, BACKOFF_LAST)
            else:
                delay = BACKOFF_FIRST
                await self._rest(sent)

    async def _rest(self, sent: int) -> None:
        if sent >= BATCH:
            return
        if sent and (rest := self._gathering.rest()):
            await asyncio.sleep(rest)
        else:
            self._poll = BUSY_POLL if sent else min(self._poll * 1.5, self.idle_poll)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._poll):
                    await self.wake.wait()

    async def _round(self, connection: asyncpg.Connection) -> int:
        producer = await self._opened(connection)
        rows = await self._fetch(connection)
        if not rows or self.leases.may_be_lost():
            return 0
        metrics.relay_batch.observe(len(rows))
        failpoint("relay.after_fetch")
        chosen = await self._choose(connection, rows)
        with tracing.sending([row["headers"] for row in chosen]):
            failed = await self._send(connection, producer, chosen)
        acked = _acknowledged(chosen, failed)
        failpoint("relay.before_delete")
        await connection.execute(_DELETE, [row["id"] for row in acked])
        failpoint("relay.after_delete")
        self._note_success(acked)
        await self._set_aside(connection, chosen, failed)
        return len(rows)

    async def _opened(self, connection: asyncpg.Connection) -> Producer:
        if self._producer is None:
            self._producer = await self._of_the_broker(connection, self.bus.producer(), 0)
        return self._producer

    async def _drop_producer(self) -> None:
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await producer.close()

    async def _fetch(self, connection: asyncpg.Connection) -> list[Row]:
        now = asyncio.get_running_loop().time()
        self._missing = {topic: until for topic, until in self._missing.items() if until > now}
        if not self.shards:
            return []
        return list(await connection.fetch(_FETCH, self.shards, BATCH, list(self._missing)))

    async def _send(
        self, connection: asyncpg.Connection, producer: Producer, rows: Sequence[Row]
    ) -> dict[int, BaseException]:
        """The rows that were not acknowledged, with the reason."""
        failed: dict[int, BaseException] = {}
        records, owners = [], []
        broken: set[UUID] = set()
        for row in rows:
            follows = row["aggregate_id"] in broken
            made = Withheld("follows a row that failed") if follows else _records_or_why_not(row)
            if isinstance(made, Exception):
                failed[row["id"]] = made
                broken.add(row["aggregate_id"])
                continue
            records += made
            owners += [row["id"]] * len(made)
        results = await self._of_the_broker(connection, producer.send_batch(records, SEND_LIMIT), LAST_ACKS)
        failpoint("relay.after_send")
        return failed | {owner: error for owner, error in zip(owners, results, strict=True) if error is not None}

    async def _of_the_broker(self, connection: asyncpg.Connection, call: Coroutine[Any, Any, T], grace: float) -> T:
        try:
            return await self._meanwhile(connection, _blaming(call), grace)
        except (BrokerError, TimeoutError) as error:
            raise BrokerAway from error

    async def _meanwhile(self, connection: asyncpg.Connection, call: Coroutine[Any, Any, T], grace: float = 0) -> T:
        """Waits for the call and renews the leases; `grace` seconds after we were told to end, it is given up.

        A broker that hangs for longer than a lease must not make the next relay send the same rows: both would be
        written when it comes back, in any order, and the state topic would end with an old state.
        """
        task, clock = asyncio.create_task(call), asyncio.get_running_loop().time
        deadline: float | None = None
        try:
            while not task.done():
                if self.stopping.is_set():
                    deadline = deadline or clock() + grace
                    if clock() >= deadline:
                        raise BrokerAway("told to end")
                done, _ = await asyncio.wait({task}, timeout=0.1)
                if not done:
                    await self.leases.renew(connection)
            return task.result()
        finally:
            task.cancel()

    async def _choose(self, connection: asyncpg.Connection, rows: Sequence[Row]) -> list[Row]:
        """Without what follows a parked or a failing row of the same aggregate: it would be published before it."""
        if not self._parked and not self._failing:
            return list(rows)
        parked = {row["aggregate_id"]: row["id"] for row in reversed(rows) if row["aggregate_id"] in self._parked}
        for aggregate, first in parked.items():
            await self._park_behind(connection, aggregate, first)
        return [row for row in rows if row["aggregate_id"] not in parked and self._is_its_turn(row)]

    async def _park_behind(self, connection: asyncpg.Connection, aggregate: UUID, first: int) -> None:
        """Unless an operator has let the key go; then what was parked is in front of it, in the next round."""
        async with connection.transaction():
            await connection.execute(_LOCK_KEY, str(aggregate))
            if await connection.fetchval(_IS_PARKED, aggregate):
                await connection.execute(_PARK, aggregate, first, "follows a parked event")
            else:
                self._parked.discard(aggregate)

    def _is_its_turn(self, row: Row) -> bool:
        failing = self._failing.get(row["aggregate_id"])
        return failing is None or row["id"] <= failing[0]

    def _note_success(self, acked: Sequence[Row]) -> None:
        for topic, count in Counter(row["topic"] for row in acked).items():
            metrics.outbox_published.labels(topic).inc(count)
        for row in acked if self._failing else ():
            self._failing.pop(row["aggregate_id"], None)

    async def _set_aside(
        self, connection: asyncpg.Connection, rows: Sequence[Row], failed: dict[int, BaseException]
    ) -> None:
        others = []
        for row in rows:
            error = failed.get(row["id"])
            if isinstance(error, UnknownTopic):
                self._leave_out(row["topic"])
            elif isinstance(error, RecordTooLarge | Unpublishable):
                await self._count_attempt(connection, row, error)
            elif error is not None and not isinstance(error, Withheld):
                others.append(error)
        if others:
            raise BrokerAway from others[0]

    def _leave_out(self, topic: str) -> None:
        if topic not in self._missing:
            metrics.relay_failures.labels(UnknownTopic.__name__).inc()
            log.error("topic_missing", topic=topic, retry_in=MISSING_TOPIC)
        self._missing[topic] = asyncio.get_running_loop().time() + MISSING_TOPIC

    async def _count_attempt(self, connection: asyncpg.Connection, row: Row, error: BaseException) -> None:
        aggregate = row["aggregate_id"]
        failing, attempts = self._failing.get(aggregate, (row["id"], 0))
        if failing != row["id"]:
            return
        self._failing[aggregate] = (failing, attempts + 1)
        if attempts + 1 < ATTEMPTS:
            return
        del self._failing[aggregate]
        self._parked.add(aggregate)
        await connection.execute(_PARK, aggregate, row["id"], repr(error))
        metrics.outbox_parked.labels(row["topic"]).inc()
        log.error("outbox_row_parked", outbox_id=row["id"], topic=row["topic"], error=repr(error))


async def _blaming(call: Coroutine[Any, Any, T]) -> T:
    """The database's errors are OSErrors too: what this call raises is about the broker."""
    try:
        return await call
    except OSError as error:
        raise BrokerError(repr(error)) from error


def _records(row: Row) -> list[Record]:
    """The fact, and the newest state beside it for subscribers that come later."""
    key = str(row["aggregate_id"]).encode()
    headers = [(name, value.encode()) for name, value in row["headers"].items()]
    if row["topic"] == row["state_topic"]:
        # A state told once more (chassis.restating): no fact goes with it.
        return [Record(row["topic"], key, None if row["tombstone"] else row["payload"], headers)]
    records = [Record(row["topic"], key, row["payload"], headers)]
    if row["state_topic"]:
        value = None if row["tombstone"] else orjson.dumps(orjson.loads(row["payload"])["state"])
        records.append(Record(row["state_topic"], key, value, _state_headers(row["topic"], headers)))
    return records


def _records_or_why_not(row: Row) -> list[Record] | Unpublishable:
    try:
        return _records(row)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        return Unpublishable(f"outbox row {row['id']}: {error!r}")


def _state_headers(topic: str, headers: Sequence[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    own = _state_attributes(topic)
    return [(name, own.get(name, value)) for name, value in headers]


@cache
def _state_attributes(topic: str) -> dict[str, bytes]:
    known = topic_named(topic)
    return {"ce_type": known.state_type.encode(), "ce_dataschema": known.state_schema.encode()}


def _acknowledged(rows: Sequence[Row], failed: dict[int, BaseException]) -> list[Row]:
    """Per aggregate the rows before the first failure: deleting past it would publish out of order later."""
    if not failed:
        return list(rows)
    broken: set[UUID] = set()
    acked = []
    for row in rows:
        if row["id"] in failed:
            broken.add(row["aggregate_id"])
        if row["aggregate_id"] not in broken:
            acked.append(row)
    return acked


def _note(error: BaseException, delay: float) -> None:
    metrics.relay_failures.labels(type(error).__name__).inc()
    log.warning("relay_interrupted", error=repr(error), retry_in=delay)


async def _decode_json(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec("jsonb", encoder=str, decoder=orjson.loads, schema="pg_catalog")


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()
