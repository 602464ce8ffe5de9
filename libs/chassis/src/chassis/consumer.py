"""The loop between the broker and the intake: fetch, take over, report; back off when something is away."""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

import structlog
from sqlalchemy.exc import DBAPIError

from chassis import metrics
from chassis.failpoints import failpoint
from chassis.gathering import Gathering
from chassis.kafka import BrokerError, Bus, Consumer, Partition, SourceRecord
from chassis.lateness import Lateness
from chassis.projector import Batch, Fenced, Intake, is_transient, stored_positions, strangers

log = structlog.get_logger(__name__)

FETCH_LIMIT = 1.0
JOIN_LIMIT = 90.0
"""Seconds for joining the group; then another client tries."""
ASK_LIMIT = 10.0
"""Seconds for a question to the broker (where a log begins and ends) before a fresh partition is consumed."""
REPORT_EVERY, REPORT_LIMIT = 5.0, 5.0
STANDSTILL = 30.0
"""Seconds without a step of a partition whose log is longer than our position: then the client is replaced."""
STANDSTILLS_ALLOWED = 3
"""After that many replaced clients in a row without a step the process ends, and its supervisor starts another."""
BACKOFF_FIRST, BACKOFF_LAST = 0.1, 30.0
DATABASE_PROBE = 2.0
"""The longest pause, in seconds, while the database is away: flow is back soon after it is."""
RECREATED_PROBE = 30.0
"""Seconds between two looks at a topic that an operator has to decide about."""

AWAY = (BrokerError, OSError, TimeoutError, DBAPIError)
REST_SHARE, LONGEST_REST = 4.0, 0.2
"""A consumer that lingers rests this many times as long as it worked, and never longer than this many seconds."""


AnswerT = TypeVar("AnswerT")


class Standstill(Exception):
    """The client delivers nothing although there is something to deliver."""


class ConsumerStuck(Exception):
    """New clients do not help: the process has to be replaced."""


@dataclass
class Place:
    """Where this process stands in one partition of its assignment. `next` is None until read from the database."""

    next: int | None = None
    moved_at: float = field(default_factory=time.monotonic)
    blocked_until: float = 0.0
    delay: float = BACKOFF_FIRST

    def is_active(self, now: float) -> bool:
        return self.next is not None and self.blocked_until <= now

    def block(self, seconds: float) -> None:
        self.blocked_until = time.monotonic() + seconds
        # Waiting on purpose is no standstill.
        self.moved_at = self.blocked_until

    def back_off(self, last: float) -> float:
        """Waits longer each time, up to `last` seconds; returns for how long now."""
        wait = min(self.delay, last)
        self.block(wait)
        self.delay = min(self.delay * 2, BACKOFF_LAST)
        return wait


@dataclass
class ConsumerLoop:
    """One member of the service's group. `health["consumer"]` says `ok`, what it waits for, or `stuck`.

    `linger` are seconds to gather records after a batch, while batches follow each other: fewer transactions.
    `standstill` are the watchdog's seconds. A place belongs to one assignment: work that outlives a rebalance changes a
    place that nobody looks at any more.
    """

    bus: Bus
    intake: Intake
    stopping: asyncio.Event
    applied: asyncio.Event
    health: dict[str, str] = field(default_factory=dict)
    linger: float = 0.0
    standstill: float = STANDSTILL
    _places: dict[Partition, Place] = field(default_factory=dict)
    _paused: set[Partition] = field(default_factory=set)
    _has_moved: bool = False
    _reported_at: float = 0.0
    _lateness: Lateness = field(default_factory=Lateness)
    _heard_at: float = 0.0
    _gathering: Gathering = field(init=False)

    def __post_init__(self) -> None:
        self._gathering = Gathering(self.linger)

    async def run(self) -> None:
        """Consumes until `stopping` is set; a client that fails or stands still is replaced by a new one.

        Raises ConsumerStuck when replacing it did not help STANDSTILLS_ALLOWED times.
        """
        delay, standstills = BACKOFF_FIRST, 0
        while not self.stopping.is_set():
            self.health["consumer"] = "joining its group"
            client = self.bus.consumer(self.intake.subscriptions.topics, self.intake.group, self._assigned)
            self._has_moved, self._paused = False, set()
            try:
                async with asyncio.timeout(JOIN_LIMIT):
                    await client.start()
                delay = BACKOFF_FIRST
                await self._consume(client)
            except Standstill as error:
                standstills = 1 if self._has_moved else standstills + 1
                self._count_standstill(error, standstills)
            except AWAY as error:
                log.warning("consumer_replaced", group=self.intake.group, error=repr(error), retry_in=delay)
            finally:
                await client.close()
            await self._pause_before_retry(delay)
            delay = min(delay * 2, 5.0)

    def _count_standstill(self, error: Standstill, times: int) -> None:
        metrics.watchdog_restarts.inc()
        log.error("consumer_stood_still", group=self.intake.group, error=str(error), times=times)
        if times >= STANDSTILLS_ALLOWED:
            self.health["consumer"] = "stuck"
            raise ConsumerStuck(f"{times} clients of group {self.intake.group} stood still")

    async def _consume(self, client: Consumer) -> None:
        self._heard_at = time.monotonic()
        while not self.stopping.is_set():
            await self._find_places(client)
            fetched = await client.fetch(FETCH_LIMIT)
            if fetched:
                failpoint("intake.after_fetch")
            began = time.monotonic()
            await self._take_all(client, fetched)
            self._apply_pauses(client)
            await self._report(client)
            if fetched and (rest := self._gathering.rest()):
                await asyncio.sleep(_longer(rest, time.monotonic() - began))
        await self._tell_positions(client)

    async def _assigned(self, partitions: set[Partition]) -> None:
        """Forgets everything; the loop finds the places anew. Never fails: that would cost the client."""
        metrics.rebalances.inc()
        self.intake.assigned()
        self._places = {at: Place() for at in partitions}
        # What is paused and still ours stays paused.
        self._paused &= partitions
        self.health["consumer"] = "ok"

    async def _find_places(self, client: Consumer) -> None:
        """Seeks to the stored positions. While the database is away the member stays in its group and asks again."""
        places, now = self._places, time.monotonic()
        missing = [at for at, place in places.items() if place.next is None and place.blocked_until <= now]
        if not missing:
            return
        try:
            ends, stored, strange = await self._positions(client, missing)
        except Exception as error:
            if not is_transient(error) or isinstance(error, BrokerError):
                raise
            log.warning("positions_unreachable", group=self.intake.group, error=repr(error))
            for at in missing:
                places[at].back_off(DATABASE_PROBE)
            return
        for at in missing if places is self._places else ():
            if at.topic in strange or stored[at] > ends[at]:
                self._alarm_recreated(at, stored[at], ends[at])
            else:
                self._seek(client, at, stored[at])

    async def _positions(
        self, client: Consumer, missing: list[Partition]
    ) -> tuple[dict[Partition, int], dict[Partition, int], set[str]]:
        """Where the logs end, the stored positions, and the topics in which these do not count any more."""
        starts = await _answered(client.starts(missing))
        ids = await _answered(self.bus.topic_ids({at.topic for at in missing}))
        async with self.intake.database.transaction() as session:
            stored = await stored_positions(session, self.intake.group, starts)
            strange = await strangers(session, self.intake.group, ids)
        return await _answered(client.ends(missing)), stored, strange

    def _seek(self, client: Consumer, at: Partition, offset: int) -> None:
        place = self._places[at]
        # A partition that has just been revoked cannot be sought; its next assignment finds its place anew.
        place.next = None
        with suppress(BrokerError):
            client.seek(at, offset)
            place.next = offset

    def _alarm_recreated(self, at: Partition, stored: int, end: int) -> None:
        # Going on silently would skip or repeat history; an operator has to decide.
        metrics.topics_recreated.labels(at.topic).inc()
        log.error("topic_recreated", topic=at.topic, partition=at.number, stored=stored, end=end)
        self._places[at].block(RECREATED_PROBE)

    async def _take_all(self, client: Consumer, fetched: dict[Partition, list[SourceRecord]]) -> None:
        """One transaction for all partitions; when that fails each has to show whether it was to blame."""
        places = self._places
        batches = [
            Batch(at, place.next, records)
            for at, records in fetched.items()
            if (place := places.get(at)) is not None and place.next is not None
        ]
        if len(batches) > 1:
            try:
                moved = await self.intake.take_together(batches)
            except Exception as error:
                if is_transient(error):
                    for batch in batches:
                        self._back_off(client, places[batch.at], batch, error)
                    return
                log.info("batches_taken_one_by_one", partitions=len(batches), error=repr(error))
            else:
                for at, offset in moved.items():
                    self._took(places[at], at, offset, fetched[at])
                return
        await asyncio.gather(*(self._take(client, places[batch.at], batch) for batch in batches))

    async def _take(self, client: Consumer, place: Place, batch: Batch) -> None:
        try:
            moved = await self.intake.take(batch.at, batch.start, batch.records)
        except Fenced:
            metrics.batches_fenced.labels(batch.at.topic).inc()
            place.next = None
        except Exception as error:
            self._back_off(client, place, batch, error)
        else:
            self._took(place, batch.at, moved, batch.records)

    def _took(self, place: Place, at: Partition, moved: int, records: Sequence[SourceRecord]) -> None:
        place.next, place.moved_at, place.delay = moved, time.monotonic(), BACKOFF_FIRST
        self._has_moved = True
        self._lateness.applied(at, records[-1])
        if self.intake.queued.is_set():
            self.intake.queued.clear()
            self.applied.set()

    def _back_off(self, client: Consumer, place: Place, batch: Batch, error: Exception) -> None:
        is_away = is_transient(error)
        wait = place.back_off(DATABASE_PROBE if is_away else BACKOFF_LAST)
        at = batch.at
        if self._places.get(at) is place:
            self._seek(client, at, batch.start)
        metrics.batch_retries.labels(at.topic).inc()
        level = log.warning if is_away else log.error
        level(
            "batch_postponed", topic=at.topic, partition=at.number, offset=batch.start, retry_in=wait, error=repr(error)
        )

    def _apply_pauses(self, client: Consumer) -> None:
        now = time.monotonic()
        wanted = {at for at, place in self._places.items() if not place.is_active(now)}
        # In the middle of a rebalance nothing is ours, and what comes after it begins without pauses.
        with suppress(BrokerError):
            client.pause(wanted - self._paused)
            client.resume((self._paused - wanted) & self._places.keys())
            self._paused = wanted

    async def _report(self, client: Consumer) -> None:
        now = time.monotonic()
        if now - self._reported_at < min(REPORT_EVERY, self.standstill / 2):
            return
        self._reported_at = now
        places = {at: place.next for at, place in self._places.items() if place.next is not None}
        if not places:
            self._heard_at = now
            return
        try:
            async with asyncio.timeout(REPORT_LIMIT):
                ends = await client.ends(places)
        except (BrokerError, TimeoutError) as error:
            self._miss_broker(error)
            return
        self._heard_at = now
        behind = {at: end - places[at] for at, end in ends.items()}
        for topic in {at.topic for at in behind}:
            metrics.consumer_lag.labels(topic).set(sum(lag for at, lag in behind.items() if at.topic == topic))
        self._lateness.look(behind)
        await self._tell_positions(client)
        self._watch(behind)

    def _miss_broker(self, error: Exception) -> None:
        """One question without an answer is no reason to leave the group; a broker that stays silent is."""
        log.warning("broker_silent", group=self.intake.group, error=repr(error))
        if time.monotonic() - self._heard_at > 2 * self.standstill:
            raise TimeoutError("the broker does not say where its logs end")

    async def _tell_positions(self, client: Consumer) -> None:
        """For lag metrics only, so a group in the middle of a rebalance need not listen."""
        offsets = {at: place.next for at, place in self._places.items() if place.next is not None}
        with suppress(BrokerError, TimeoutError):
            async with asyncio.timeout(REPORT_LIMIT):
                if offsets:
                    await client.report(offsets)
                    failpoint("intake.after_report")

    def _watch(self, behind: dict[Partition, int]) -> None:
        now = time.monotonic()
        for at, lag in behind.items():
            place = self._places.get(at)
            if place is None:
                continue
            if lag < 0:
                # The log is shorter than what we have applied: it is another one.
                place.next = None
            elif lag == 0:
                place.moved_at = now
            elif place.is_active(now) and now - place.moved_at > self.standstill:
                raise Standstill(f"no step for {self.standstill:.0f} s at {place.next} of {at.topic}/{at.number}")

    async def _pause_before_retry(self, delay: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self.stopping.wait()


def _longer(rest: float, worked: float) -> float:
    """The slower the machine is just now, the more may gather: the next transaction is then one for many."""
    return min(max(rest, REST_SHARE * worked), LONGEST_REST)


async def _answered(question: Awaitable[AnswerT]) -> AnswerT:
    try:
        async with asyncio.timeout(ASK_LIMIT):
            return await question
    except TimeoutError as error:
        raise BrokerError(f"no answer within {ASK_LIMIT:.0f} s") from error
