"""Work in pure Python beside requests: whoever else needs the loop comes through."""

import asyncio
import time

from chassis.pacing import Pace


async def test_others_get_many_turns_while_the_work_goes_on() -> None:
    turns, working = 0, True

    async def other() -> None:
        nonlocal turns
        while working:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    pace = Pace(work=0.001, rest=0.01)
    for _ in range(20):
        _compute(0.002)
        await pace.breathe()
    working = False
    await beside
    # One turn per step would be 20.
    assert turns > 100


async def test_short_work_goes_on_without_a_rest() -> None:
    pace = Pace(work=60.0, rest=60.0)
    async with asyncio.timeout(5):
        for _ in range(1000):
            await pace.breathe()


def _compute(seconds: float) -> None:
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        sum(range(50))
