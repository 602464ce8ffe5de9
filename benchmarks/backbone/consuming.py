"""Consumers as they are, and the bare statements that do the same."""

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import asyncpg
from prometheus_client import Counter
from sqlalchemy import insert
from uuid_utils.compat import uuid7

from benchmarks.backbone.sample import TOPIC, Effect, fact
from benchmarks.backbone.sending import Clock, reached
from chassis import metrics
from chassis.consumer import ConsumerLoop
from chassis.db import Database
from chassis.projector import Intake, upsert_guarded
from chassis.reactor import ReactorLoop
from chassis.subscriptions import Received, Subscriptions
from contracts.identity import TeamChanged, TeamState
from libs.chassis.tests.backbone.teams import TeamReplica

if TYPE_CHECKING:
    from benchmarks.backbone.member import Member

BATCH = 500
Start = tuple[str, float]
"""Event id, and when its handler started: seconds since 1970."""


def _database(member: "Member") -> Database:
    return Database(member["url"], "bench", pool_size=10)


def replica(received: Received) -> dict[str, Any]:
    state = received.event.state
    assert isinstance(state, TeamState)
    return {"id": state.id, "version": state.version, "name": state.name}


def projecting(starts: list[Start]) -> Subscriptions:
    """Keeps a replica of the teams, and notes when the function was called with which events."""
    subscriptions = Subscriptions()

    @subscriptions.project(TOPIC)
    async def keep_team_replica(session: Any, batch: Sequence[Received]) -> None:
        now = time.time()
        starts.extend((str(each.envelope.id), now) for each in batch)
        await upsert_guarded(session, TeamReplica, [replica(each) for each in batch])

    return subscriptions


def reacting(starts: list[Start]) -> Subscriptions:
    """One row per event, and when the function was called with it."""
    subscriptions = Subscriptions()

    @subscriptions.react(TeamChanged)
    async def note_effect(session: Any, event: TeamChanged, received: Received) -> None:
        starts.append((str(received.envelope.id), time.time()))
        await session.execute(insert(Effect), {"event_id": received.envelope.id, "version": event.state.version})

    return subscriptions


async def follow(member: "Member") -> list[Start]:
    """A member of `group` with its reactor until SIGTERM; `kind` is what its function is."""
    starts: list[Start] = []
    subscriptions = projecting(starts) if member["kind"] == "projector" else reacting(starts)
    database, applied = _database(member), asyncio.Event()
    intake = Intake(database, member["group"], subscriptions)
    consumer = ConsumerLoop(member.bus, intake, member.stopping, applied)
    reactor = ReactorLoop(database, subscriptions, member.stopping, applied)
    tasks = [asyncio.create_task(consumer.run()), asyncio.create_task(reactor.run())]
    while not consumer._places or any(place.next is None for place in consumer._places.values()):
        await asyncio.sleep(0.01)
    member.say_ready()
    await asyncio.gather(*tasks)
    await database.close()
    return starts


async def project(member: "Member") -> dict[str, float]:
    """How long one consumer takes for the `rows` records of the topic that nobody has taken over yet."""
    database = _database(member)
    intake = Intake(database, member["group"], projecting([]))
    consumer = ConsumerLoop(member.bus, intake, member.stopping, asyncio.Event())
    task = asyncio.create_task(consumer.run())
    result = await _timed(metrics.records_applied, TOPIC, member["rows"])
    member.stopping.set()
    await task
    await database.close()
    return result


async def react(member: "Member") -> dict[str, float]:
    """How long one reactor takes for the `rows` events that wait in its inbox."""
    database = _database(member)
    reactor = ReactorLoop(database, reacting([]), member.stopping, asyncio.Event())
    task = asyncio.create_task(reactor.run())
    result = await _timed(metrics.inbox_done, "note_effect", member["rows"])
    member.stopping.set()
    await task
    await database.close()
    return result


async def _timed(counter: Counter, label: str, events: int) -> dict[str, float]:
    """From a tenth of the events to all of them, by the chassis' own counter."""
    first = await reached(counter, label, events // 10)
    clock = Clock()
    last = await reached(counter, label, events)
    return {**clock.read(), "events": last - first}


_UPSERT = """
insert into team_replicas (id, version, name) select * from unnest($1::uuid[], $2::bigint[], $3::text[])
on conflict (id) do update set version = excluded.version, name = excluded.name
where team_replicas.version < excluded.version"""


async def upsert(member: "Member") -> dict[str, float]:
    """The projector's bare counterpart: rows that are parsed already, 500 in one statement, one commit each."""
    name = _name()
    rounds = [([uuid7() for _ in range(BATCH)], [1] * BATCH, [name] * BATCH) for _ in range(member["rows"] // BATCH)]
    connection = await asyncpg.connect(member["dsn"])
    warm = len(rounds) // 10
    await _each(connection, rounds[:warm])
    clock = Clock()
    await _each(connection, rounds[warm:])
    result = {**clock.read(), "events": float((len(rounds) - warm) * BATCH)}
    await connection.close()
    return result


def _name() -> str:
    return TeamChanged.model_validate_json(fact(uuid7(), 1).payload).state.name


async def _each(connection: asyncpg.Connection, rounds: Sequence[Sequence[Any]]) -> None:
    for columns in rounds:
        await connection.execute(_UPSERT, *columns)


async def handle(member: "Member") -> dict[str, float]:
    """The reactor's bare counterpart: the id remembered and the effect written, one transaction per event.

    `keys` lanes, each with a connection of its own and one event after another.
    """
    pool = await asyncpg.create_pool(member["dsn"], min_size=member["keys"], max_size=member["keys"])
    each = member["rows"] // member["keys"]
    await asyncio.gather(*(_lane(pool, each // 10) for _ in range(member["keys"])))
    clock = Clock()
    await asyncio.gather(*(_lane(pool, each) for _ in range(member["keys"])))
    result = {**clock.read(), "events": float(each * member["keys"])}
    await pool.close()
    return result


async def _lane(pool: asyncpg.Pool, events: int) -> None:
    async with pool.acquire() as connection:
        for version in range(events):
            event_id = uuid7()
            async with connection.transaction():
                await connection.execute("insert into inbox_done (handler, event_id) values ('bare', $1)", event_id)
                await connection.execute("insert into effects (event_id, version) values ($1, $2)", event_id, version)
