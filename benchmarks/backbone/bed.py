"""A durable PostgreSQL and an Apache Kafka of the run's own, a fresh database per part, and processes on them."""

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import Any
from uuid import uuid4

import asyncpg

from benchmarks.backbone import sample
from chassis.db import Database
from chassis.kafka import Bus, Partition
from chassis.kafka.port import NewTopic
from chassis.tables import SHARDS
from contracts.catalogue import topics_of
from devstack.kafka import KafkaServer
from devstack.postgres import PostgresServer
from devstack.processes import launch, stop, tail
from devstack.readiness import until

PARTITIONS = 24
LOGICAL = {"wal_level": "logical", "max_wal_size": "2GB"}
"""Debezium reads the log by logical decoding; the others' figures bear its cost too."""


class ChildFailed(RuntimeError):
    """A measured process ended with an error, or did not answer in time."""


@dataclass
class Child:
    """A process of `member.py`. `out` is the file it writes its result to; `.ready` beside it when it is ready."""

    role: str
    process: Popen[bytes]
    out: Path

    async def ready(self, limit: float = 60) -> None:
        await self._until(self.out.with_suffix(".ready").exists, limit, "ready")

    async def result(self, limit: float = 240) -> Any:
        await self._until(lambda: self.process.poll() is not None, limit, "done")
        if self.process.returncode:
            raise ChildFailed(f"{self.role} ended with {self.process.returncode}\n{tail(self.log, 30)}")
        return json.loads(self.out.read_text())

    async def finish(self) -> Any:
        """Asks it to end; its result."""
        self.process.send_signal(signal.SIGTERM)
        return await self.result(60)

    @property
    def log(self) -> Path:
        return self.out.with_suffix(".log")

    async def _until(self, holds: Any, limit: float, what: str) -> None:
        async def over() -> bool:
            return bool(holds()) or (self.process.poll() or 0) != 0

        if not await until(over, limit, every=0.01) or not holds():
            raise ChildFailed(f"{self.role} is not {what} after {limit:.0f} s\n{tail(self.log, 30)}")

    def kill(self) -> None:
        stop(self.process, signal.SIGKILL)


@dataclass
class Bed:
    """The servers; `quick` shortens every part."""

    folder: Path
    quick: bool
    postgres: PostgresServer
    kafka: KafkaServer
    children: list[Child] = field(default_factory=list)

    @property
    def bus(self) -> Bus:
        return Bus(self.kafka.bootstrap, "bench")

    def scaled(self, number: int) -> int:
        return number // 4 if self.quick else number

    @asynccontextmanager
    async def database(self) -> AsyncIterator["Place"]:
        """A database of its own with all tables; gone afterwards."""
        name = f"bench_{uuid4().hex[:10]}"
        await self._administer(f"create database {name}")
        place = Place(self, f"{self.postgres.url.rsplit('/', 1)[0]}/{name}")
        try:
            await place.create_tables()
            yield place
        finally:
            self.end_children()
            await self._administer(f"drop database if exists {name} with (force)")

    async def _administer(self, statement: str) -> None:
        admin = await asyncpg.connect(self.postgres.url)
        await admin.execute(statement)
        await admin.close()

    async def settle(self) -> None:
        """Dirty pages of the part before must not be written during the next one."""
        await self._administer("checkpoint")

    def start(self, role: str, **options: Any) -> Child:
        """Starts a process of that role; `options` are what its function takes."""
        out = self.folder / f"{role}-{uuid4().hex[:8]}.json"
        told = json.dumps({"kafka": self.kafka.bootstrap, "out": str(out), **options})
        command = [sys.executable, "-m", "benchmarks.backbone.member", role, told]
        child = Child(role, launch(command, out.with_suffix(".log"), env=_environment()), out)
        self.children.append(child)
        return child

    def end_children(self) -> None:
        for child in self.children:
            if child.process.poll() is None:
                child.kill()
        self.children.clear()

    async def topic(self, partitions: int = PARTITIONS) -> str:
        """A fresh topic for records that only this part reads."""
        name = f"bench.{uuid4().hex[:8]}"
        await self.bus.create([NewTopic(name, partitions, 1, {})])
        return name


@dataclass(frozen=True)
class Place:
    """One part's database. `dsn` is a plain postgresql:// address."""

    bed: Bed
    dsn: str

    @property
    def url(self) -> str:
        return self.dsn.replace("postgresql://", "postgresql+asyncpg://", 1)

    async def create_tables(self) -> None:
        database = Database(self.url, "identity", pool_size=1)
        async with database.engine.begin() as connection:
            await connection.run_sync(sample.Effect.metadata.create_all)
        await database.close()

    async def execute(self, statement: str, *values: Any) -> None:
        async with self.connected() as connection:
            await connection.execute(statement, *values, timeout=300)

    async def value(self, statement: str, *values: Any) -> Any:
        async with self.connected() as connection:
            return await connection.fetchval(statement, *values, timeout=300)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self.dsn)
        try:
            yield connection
        finally:
            await connection.close()

    async def ends(self) -> dict[Partition, int]:
        """Where the topic's partitions end just now."""
        consumer = self.bed.bus.consumer([sample.TOPIC], None)
        await consumer.start()
        try:
            return await consumer.ends([Partition(sample.TOPIC, number) for number in range(PARTITIONS)])
        finally:
            await consumer.close()

    async def start_at_the_end(self, group: str) -> None:
        """A consumer that has read all of the topic so far: other parts have left records there."""
        ends = await self.ends()
        async with self.connected() as connection:
            await connection.executemany(
                "insert into consumer_offset (grp, topic, partition, next, first_seen) values ($1, $2, $3, $4, $4)",
                [(group, at.topic, at.number, offset) for at, offset in ends.items()],
            )

    async def fill_outbox(
        self,
        rows: int,
        topic: str = sample.TOPIC,
        state_topic: str | None = None,
        *,
        keys: int = 10_000,
        is_analyzed: bool = True,
    ) -> None:
        """Undelivered events in one commit, made by the database itself: fast also for a million."""
        marks = [*sample.template(), *sample.MARKS]
        await self.execute(_FILL, rows, topic, state_topic, keys, *marks, SHARDS, 0)
        if is_analyzed:
            await self.execute("analyze outbox")

    async def fill_in_steps(self, rows: int, topic: str, step: int = 100, keys: int = 10_000) -> None:
        """The same in commits of `step` events, as a busy service would make them."""
        marks = [*sample.template(), *sample.MARKS]
        async with self.connected() as connection:
            statement = await connection.prepare(_FILL)
            for begin in range(0, rows, step):
                await statement.fetch(begin + step, topic, None, keys, *marks, SHARDS, begin)

    async def fill_inbox(self, rows: int, handler: str, keys: int) -> None:
        """Events that a reactor has still to handle, evenly over the keys."""
        headers, payload = sample.template()
        await self.execute(_FILL_INBOX, rows, handler, keys, headers, payload, *sample.MARKS)
        await self.execute("analyze inbox")


_FILL = """
insert into outbox (shard, topic, state_topic, aggregate_type, aggregate_id, version, event_id, type, headers, payload)
select abs(hashint8(key)) % $10, $2, $3, 'team', team, version, event, 'crm.identity.team.changed.v1',
  replace(replace(replace($5, $7, team::text), $8, event::text),
          lpad($9, 20, '0'), lpad(version::text, 20, '0'))::jsonb,
  convert_to(replace(replace($6, $7, team::text), $9, lpad(version::text, 10)), 'UTF8')
from (select n % $4 as key, n / $4 + 1 as version, uuidv7() as event,
             ('00000000-0000-4000-8000-' || lpad(to_hex(n % $4), 12, '0'))::uuid as team
      from generate_series($11::bigint, $1::bigint - 1) n) facts"""

_FILL_INBOX = """
insert into inbox (handler, event_id, topic, key, type, headers, payload)
select $2, event, 'crm.identity.team', team::text, 'crm.identity.team.changed.v1',
  replace(replace(replace($4, $6, team::text), $7, event::text),
          lpad($8, 20, '0'), lpad(version::text, 20, '0'))::jsonb,
  convert_to(replace(replace($5, $6, team::text), $8, lpad(version::text, 10)), 'UTF8')
from (select n / $3 + 1 as version, uuidv7() as event,
             ('00000000-0000-4000-8000-' || lpad(to_hex(n % $3), 12, '0'))::uuid as team
      from generate_series(0::bigint, $1::bigint - 1) n) facts order by version, team"""


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("MERIDIAN_")}


@asynccontextmanager
async def opened(quick: bool) -> AsyncIterator[Bed]:
    """Both servers in a folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="meridian-bench-"))
    folder.chmod(0o755)
    bed = Bed(
        folder,
        quick,
        PostgresServer(folder / "postgres", durable=True, settings=LOGICAL),
        KafkaServer(folder / "kafka"),
    )
    try:
        await asyncio.gather(asyncio.to_thread(bed.postgres.prepare), asyncio.to_thread(bed.kafka.prepare))
        # Servers end with the thread that started them, so it must be this one.
        bed.postgres.launch()
        bed.kafka.launch()
        await asyncio.to_thread(bed.postgres.wait_ready)
        await asyncio.to_thread(bed.kafka.wait_ready)
        await bed.bus.create_topics(topics_of("identity"), partitions=PARTITIONS, replication=1)
        yield bed
    finally:
        bed.end_children()
        await asyncio.to_thread(bed.kafka.stop, 2.0)
        await asyncio.to_thread(bed.postgres.stop, 4.0)
        with suppress(OSError):
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def rates(records: Sequence[dict[str, float]]) -> list[float]:
    """Events a second of each repetition."""
    return [record["events"] / record["seconds"] for record in records]
