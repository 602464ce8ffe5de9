"""Connections: who looks something up in the middle of a transaction never waits for another one like him."""

import asyncio

from sqlalchemy import text

from chassis.db import Database

EVERYBODY = 5
"""The size of the pool in tests (`pool_size`)."""


async def test_everybody_may_read_in_the_middle_of_a_transaction(db: Database) -> None:
    inside = asyncio.Barrier(EVERYBODY)

    async def write_and_look() -> int:
        async with db.transaction() as session:
            await session.execute(text("select 1"))
            # All connections for writing are taken now, and nobody lets go before he has read.
            await inside.wait()
            async with db.read() as peek:
                return int((await peek.execute(text("select 2"))).scalar_one())

    async with asyncio.timeout(20):
        assert await asyncio.gather(*(write_and_look() for _ in range(EVERYBODY))) == [2] * EVERYBODY


async def test_a_read_sees_what_was_committed_since_it_began(db: Database) -> None:
    async with db.read() as reader:
        count = text("select count(*) from idempotency_keys where principal_id = 'reader'")
        assert (await reader.execute(count)).scalar_one() == 0
        async with db.transaction() as session:
            row = "insert into idempotency_keys (principal_id, key, request_hash) values ('reader', 'one', '')"
            await session.execute(text(row))
        assert (await reader.execute(count)).scalar_one() == 1
