"""Consumers with databases of their own beside the bench, in processes of their own or in this one."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import counting
from sqlalchemy import text

from chassis.consumer import ConsumerLoop
from chassis.db import Database
from chassis.kafka import Bus
from chassis.projector import Intake
from chassis.reactor import ReactorLoop
from chassis.worker import plain_dsn

from .teams import Base

FORKS = multiprocessing.get_context("forkserver")


@dataclass
class Lane:
    """One consuming service: its database, its group."""

    database: Database
    kafka: str
    group: str = field(default_factory=lambda: f"lane-{uuid4().hex[:8]}")

    async def rows(self, statement: str) -> list[Any]:
        async with self.database.read() as session:
            return list((await session.execute(text(statement))).mappings())

    def process(self, failpoint: str = "", *, freeze: bool = False) -> ForkServerProcess:
        started = FORKS.Process(
            target=counting.consume, args=(self.database.url, self.kafka, self.group, failpoint, freeze), daemon=True
        )
        started.start()
        return started

    @asynccontextmanager
    async def member(self) -> AsyncIterator[ConsumerLoop]:
        """The same in this process."""
        stopping, applied = asyncio.Event(), asyncio.Event()
        intake = Intake(self.database, self.group, counting.subscriptions)
        consumer = ConsumerLoop(Bus(self.kafka, "lane", member_timeout=3.0), intake, stopping, applied)
        reactor = ReactorLoop(self.database, counting.subscriptions, stopping, applied)
        tasks = [asyncio.create_task(consumer.run()), asyncio.create_task(reactor.run())]
        try:
            yield consumer
        finally:
            stopping.set()
            await asyncio.wait_for(asyncio.gather(*tasks), 30)

    async def handled(self, keys: list[UUID]) -> int:
        known = {str(key) for key in keys}
        return sum(row["key"] in known for row in await self.rows("select key from handled"))

    async def assert_once(self, keys: list[UUID], versions: int) -> None:
        """Every event of the keys had one effect, in order; every key ends at its newest state."""
        await self.assert_handled_once(keys, versions)
        projected = await self.rows("select key, version, count(*) as times from projected group by 1, 2")
        mine = [row for row in projected if row["key"] in {str(key) for key in keys}]
        assert {row["times"] for row in mine} == {1}
        newest = {row["key"]: row["version"] for row in sorted(mine, key=lambda row: row["version"])}
        assert newest == {str(key): versions for key in keys}

    async def assert_handled_once(self, keys: list[UUID], versions: int) -> None:
        order: dict[str, list[int]] = {str(key): [] for key in keys}
        for row in await self.rows("select key, version from handled order by n"):
            if row["key"] in order:
                order[row["key"]].append(row["version"])
        assert set(map(tuple, order.values())) == {tuple(range(1, versions + 1))}


@asynccontextmanager
async def lanes(url: str, kafka: str, number: int = 1) -> AsyncIterator[list[Lane]]:
    """`url` is any address of the server for the databases."""
    admin = await asyncpg.connect(plain_dsn(url))
    made: list[Lane] = []
    try:
        for _ in range(number):
            name = f"lane_{uuid4().hex[:10]}"
            await admin.execute(f"create database {name}")
            made.append(Lane(Database(f"{url.rsplit('/', 1)[0]}/{name}", "identity", pool_size=5), kafka))
            async with made[-1].database.engine.begin() as connection:
                await connection.run_sync(Base.metadata.create_all)
                for statement in counting.TABLES.split(";"):
                    await connection.execute(text(statement))
        yield made
    finally:
        await admin.close()
        # The server may have been started anew meanwhile.
        admin = await asyncpg.connect(plain_dsn(url))
        for lane in made:
            await lane.database.close()
            await admin.execute(f"drop database {lane.database.url.rsplit('/', 1)[1]} with (force)")
        await admin.close()


async def ended(process: ForkServerProcess, seconds: float = 110) -> int:
    """The exit code; fails when the process still runs after `seconds`."""
    async with asyncio.timeout(seconds):
        while process.exitcode is None:
            await asyncio.sleep(0.02)
    return process.exitcode
