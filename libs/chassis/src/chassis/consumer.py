"""The loop between the broker and the intake: fetch, take over, report; back off when something is away."""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog
from sqlalchemy.exc import DBAPIError

from chassis import metrics
from chassis.failpoints import failpoint
from chassis.kafka import BrokerError, Bus, Consumer, Partition, SourceRecord
from chassis.projector import Batch, Fenced, Intake, is_transient, stored_positions

log = structlog.get_logger(__name__)

FETCH_LIMIT = 1.0
REPORT_EVERY = 5.0
STANDSTILL = 30.0
"""Seconds without a step while the log is longer than our position: then the client is replaced."""
STANDSTILLS_ALLOWED = 3
"""After that many replaced clients liveness fails, and the process is replaced."""
BACKOFF_FIRST, BACKOFF_LAST = 0.1, 30.0


class Standstill(Exception):
    """The client delivers nothing although there is something to deliver."""


@dataclass
class ConsumerLoop:
    """One member of the service's group. `health["consumer"]` says `ok`, what it waits for, or `stuck`.

    `linger` are seconds to gather records after a batch: fewer transactions while much is going on.
    """

    bus: Bus
    intake: Intake
    stopping: asyncio.Event
    applied: asyncio.Event
    health: dict[str, str] = field(default_factory=dict)
    linger: float = 0.0
    _client: Consumer = field(init=False)
    _next: dict[Partition, int] = field(default_factory=dict)
    _blocked: dict[Partition, float] = field(default_factory=dict)
    _delays: dict[Partition, float] = field(default_factory=dict)
    _dead: set[Partition] = field(default_factory=set)
    _paused: set[Partition] = field(default_factory=set)
    _moved_at: float = 0.0
    _reported_at: float = 0.0

    async def run(self) -> None:
        """Consumes until `stopping` is set; a client that fails or stands still is replaced by a new one."""
        delay, standstills = BACKOFF_FIRST, 0
        while not self.stopping.is_set():
            self.health["consumer"] = "joining its group" if standstills < STANDSTILLS_ALLOWED else "stuck"
            client = self.bus.consumer(self.intake.subscriptions.topics, self.intake.group, self._assigned)
            self._client = client
            try:
                await client.start()
                delay = BACKOFF_FIRST
                await self._consume(client)
            except Standstill as error:
                standstills += 1
                log.error("consumer_stood_still", group=self.intake.group, error=str(error), times=standstills)
            except (BrokerError, OSError, TimeoutError, DBAPIError) as error:
                log.warning("consumer_replaced", group=self.intake.group, error=repr(error), retry_in=delay)
            finally:
                await client.close()
            await self._pause_before_retry(delay)
            delay = min(delay * 2, 5.0)

    async def _consume(self, client: Consumer) -> None:
        self._moved_at = time.monotonic()
        while not self.stopping.is_set():
            fetched = await client.fetch(FETCH_LIMIT)
            if fetched:
                failpoint("intake.after_fetch")
            await self._take_all(client, fetched)
            self._apply_pauses(client)
            await self._report(client)
            if fetched and self.linger:
                await asyncio.sleep(self.linger)

    async def _assigned(self, partitions: set[Partition]) -> None:
        """Seeks to the stored positions. A fresh assignment has forgotten all pauses, so these are set anew."""
        metrics.rebalances.inc()
        self.intake.assigned()
        self._next.clear()
        self._blocked.clear()
        self._paused.clear()
        if partitions:
            await self._seek_to_stored(partitions)
        self.health["consumer"] = "ok"

    async def _seek_to_stored(self, partitions: Iterable[Partition]) -> None:
        client = self._client
        starts = await client.starts(partitions)
        async with self.intake.database.transaction() as session:
            stored = await stored_positions(session, self.intake.group, starts)
        ends = await client.ends(partitions)
        for at, offset in stored.items():
            self._next[at] = offset
            if offset > ends[at]:
                self._alarm_recreated(at, offset, ends[at])
            else:
                client.seek(at, offset)

    def _alarm_recreated(self, at: Partition, stored: int, end: int) -> None:
        # Going on silently would skip or repeat history; an operator has to decide.
        metrics.topics_recreated.labels(at.topic).inc()
        log.error("topic_recreated", topic=at.topic, partition=at.number, stored=stored, end=end)
        self._dead.add(at)

    async def _take_all(self, client: Consumer, fetched: dict[Partition, list[SourceRecord]]) -> None:
        """One transaction for all partitions; when that fails each has to show whether it was to blame."""
        batches = [
            Batch(at, self._next[at], records)
            for at, records in fetched.items()
            if at in self._next and at not in self._dead
        ]
        if len(batches) > 1:
            try:
                moved = await self.intake.take_together(batches)
            except Exception as error:
                log.info("batches_taken_one_by_one", partitions=len(batches), error=repr(error))
            else:
                self._took(moved, fetched)
                return
        await asyncio.gather(*(self._take(client, batch.at, fetched[batch.at]) for batch in batches))

    def _took(self, moved: dict[Partition, int], fetched: dict[Partition, list[SourceRecord]]) -> None:
        self._next.update(moved)
        self._moved_at = time.monotonic()
        for at in moved:
            self._delays.pop(at, None)
            _observe_age(fetched[at])
        self.applied.set()

    async def _take(self, client: Consumer, at: Partition, records: list[SourceRecord]) -> None:
        start = self._next[at]
        try:
            moved = await self.intake.take(at, start, records)
        except Fenced:
            metrics.batches_fenced.labels(at.topic).inc()
            await self._seek_to_stored([at])
        except Exception as error:
            self._back_off(client, at, start, error)
        else:
            self._took({at: moved}, {at: records})

    def _back_off(self, client: Consumer, at: Partition, start: int, error: Exception) -> None:
        delay = self._delays.get(at, BACKOFF_FIRST)
        self._delays[at] = min(delay * 2, BACKOFF_LAST)
        self._blocked[at] = time.monotonic() + delay
        self._moved_at = time.monotonic()
        client.seek(at, start)
        metrics.batch_retries.labels(at.topic).inc()
        level = log.warning if is_transient(error) else log.error
        level("batch_postponed", topic=at.topic, partition=at.number, offset=start, retry_in=delay, error=repr(error))

    def _apply_pauses(self, client: Consumer) -> None:
        now = time.monotonic()
        self._blocked = {at: until for at, until in self._blocked.items() if until > now}
        wanted = {at for at in (*self._blocked, *self._dead) if at in self._next}
        client.pause(wanted - self._paused)
        client.resume((self._paused - wanted) & self._next.keys())
        self._paused = wanted

    async def _report(self, client: Consumer) -> None:
        now = time.monotonic()
        if now - self._reported_at < REPORT_EVERY or not self._next:
            return
        self._reported_at = now
        ends = await client.ends(self._next)
        behind = {at: end - self._next[at] for at, end in ends.items() if at in self._next}
        for topic in {at.topic for at in behind}:
            metrics.consumer_lag.labels(topic).set(sum(lag for at, lag in behind.items() if at.topic == topic))
        await client.report(dict(self._next))
        failpoint("intake.after_report")
        self._watch(now, {at for at, lag in behind.items() if lag > 0} - self._dead)

    def _watch(self, now: float, behind: set[Partition]) -> None:
        if not behind:
            self._moved_at = now
        if now - self._moved_at > STANDSTILL:
            metrics.watchdog_restarts.inc()
            raise Standstill(f"no progress for {STANDSTILL:.0f} s while {len(behind)} partitions have records")

    async def _pause_before_retry(self, delay: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self.stopping.wait()


def _observe_age(records: list[SourceRecord]) -> None:
    for name, value in records[-1].headers:
        if name == "ce_time":
            with suppress(ValueError):
                metrics.event_age_seconds.labels(records[-1].topic).observe(_age(value))


def _age(ce_time: bytes) -> float:
    made = datetime.fromisoformat(ce_time.decode())
    return max((datetime.now(UTC) - made).total_seconds(), 0.0)
