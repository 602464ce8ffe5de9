"""Works the inbox: each event once, in order per key, many keys at a time, without ever blocking a partition.

While much waits, events of different keys share a transaction; when anything goes wrong in it, nothing of it happened,
and each of them is handled alone. A failure is tried again after 10 s, 30 s, 2 min and 8 min; then the key is parked:
its later events wait behind it, all others go on.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import ceil
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import metrics
from chassis.db import Database
from chassis.failpoints import failpoint
from chassis.projector import caused_by, is_transient
from chassis.subscriptions import Received, Subscriptions, handler_name
from chassis.unit import begin_anew
from contracts.catalogue import event_class
from contracts.envelope import decode
from contracts.event import Fact, Message

log = structlog.get_logger(__name__)

LANES = 16
"""Transactions at a time."""
TOGETHER = 32
"""Events in one transaction at most, and of one key in one claim."""
AT_ONCE = 3
"""Shared transactions at a time: one waits for the database while another computes, more would only hold locks."""
LONGEST_TOGETHER = 0.1
"""Seconds that a shared transaction should last: who waits for its locks, and who is behind a slow one in it, waits as
long. A function that takes longer for one event gets each in a transaction of its own."""
LEASE_SECONDS = 60
IDLE_POLL = 0.5
DELAYS = (10, 30, 120, 480)
KEEP_DONE_DAYS, DAYS_AHEAD = 7, 7
"""How long the id of a handled event is remembered, against the relay's duplicates: one partition of the table per day,
made ahead and dropped as a whole."""

# Of a key the first ones that wait, one behind the other: none whose first one must not be tried now, and none behind
# one that somebody else holds. `gap` is the first that this statement did not get of the keys that it found.
_CLAIM = text("""
with found as (
  select i.seq, i.handler, i.key from inbox i
  where i.state = 'pending' and i.next_at <= statement_timestamp()
    and (i.lease_until is null or i.lease_until < statement_timestamp())
    and (select h.state = 'pending' and h.next_at <= statement_timestamp()
            and (h.lease_until is null or h.lease_until < statement_timestamp())
         from inbox h where h.handler = i.handler and h.key = i.key and h.state <> 'done' order by h.seq limit 1)
  order by i.seq limit :most for update of i skip locked),
chains as (select handler, key, max(seq) as last from found group by handler, key),
gaps as (
  select c.handler, c.key, g.seq from chains c cross join lateral (
    select min(e.seq) as seq from inbox e
    where e.handler = c.handler and e.key = c.key and e.state <> 'done' and e.seq < c.last
      and e.seq not in (select seq from found)) g),
mine as (
  select f.seq from (select seq, handler, key, row_number() over (partition by handler, key order by seq) as place
                     from found) f
  join gaps g using (handler, key) where f.place <= :of_one_key and (g.seq is null or f.seq < g.seq))
update inbox i set lease_token = :token, lease_until = clock_timestamp() + make_interval(secs => :lease)
from mine where i.seq = mine.seq
returning i.seq, i.handler, i.topic, i.key, i.type, i.headers, i.payload, i.attempts""")
# The row leaves the inbox and its id is remembered. A repeat that the intake let in while the first one was being
# finished finds the id and has no effect.
_DONE = text("""
with taken as (
  delete from inbox where seq = any(:seqs) and lease_token = :token and state = 'pending'
  returning seq, handler, event_id),
fresh as (
  insert into inbox_done (handler, event_id) select t.handler, t.event_id from taken t
  where not exists (select from inbox_done d where d.handler = t.handler and d.event_id = t.event_id)
  returning handler, event_id)
select t.seq, f.event_id is not null as is_fresh from taken t left join fresh f using (handler, event_id)""")
_FAILED = text("""
update inbox set attempts = attempts + 1, error = :error, lease_until = null,
  state = case when attempts + 1 > :allowed then 'parked' else 'pending' end,
  next_at = clock_timestamp() + make_interval(secs => :delay)
where seq = :seq and lease_token = :token returning state""")
_POSTPONED = text("""
update inbox set lease_until = null, postponed = postponed + 1,
  next_at = clock_timestamp() + make_interval(secs => least(30, 0.1 * 2 ^ least(postponed, 9)))
where seq = :seq and lease_token = :token""")
_RELEASED = text("update inbox set lease_until = null where seq = any(:seqs) and lease_token = :token")
# What an operator has dropped is remembered like what was handled.
_FORGET = text("""
with dropped as (
  delete from inbox where seq in (select seq from inbox where state = 'done' order by done_at limit 10000)
  returning handler, event_id)
insert into inbox_done (handler, event_id) select handler, event_id from dropped on conflict do nothing""")
_ROTATE = text("select rotate_inbox_done(:keep, :ahead)")


class LeaseLost(Exception):
    """Another worker has taken the event over; what this one did is rolled back."""


@dataclass
class ReactorLoop:
    """The workers of one process. `applied` is set when the intake of the same process has put something in."""

    database: Database
    subscriptions: Subscriptions
    stopping: asyncio.Event
    applied: asyncio.Event
    _busy: set["asyncio.Task[None]"] = field(default_factory=set)
    _sharing: "Sharing" = field(default_factory=lambda: Sharing())
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _forgot_at: float = 0.0

    async def run(self) -> None:
        """Works until `stopping` is set, then finishes what is in hand."""
        while not self.stopping.is_set():
            self.applied.clear()
            started = await self._start_some()
            await self._forget_old()
            if not started:
                await self._wait()
        await self._finish()

    async def _finish(self) -> None:
        """Waits for what is in hand; when that takes too long and this is cancelled, so is what is in hand."""
        try:
            if self._busy:
                await asyncio.wait(self._busy)
        except asyncio.CancelledError:
            for task in self._busy:
                task.cancel()
            await asyncio.gather(*self._busy, return_exceptions=True)
            raise

    async def _start_some(self) -> int:
        free = LANES - len(self._busy)
        if free <= 0:
            await asyncio.wait(self._busy, return_when=asyncio.FIRST_COMPLETED)
            return 1
        rows = await self._claim(self._sharing.most(free), self._sharing.of_one_key)
        if rows:
            failpoint("reactor.after_claim")
        for together in self._sharing.shared(rows):
            task = asyncio.create_task(self._work_together(together))
            self._busy.add(task)
            task.add_done_callback(self._finished)
        return len(rows)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._busy.discard(task)
        # The next event of the same key may be claimable now.
        self.applied.set()

    async def _claim(self, most: int, of_one_key: int = 1) -> list[Any]:
        """Rows under a lease by `seq`; of a key its first ones without a gap, at most `of_one_key`."""
        token = uuid4()
        values = {"token": token, "lease": LEASE_SECONDS, "most": most, "of_one_key": of_one_key}
        try:
            async with self.database.transaction() as session:
                rows = (await session.execute(_CLAIM, values)).mappings()
                return sorted(({**row, "token": token} for row in rows), key=lambda row: row["seq"])
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("inbox_unreachable", error=repr(error))
            return []

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(IDLE_POLL):
                await self.applied.wait()

    async def _work_together(self, rows: Sequence[dict[str, Any]]) -> None:
        """A few transactions one after another; what follows one that is not done in its key is given back."""
        stopped: dict[str, int] = {}
        left = list(rows)
        while left:
            size = self._sharing.fitting(left[0]["handler"])
            part, left = left[:size], left[size:]
            await self._work_part([row for row in part if row["key"] not in stopped], stopped)
        behind = [row for row in rows if row["seq"] > stopped.get(row["key"], row["seq"])]
        if behind:
            await self._release(behind)

    async def _work_part(self, rows: Sequence[dict[str, Any]], stopped: dict[str, int]) -> None:
        """Together, or each alone if that fails: then it shows whose failure it is."""
        if len(rows) > 1:
            try:
                async with self._places:
                    await self._handle_together(rows)
                return
            except Exception as error:
                log.info("events_handled_one_by_one", events=len(rows), error=repr(error))
                self._sharing.failed(rows)
        for row in rows:
            if row["key"] not in stopped and not await self._work(row):
                stopped[row["key"]] = row["seq"]

    async def _work(self, row: dict[str, Any]) -> bool:
        """Whether it is done."""
        try:
            await self._handle(row)
        except LeaseLost:
            log.warning("inbox_lease_lost", seq=row["seq"], handler=row["handler"])
            return False
        except Exception as error:
            await self._settle_failure(row, error)
            return False
        return True

    async def _release(self, rows: Sequence[dict[str, Any]]) -> None:
        """What is still ours of these is free for whoever comes next."""
        with suppress(Exception):  # otherwise the leases run out
            async with self.database.transaction() as session:
                await session.execute(_RELEASED, {"seqs": [row["seq"] for row in rows], "token": rows[0]["token"]})

    async def _handle(self, row: dict[str, Any]) -> None:
        await self._handle_together([row])

    async def _handle_together(self, rows: Sequence[dict[str, Any]]) -> None:
        """One transaction; each event finds the session as its own would be. Raises LeaseLost unless all are ours."""
        began = time.monotonic()
        async with self.database.transaction() as session:
            fresh = await _taken(session, rows)
            for row in rows:
                if fresh[row["seq"]]:
                    await self._call(session, row)
                else:
                    metrics.inbox_repeats.labels(row["handler"]).inc()
                failpoint("reactor.in_transaction")
        self._sharing.took(rows, time.monotonic() - began)
        for _ in rows:
            failpoint("reactor.after_commit")
        metrics.inbox_done.labels(rows[0]["handler"]).inc(len(rows))

    async def _call(self, session: AsyncSession, row: dict[str, Any]) -> None:
        received = received_from(row)
        with caused_by(received.envelope, row["handler"]):
            await call(self.subscriptions, session, row["handler"], received)
            await begin_anew(session)

    async def _settle_failure(self, row: dict[str, Any], error: Exception) -> None:
        with suppress(Exception):  # whatever cannot be written now is retried when the lease runs out
            async with self.database.transaction() as session:
                if is_transient(error):
                    await session.execute(_POSTPONED, {"seq": row["seq"], "token": row["token"]})
                else:
                    await _record_failure(session, row, error)

    async def _forget_old(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._forgot_at < 60:
            return
        self._forgot_at = now
        with suppress(Exception):  # housekeeping; the next minute tries again
            async with self.database.transaction() as session:
                await session.execute(_FORGET)
            async with self.database.transaction() as session:
                await session.execute(_ROTATE, {"keep": KEEP_DONE_DAYS, "ahead": DAYS_AHEAD})


@dataclass
class Sharing:
    """How many events may share a transaction: twice as many after a quick one, half as many after a slow one.

    What a transaction costs whatever is in it, and what a busy machine adds, must not make a quick function look slow.
    """

    _sizes: dict[str, int] = field(default_factory=dict)
    _smallest: int = 1

    def most(self, lanes: int) -> int:
        """Events that so many lanes can take up now: what is claimed beyond that would only wait under its lease."""
        return lanes * self._smallest

    @property
    def of_one_key(self) -> int:
        return self._smallest

    def shared(self, rows: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
        """The rows cut into parts of one handler; all of a key are in one part, in their order."""
        by_handler: dict[str, dict[str, list[dict[str, Any]]]] = {}
        for row in rows:
            by_handler.setdefault(row["handler"], {}).setdefault(row["key"], []).append(row)
        if by_handler:
            self._smallest = min(map(self.fitting, by_handler))
        for handler, chains in by_handler.items():
            waiting = sum(map(len, chains.values()))
            size = min(self.fitting(handler), ceil(waiting / AT_ONCE))
            part: list[dict[str, Any]] = []
            for chain in chains.values():
                if part and len(part) + len(chain) > size:
                    yield part
                    part = []
                part = part + chain
            yield part

    def took(self, rows: Sequence[dict[str, Any]], seconds: float) -> None:
        handler, size = rows[0]["handler"], self.fitting(rows[0]["handler"])
        if seconds > LONGEST_TOGETHER:
            self._sizes[handler] = max(1, len(rows) // 2)
        elif len(rows) >= size:
            self._sizes[handler] = min(TOGETHER, 2 * size)

    def failed(self, rows: Sequence[dict[str, Any]]) -> None:
        """The next ones alone, and then more again step by step."""
        self._sizes[rows[0]["handler"]] = 1

    def fitting(self, handler: str) -> int:
        return self._sizes.get(handler, 1)


async def _taken(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> dict[int, bool]:
    """By `seq` whether it is handled for the first time; the rows are out of the inbox. Raises LeaseLost."""
    values = {"seqs": [row["seq"] for row in rows], "token": rows[0]["token"]}
    found = {row.seq: bool(row.is_fresh) for row in await session.execute(_DONE, values)}
    if len(found) < len(rows):
        raise LeaseLost
    return found


async def _record_failure(session: AsyncSession, row: dict[str, Any], error: Exception) -> None:
    delay = DELAYS[min(row["attempts"], len(DELAYS) - 1)]
    values = {"seq": row["seq"], "token": row["token"], "error": repr(error)[:2000], "delay": delay}
    state = (await session.execute(_FAILED, {**values, "allowed": len(DELAYS)})).scalar_one_or_none()
    metrics.inbox_failures.labels(row["handler"]).inc()
    if state == "parked":
        metrics.inbox_parked.labels(row["handler"]).inc()
    log.error("event_failed", handler=row["handler"], seq=row["seq"], state=state, error=repr(error), exc_info=error)


def received_from(row: Any) -> Received[Any]:
    """The event of an inbox row."""
    envelope, data = decode([(name, value.encode()) for name, value in row["headers"].items()], row["payload"])
    known = event_class(envelope.type)
    if known is None or not issubclass(known, Fact | Message):
        raise LookupError(f"no class for {envelope.type}")
    return Received(known.model_validate_json(data or b""), envelope)


async def call(subscriptions: Subscriptions, session: AsyncSession, handler: str, received: Received[Any]) -> None:
    """Runs the named consumer function on one event: a reactor, or a projector whose record was set aside."""
    for reactors in subscriptions.reactors.values():
        for reactor in reactors:
            if handler_name(reactor) == handler:
                return await reactor(session, received.event, received)
    for projectors in subscriptions.projectors.values():
        for projector in projectors:
            if handler_name(projector) == handler:
                return await projector(session, [received])
    raise LookupError(f"no consumer function is called {handler}")
