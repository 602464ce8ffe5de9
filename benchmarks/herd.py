"""The herd at nine o'clock: 100,000 reminders due at one moment, fired by the running system and by bare SQL."""

import asyncio
import time
from uuid import uuid4

import asyncpg

from benchmarks.report import Line
from devstack.scratch import System

REMINDERS, LIMIT, PATIENCE = 100_000, 20.0, 300.0
BARE_BATCH = 1_000

ACTIVITY = """
insert into activities (id, version, kind, status, subject, owner_id, links, reminders)
values ($1, 1, 'call', 'planned', 'Herd', $2, '[]', '[]')"""
FILL = """
insert into reminders (id, activity_id, position, recipient_id, wall_time, time_zone, minutes_before, channels,
                       occurrence, due_at, state)
select gen_random_uuid(), $1, n, $2, now() at time zone 'utc', 'UTC', 0, '{app}', 1, $3, 'pending'
from generate_series(1, $4::int) n"""
LEFT = "select count(*) from reminders where activity_id = $1 and state = 'pending'"
SEEN = """
select extract(epoch from max(fired_at) - min(due_at)) as seconds, count(*) filter (where fired_at < due_at) as early,
       count(*) as fired
from reminders where activity_id = $1 and state = 'fired'"""
# The shape of the work without Python: claim, mark, write the event, in one transaction per batch.
BARE = f"""
with due as (select id from bare_reminders where state = 'pending' and due_at <= clock_timestamp() order by due_at
             limit {BARE_BATCH} for update skip locked),
     fired as (update bare_reminders r set state = 'fired' from due where r.id = due.id returning r.id)
insert into bare_outbox (aggregate_id, payload) select id, convert_to(repeat('x', 800), 'utf8') from fired"""
BARE_TABLES = """
create table bare_reminders (id uuid primary key, due_at timestamptz not null, state text not null);
create index on bare_reminders (due_at) where state = 'pending';
create table bare_outbox (id bigint generated always as identity primary key, aggregate_id uuid, payload bytea);
insert into bare_reminders select gen_random_uuid(), now(), 'pending' from generate_series(1, 100000)"""


async def herd(system: System) -> list[Line]:
    """From the common due moment until the last is fired, by the database's clock; no one early, none twice."""
    connection = await asyncpg.connect(system.database("activities"))
    try:
        bare = await _bare(connection)
        activity, recipient = uuid4(), uuid4()
        await connection.execute(ACTIVITY, activity, recipient)
        due = await connection.fetchval("select clock_timestamp() + interval '20 seconds'")
        await connection.execute(FILL, activity, recipient, due, REMINDERS)
        await connection.execute("analyze reminders")
        until = time.monotonic() + PATIENCE
        while await connection.fetchval(LEFT, activity) and time.monotonic() < until:
            await asyncio.sleep(0.2)
        seen = await connection.fetchrow(SEEN, activity)
    finally:
        await connection.close()
    seconds, missing = float(seen["seconds"] or PATIENCE), REMINDERS - seen["fired"]
    return [
        Line(
            f"{REMINDERS:,} reminders due at once, until the last is fired (early, missing)",
            f"<= {LIMIT:.0f} s",
            f"{seconds:.1f} s ({seen['early']}, {missing})",
            f"bare SQL, one connection {bare:.1f} s",
            seconds <= LIMIT and not seen["early"] and not missing,
        )
    ]


async def _bare(connection: asyncpg.Connection) -> float:
    await connection.execute(BARE_TABLES)
    began = time.monotonic()
    while int((await connection.execute(BARE)).rpartition(" ")[2]):
        pass
    seconds = time.monotonic() - began
    await connection.execute("drop table bare_reminders, bare_outbox")
    return seconds
