"""Outbox to Kafka: every undelivered row in the order of its id, deleted once the broker has acknowledged it.

No cursor is kept, so nothing can be skipped. Shards are leased by the database's clock only to keep duplicates few:
two relays on one shard send the same bytes twice, and consumers drop what they have seen.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from math import ceil
from typing import Any, Protocol
from uuid import UUID, uuid4

import asyncpg
import orjson
import structlog

from chassis import metrics, tracing
from chassis.failpoints import failpoint
from chassis.kafka import BrokerError, Bus, Producer, Record, RecordTooLarge
from chassis.tables import SHARDS
from contracts.catalogue import topic_named

log = structlog.get_logger(__name__)

LEASE_SECONDS = 5
RENEW_EVERY = 1.5
LEASE_MARGIN = 1.0
"""Seconds before the end of a lease in which nothing new is sent: time for what is under way to arrive."""
BATCH = 500
SEND_LIMIT = 30.0
LONG_SESSION = 10.0
"""Seconds after which an interruption is a new one, and the back-off begins anew."""
ATTEMPTS = 5
BUSY_POLL, IDLE_POLL = 0.005, 0.025
# InternalClientError: what asyncpg says when its backend was ended at an unlucky moment.
GONE = (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class LeasesLost(Exception):
    """Another relay has taken over what is being sent here; the producer must give up what it still holds."""


AWAY = (*GONE, BrokerError, LeasesLost)

_JOIN = """
insert into relay_member (owner, seen_at) values ($1, clock_timestamp())
on conflict (owner) do update set seen_at = excluded.seen_at"""
_FORGET = "delete from relay_member where seen_at < clock_timestamp() - make_interval(secs => $1)"
_MEMBERS = "select count(*) from relay_member"
_SEED = "insert into outbox_shard (shard) select generate_series(0, $1 - 1) on conflict do nothing"
_RENEW = """
update outbox_shard set lease_until = clock_timestamp() + make_interval(secs => $2)
where owner = $1 and lease_until > clock_timestamp() returning shard"""
_LEASE = """
update outbox_shard s set owner = $1, term = term + 1, lease_until = clock_timestamp() + make_interval(secs => $2)
where shard in (select shard from outbox_shard where lease_until < clock_timestamp() order by shard limit $3
                for update skip locked)
returning shard"""
_RELEASE = "update outbox_shard set lease_until = '-infinity' where owner = $1 and shard = any($2::smallint[])"
_LEAVE = "delete from relay_member where owner = $1"
_FETCH = """
select id, topic, state_topic, tombstone, aggregate_id, headers, payload
from outbox where shard = any($1::smallint[]) order by id limit $2"""
_DELETE = "delete from outbox where id = any($1::bigint[])"
_PARKED = "select distinct aggregate_id from outbox_parked"
_PARK = """
with moved as (delete from outbox where aggregate_id = $1 and id >= $2 returning *)
insert into outbox_parked (id, shard, topic, state_topic, tombstone, aggregate_type, aggregate_id, version, event_id,
                           type, headers, payload, created_at, reason)
select id, shard, topic, state_topic, tombstone, aggregate_type, aggregate_id, version, event_id,
       type, headers, payload, created_at, $3 from moved"""


class Row(Protocol):
    def __getitem__(self, key: str) -> Any: ...


@dataclass
class Relay:
    """One relay process. `dsn` is a plain postgresql:// address; `wake` is set by commits of the same process.

    `linger` are seconds to gather rows after a batch was sent: fewer rounds while much is going on.
    """

    dsn: str
    bus: Bus
    stopping: asyncio.Event
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    idle_poll: float = IDLE_POLL
    linger: float = 0.0
    owner: str = field(default_factory=lambda: uuid4().hex)
    shards: list[int] = field(default_factory=list)
    _attempts: dict[int, int] = field(default_factory=dict)
    _parked: set[UUID] = field(default_factory=set)
    _renewed_at: float = -1e9
    _poll: float = BUSY_POLL

    async def run(self) -> None:
        """Relays until `stopping` is set; survives a broker or a database that is away, with back-off."""
        delay, clock = 0.1, asyncio.get_running_loop().time
        while not self.stopping.is_set():
            began = clock()
            try:
                await self._session()
                return
            except AWAY as error:
                delay = 0.1 if clock() - began > LONG_SESSION else delay
                metrics.relay_failures.labels(type(error).__name__).inc()
                log.warning("relay_interrupted", error=repr(error), retry_in=delay)
            await _pause(self.stopping, delay)
            delay = min(delay * 2, 5.0)

    async def _session(self) -> None:
        connection = await asyncpg.connect(self.dsn, timeout=10, command_timeout=30)
        producer: Producer | None = None
        try:
            await _decode_json(connection)
            producer = await self.bus.producer()
            await self._relay(connection, producer)
        finally:
            if producer is not None:
                await producer.close()
            with suppress(*GONE):
                await self._leave(connection)
            connection.terminate()

    async def _relay(self, connection: asyncpg.Connection, producer: Producer) -> None:
        await connection.execute(_SEED, SHARDS)
        self._renewed_at = -1e9
        while not self.stopping.is_set():
            await self._keep_leases(connection)
            self.wake.clear()
            sent = await self._round(connection, producer)
            if sent and self.linger:
                await asyncio.sleep(self.linger)
            elif sent < BATCH:
                self._poll = BUSY_POLL if sent else min(self._poll * 1.5, self.idle_poll)
                await self._sleep()

    async def _sleep(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._poll):
                await self.wake.wait()

    async def _round(self, connection: asyncpg.Connection, producer: Producer) -> int:
        rows = await connection.fetch(_FETCH, self.shards, BATCH) if self.shards else []
        if not rows or self._may_be_overtaken():
            return 0
        metrics.relay_batch.observe(len(rows))
        failpoint("relay.after_fetch")
        rows = await self._without_parked(connection, rows)
        with tracing.sending([row["headers"] for row in rows]):
            failed = await self._send_with_leases(connection, producer, rows)
        acked = _acknowledged(rows, failed)
        failpoint("relay.before_delete")
        await connection.execute(_DELETE, [row["id"] for row in acked])
        failpoint("relay.after_delete")
        _count(acked)
        await self._set_aside(connection, rows, failed)
        return len(rows)

    def _may_be_overtaken(self) -> bool:
        """Whether the process was away for so long, before or during the fetch, that the rows may be another's now."""
        return asyncio.get_running_loop().time() - self._renewed_at > LEASE_SECONDS - LEASE_MARGIN

    async def _send_with_leases(
        self, connection: asyncpg.Connection, producer: Producer, rows: Sequence[Row]
    ) -> dict[int, BaseException]:
        """A broker that hangs for longer than a lease must not make the next relay send the same rows.

        Both would be written when it comes back, in any order, and the state topic would end with an old state.
        """
        sending = asyncio.create_task(self._send(producer, rows))
        try:
            while not (await asyncio.wait({sending}, timeout=RENEW_EVERY))[0]:
                await self._renew_held(connection)
            return sending.result()
        finally:
            sending.cancel()

    async def _renew_held(self, connection: asyncpg.Connection) -> None:
        began = asyncio.get_running_loop().time()
        await connection.execute(_JOIN, self.owner)
        held = {row["shard"] for row in await connection.fetch(_RENEW, self.owner, LEASE_SECONDS)}
        if not held.issuperset(self.shards):
            raise LeasesLost(f"{len(self.shards)} shards were held, {len(held)} are")
        self._renewed_at = began

    async def _send(self, producer: Producer, rows: Sequence[Row]) -> dict[int, BaseException]:
        records, owners = [], []
        for row in rows:
            for record in _records(row):
                records.append(record)
                owners.append(row["id"])
        results = await producer.send_batch(records, SEND_LIMIT)
        failpoint("relay.after_send")
        return {owner: error for owner, error in zip(owners, results, strict=True) if error is not None}

    async def _without_parked(self, connection: asyncpg.Connection, rows: list[Row]) -> list[Row]:
        """What follows a parked event of the same aggregate waits beside it, or its order would be lost."""
        if not self._parked:
            return rows
        for row in [row for row in rows if row["aggregate_id"] in self._parked]:
            await connection.execute(_PARK, row["aggregate_id"], row["id"], "follows a parked event")
        return [row for row in rows if row["aggregate_id"] not in self._parked]

    async def _set_aside(
        self, connection: asyncpg.Connection, rows: Sequence[Row], failed: dict[int, BaseException]
    ) -> None:
        for row in rows:
            error = failed.get(row["id"])
            if error is None:
                continue
            if not isinstance(error, RecordTooLarge):
                raise error  # the broker's trouble, not the row's: back off with everything
            await self._count_attempt(connection, row, error)

    async def _count_attempt(self, connection: asyncpg.Connection, row: Row, error: BaseException) -> None:
        attempts = self._attempts[row["id"]] = self._attempts.get(row["id"], 0) + 1
        if attempts < ATTEMPTS:
            return
        del self._attempts[row["id"]]
        self._parked.add(row["aggregate_id"])
        await connection.execute(_PARK, row["aggregate_id"], row["id"], repr(error))
        metrics.outbox_parked.labels(row["topic"]).inc()
        log.error("outbox_row_parked", outbox_id=row["id"], topic=row["topic"], error=repr(error))

    async def _keep_leases(self, connection: asyncpg.Connection) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._renewed_at < RENEW_EVERY:
            return
        self._renewed_at = now
        async with connection.transaction():
            held = [row["shard"] for row in await connection.fetch(_RENEW, self.owner, LEASE_SECONDS)]
            self.shards = await self._fair_share(connection, held)
        self._parked = {row["aggregate_id"] for row in await connection.fetch(_PARKED)}
        metrics.relay_shards.set(len(self.shards))

    async def _fair_share(self, connection: asyncpg.Connection, held: list[int]) -> list[int]:
        await connection.execute(_JOIN, self.owner)
        await connection.execute(_FORGET, LEASE_SECONDS)
        fair = ceil(SHARDS / await connection.fetchval(_MEMBERS))
        if len(held) > fair:
            await connection.execute(_RELEASE, self.owner, held[fair:])
            return held[:fair]
        free = await connection.fetch(_LEASE, self.owner, LEASE_SECONDS, fair - len(held)) if len(held) < fair else []
        return sorted([*held, *(row["shard"] for row in free)])

    async def _leave(self, connection: asyncpg.Connection) -> None:
        await connection.execute(_RELEASE, self.owner, self.shards, timeout=2)
        await connection.execute(_LEAVE, self.owner, timeout=2)


def _records(row: Row) -> list[Record]:
    """The fact, and the newest state beside it for subscribers that come later."""
    key = str(row["aggregate_id"]).encode()
    headers = [(name, value.encode()) for name, value in row["headers"].items()]
    records = [Record(row["topic"], key, row["payload"], headers)]
    if row["state_topic"]:
        value = None if row["tombstone"] else orjson.dumps(orjson.loads(row["payload"])["state"])
        records.append(Record(row["state_topic"], key, value, _state_headers(row["topic"], headers)))
    return records


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


def _count(rows: Sequence[Row]) -> None:
    for topic, count in Counter(row["topic"] for row in rows).items():
        metrics.outbox_published.labels(topic).inc(count)


async def _decode_json(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec("jsonb", encoder=str, decoder=orjson.loads, schema="pg_catalog")


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()
