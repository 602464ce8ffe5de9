"""How soon events flow again after a relay, the broker or the database was killed, seen at the consumer's end."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from benchmarks.backbone.bed import Bed, Child, Place
from benchmarks.report import Line
from chassis.tables import SHARDS
from devstack.processes import kill_group
from devstack.readiness import until

RATE = 200
KILLS = 3
BEFORE, AFTER = 3.0, 9.0
"""Seconds of writing before a fault, and after the last thing that may hold events up."""
TAKEN_OVER, BACK = 6.0, 5.0
IN_FLIGHT = 1.0
"""Seconds after a relay's end in which what it had sent may still reach its handler."""
Fault = Callable[[Bed, Place, list[Child]], Awaitable[tuple[float, set[int]]]]
"""Does the damage; returns the moment (seconds since 1970) from which flow is expected, and the shards it hit."""


async def faults(bed: Bed) -> list[Line]:
    kills = [await _first_after(bed, _kill_relay, relays=2) for _ in range(1 if bed.quick else KILLS)]
    broker = await _first_after(bed, _kill_broker)
    database = await _first_after(bed, _crash_database)
    seen = ", ".join(f"{seconds:.1f}" for seconds in kills)
    return [
        _line("kill -9 of a relay until another publishes its events", TAKEN_OVER, max(kills), f"{seen} s"),
        _line("broker killed, answers again, until its consumer's first event", BACK, broker, f"{broker:.1f} s"),
        _line("database crashed, answers again, until the first event", BACK, database, f"{database:.1f} s"),
    ]


def _line(what: str, limit: float, worst: float, seen: str) -> Line:
    return Line(what, f"<= {limit:.0f} s", seen, is_met=worst <= limit)


async def _first_after(bed: Bed, fault: Fault, relays: int = 1) -> float:
    """Seconds from the fault's end until the first event that it had held up reaches its handler."""
    async with bed.database() as place:
        await place.start_at_the_end("bench")
        consumer = bed.start("follow", dsn=place.dsn, url=place.url, group="bench", kind="projector")
        running = [bed.start("relay", dsn=place.dsn) for _ in range(relays)]
        writer = bed.start("write", dsn=place.dsn, topic="crm.identity.team", rate=RATE)
        await asyncio.gather(consumer.ready(), writer.ready(), *(relay.ready() for relay in running))
        await asyncio.sleep(BEFORE)
        expected, shards = await fault(bed, place, running)
        await asyncio.sleep(AFTER)
        commits = await writer.finish()
        starts = dict(await consumer.finish())
    return _first(commits, starts, expected, shards, IN_FLIGHT if relays > 1 else 0.0)


def _first(commits: list[Any], starts: dict[str, float], expected: float, shards: set[int], in_flight: float) -> float:
    """The first start after `expected` of an event of these shards, in seconds from then on."""
    came = [starts[event] for event, _, _, shard in commits if event in starts and shard in shards]
    late = [at for at in came if at > expected + in_flight]
    if not late:
        raise RuntimeError("no event came through after the fault")
    return min(late) - expected


async def _kill_relay(bed: Bed, place: Place, relays: list[Child]) -> tuple[float, set[int]]:
    """The moment of the kill: its shards' events wait until another relay has their leases."""
    await _even(place)
    victim = relays[0].process.pid
    owned = await place.value("select array_agg(shard) from outbox_shard where owner = $1", str(victim))
    kill_group(victim, signal.SIGKILL)
    return time.time(), set(owned)


async def _even(place: Place) -> None:
    async def even() -> bool:
        return bool(await place.value("select count(distinct owner) = 2 from outbox_shard"))

    if not await until(even, 20):
        raise RuntimeError("two relays do not share the shards")


async def _kill_broker(bed: Bed, place: Place, relays: list[Child]) -> tuple[float, set[int]]:
    kill_group(bed.kafka.process.pid, signal.SIGKILL)
    await asyncio.to_thread(bed.kafka.process.wait, 20)
    bed.kafka.launch()
    if not await until(bed.kafka.is_ready, 90):
        raise RuntimeError("the broker does not come back")
    return time.time(), set(range(SHARDS))


async def _crash_database(bed: Bed, place: Place, relays: list[Child]) -> tuple[float, set[int]]:
    bed.postgres.process.send_signal(signal.SIGQUIT)
    await asyncio.to_thread(bed.postgres.process.wait, 20)
    bed.postgres.launch()

    async def answers() -> bool:
        try:
            return bool(await place.value("select 1"))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False

    if not await until(answers, 60, every=0.02):
        raise RuntimeError("the database does not come back")
    return time.time(), set(range(SHARDS))
