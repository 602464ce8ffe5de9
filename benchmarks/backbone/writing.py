"""Writers: one statement per commit, which raises the aggregate's version and only then draws the outbox's id."""

import asyncio
import time
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg

from benchmarks.backbone.sample import OUTBOX_COLUMNS, Fact, fact

if TYPE_CHECKING:
    from benchmarks.backbone.member import Member

CONNECTIONS = 8
_CHANGE = f"""
with changed as (update zz_teams set version = $1, updated_at = now() where id = $2 and version = $1 - 1 returning id)
insert into outbox ({", ".join(OUTBOX_COLUMNS)})
select {", ".join(f"${number}" for number in range(3, 3 + len(OUTBOX_COLUMNS)))} from changed"""
_TEAMS = """
insert into zz_teams (id, version, name)
select ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 1, 'team' from generate_series(0, $1::int - 1) n
on conflict do nothing"""

Commit = tuple[str, float, float, int]
"""Event id, when the committing statement was sent, when its acknowledgement came (seconds since 1970), its shard."""


def team_id(number: int) -> UUID:
    return UUID(f"00000000-0000-4000-8000-{number:012x}")


async def write(member: "Member") -> list[Commit]:
    """Commits `rate` changes a second for `seconds` (without: until SIGTERM), whatever became of earlier ones."""
    pool = await asyncpg.create_pool(member["dsn"], min_size=CONNECTIONS, max_size=CONNECTIONS, command_timeout=20)
    writer = Writer(pool, member["topic"], member.options.get("keys", 10_000))
    await writer.prepare()
    member.say_ready()
    await writer.run(member["rate"], member.options.get("seconds", 600.0), member.stopping)
    pool.terminate()
    return writer.commits


class Writer:
    def __init__(self, pool: asyncpg.Pool, topic: str, keys: int) -> None:
        self.commits: list[Commit] = []
        self._pool, self._topic, self._keys = pool, topic, keys
        self._versions: dict[int, int] = {}

    async def prepare(self) -> None:
        """The teams are there and every connection has its statement prepared."""
        await self._pool.execute(_TEAMS, self._keys)
        rows = await self._pool.fetch("select id, version from zz_teams")
        self._versions = {row["id"].int & 0xFFFFFFFF: row["version"] for row in rows}
        for number in range(3 * CONNECTIONS):
            await self._write(number)
        self.commits.clear()

    async def run(self, rate: float, seconds: float, stopping: asyncio.Event) -> None:
        began, tasks = time.perf_counter(), set()
        for number in range(int(rate * seconds)):
            wait = began + number / rate - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            if stopping.is_set():
                break
            task = asyncio.create_task(self._attempt(number))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        if tasks:
            await asyncio.wait(tasks, timeout=30)

    async def _attempt(self, number: int) -> None:
        key = number % self._keys
        if key not in self._versions:
            return
        try:
            await self._write(key)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            # Committed or not, nobody knows: this team is left alone from now on.
            self._versions.pop(key, None)

    async def _write(self, key: int) -> None:
        self._versions[key] += 1
        made: Fact = fact(team_id(key), self._versions[key])
        row: tuple[Any, ...] = made.row(self._topic)
        async with self._pool.acquire(timeout=10) as connection:
            sent = time.time()
            if await connection.execute(_CHANGE, made.version, made.aggregate_id, *row) == "INSERT 0 1":
                self.commits.append((str(made.event_id), sent, time.time(), row[0]))
            else:
                # A change of the same team that was sent earlier has come later.
                self._versions.pop(key, None)
