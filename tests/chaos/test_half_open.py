"""A server that has gone without a word: whoever waits for its answer stops waiting, and goes on elsewhere."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeout

from chaos.proxy import MODES, Link
from chassis.db import CLIENT_GRACE, Database
from chassis.projector import is_transient

STATEMENT_TIMEOUT = 500  # milliseconds


@asynccontextmanager
async def linked(url: str) -> AsyncIterator[tuple[Link, Database]]:
    address = urlsplit(url)
    assert address.port is not None
    link = Link("test", address.port)
    await link.start()
    through = address._replace(netloc=f"{address.username}@127.0.0.1:{link.port}").geturl()
    database = Database(through, "identity", pool_size=2, statement_timeout=STATEMENT_TIMEOUT)
    try:
        yield link, database
    finally:
        await database.close()
        await link.stop()


async def _answer(database: Database) -> int:
    async with database.transaction() as session:
        return int((await session.execute(text("select 42"))).scalar_one())


async def _is_given_up(url: str, mode: str) -> None:
    async with linked(url) as (link, database):
        assert await _answer(database) == 42
        link.break_(mode)
        async with asyncio.timeout(STATEMENT_TIMEOUT / 1000 + CLIENT_GRACE + 15):
            with pytest.raises(Exception) as raised:
                await _answer(database)
        assert is_transient(raised.value), (mode, raised.value)
        link.heal()
        async with asyncio.timeout(20):
            assert await _answer(database) == 42


async def test_a_cut_connection_is_given_up_and_the_next_one_works(postgres_url: str) -> None:
    await asyncio.gather(
        *(_is_given_up(postgres_url, mode) for mode in ("half open", "black hole", "one way", "reset"))
    )


async def test_who_finds_no_free_connection_tries_again_later(postgres_url: str) -> None:
    """While the others lead nowhere; an event must not be parked for it."""
    async with linked(postgres_url) as (_, database):
        database.engine.sync_engine.pool._timeout = 0.2  # type: ignore[attr-defined]
        async with database.transaction() as one, database.transaction() as two:
            await one.execute(text("select 1"))
            await two.execute(text("select 2"))
            with pytest.raises(PoolTimeout) as raised:
                await _answer(database)
        assert is_transient(raised.value)
        assert await _answer(database) == 42


@pytest.mark.parametrize("mode", ["delay", "slices"])
async def test_a_slow_connection_is_none_that_is_cut(postgres_url: str, mode: str) -> None:
    async with linked(postgres_url) as (link, database):
        link.break_(mode, 0.01)
        assert await _answer(database) == 42


def test_every_mode_of_the_proxy_is_tried() -> None:
    assert set(MODES) == {"half open", "black hole", "one way", "reset", "delay", "slices"}
