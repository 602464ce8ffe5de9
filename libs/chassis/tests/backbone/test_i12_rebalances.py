"""I12: members come and go under load, more of them than partitions; nothing stalls for long, I5 holds."""

import asyncio
import time
from contextlib import AsyncExitStack
from uuid import UUID

import pytest

from .conftest import Bench
from .lanes import Lane, lanes

SCALES = (4, 1, 8)
"""Members; the topic has six partitions."""
KEYS, CHANGES, LONGEST_STALL = 8, 2, 15.0


async def longest_stall(lane: Lane, stop: asyncio.Event) -> float:
    """The longest time in seconds in which nothing was handled while something new was there all the time."""
    longest, seen, since = 0.0, 0, time.monotonic()
    while not stop.is_set():
        (row,) = await lane.rows("select count(*) as handled from handled")
        now = time.monotonic()
        if row["handled"] != seen:
            seen, since = row["handled"], now
        longest = max(longest, now - since)
        await asyncio.sleep(0.1)
    return longest


@pytest.mark.timeout(300)
async def test_members_come_and_go_under_load(bench: Bench, postgres_url: str, kafka: str) -> None:
    async with lanes(postgres_url, kafka) as (lane,), bench.relaying():
        keys: list[UUID] = [await bench.create(f"t{number}") for number in range(KEYS)]
        version, stop = 1, asyncio.Event()
        async with AsyncExitStack() as first:
            await first.enter_async_context(lane.member())
            while await lane.handled(keys) < KEYS:
                await asyncio.sleep(0.1)
            watching = asyncio.create_task(longest_stall(lane, stop))
            for members in SCALES:
                async with AsyncExitStack() as more:
                    joining = (more.enter_async_context(lane.member()) for _ in range(members - 1))
                    for each in joining:
                        await each
                    # Some changes of every key with this many members.
                    for _ in range(CHANGES):
                        version += 1
                        for key in keys:
                            await bench.rename(key, f"v{version}")
                    while await lane.handled(keys) < KEYS * version:
                        await asyncio.sleep(0.1)
            stop.set()
            assert await watching < LONGEST_STALL
        await lane.assert_handled_once(keys, version)
