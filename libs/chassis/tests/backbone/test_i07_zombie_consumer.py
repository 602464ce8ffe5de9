"""I7: a consumer frozen for longer than its group waits comes back with a batch in hand, and changes nothing."""

import asyncio
import os
import signal

import psutil
import pytest

from .conftest import Bench, wait_until
from .lanes import ended, lanes

KEYS, VERSIONS = 10, 3


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("forks")
async def test_a_frozen_consumer_comes_back_and_is_fenced(bench: Bench, postgres_url: str, kafka: str) -> None:
    async with lanes(postgres_url, kafka) as (lane,), bench.relaying():
        keys = [await bench.create(f"t{number}") for number in range(KEYS)]
        for turn in range(VERSIONS - 2):
            for key in keys:
                await bench.rename(key, f"r{turn}")
        await wait_until(bench.drained, 60)
        zombie = lane.process(freeze=True)
        assert zombie.pid is not None
        process = psutil.Process(zombie.pid)
        async with asyncio.timeout(250):
            while process.status() != psutil.STATUS_STOPPED:
                await asyncio.sleep(0.05)
            async with lane.member():
                # The group has given the partitions away, and the other has done the work.
                while await lane.handled(keys) < KEYS * (VERSIONS - 1):
                    await asyncio.sleep(0.1)
                os.kill(zombie.pid, signal.SIGCONT)
                while not await lane.rows("select 1 from fenced"):
                    await asyncio.sleep(0.1)
                for key in keys:
                    await bench.rename(key, "after the zombie")
                while await lane.handled(keys) < KEYS * VERSIONS:
                    await asyncio.sleep(0.1)
        zombie.kill()
        await ended(zombie)
        await lane.assert_once(keys, VERSIONS)
