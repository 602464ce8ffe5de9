"""I19: one event per occurrence and never before its time, whoever dies on the way."""

import asyncio
import random
from typing import Any

import asyncpg
from sqlalchemy import select

from activities.commands.reminding import fire
from activities.models import Activity, Reminder
from chassis.db import Database
from chassis.due import run_due
from chassis.testing.tokens import user_of
from chassis.worker import plain_dsn

WORKERS, REMINDERS, KILLS = 6, 600, 10
FILL = """
insert into reminders (id, activity_id, position, recipient_id, wall_time, time_zone, minutes_before, channels,
                       occurrence, due_at, state)
select gen_random_uuid(), $1, n, $2, now() at time zone 'utc', 'UTC', 0, '{app}', 1,
       clock_timestamp() + make_interval(secs => n * 0.004), 'pending' from generate_series(1, $3) n"""
EARLY = """
select count(*) from outbox o join reminders r on r.id = o.aggregate_id
where o.created_at < r.due_at or r.fired_at < r.due_at"""
KILL = """
select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and application_name = 'meridian-activities'"""


class Process:
    """What a worker needs, with a pool of its own."""

    def __init__(self, url: str) -> None:
        self.db = Database(url, "activities", pool_size=2)
        self.stopping = asyncio.Event()


async def test_six_workers_that_lose_their_connections_fire_each_once_and_none_early(db: Any, database: Any) -> None:
    async with db.transaction() as session:
        activity = Activity(
            kind="call", status="planned", subject="x", owner_id=user_of("sales"), links=[], reminders=[]
        )
        session.add(activity)
        await session.flush()
        activity_id = activity.id
    connection = await asyncpg.connect(plain_dsn(database.url))
    await connection.execute(FILL, activity_id, user_of("sales"), REMINDERS)
    processes = [Process(database.url) for _ in range(WORKERS)]
    workers = [asyncio.create_task(run_due(each, Reminder, fire, batch=20)) for each in processes]
    dice = random.Random(19)
    async with asyncio.timeout(90):
        for _ in range(KILLS):
            await asyncio.sleep(dice.uniform(0.05, 0.3))
            await connection.execute(KILL)
        while await connection.fetchval("select exists (select from reminders where state = 'pending')"):
            await asyncio.sleep(0.05)
    for process in processes:
        process.stopping.set()
    await asyncio.gather(*workers)
    told = await connection.fetch("select aggregate_id, version, count(*) n from outbox group by 1, 2")
    assert (len(told), {row["n"] for row in told}) == (REMINDERS, {1})
    assert await connection.fetchval(EARLY) == 0
    await connection.close()
    for process in processes:
        await process.db.close()
    async with db.read() as session:
        states = set((await session.execute(select(Reminder.state))).scalars())
    assert states == {"fired"}
