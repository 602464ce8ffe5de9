"""I5: one effect per event, although the consumer dies by SIGKILL between any two of its steps."""

import asyncio
import signal
from uuid import UUID

import pytest

from .conftest import Bench, wait_until
from .lanes import Lane, ended, lanes

DEATHS = (
    ("intake.after_fetch=1", "intake.in_transaction=1"),
    ("intake.after_commit=1", "intake.after_report=1"),
    ("reactor.in_transaction=3", "reactor.after_commit=3"),
)
"""One consumer each, which dies of the one, then of the other, and then lives."""
KEYS, VERSIONS = 12, 4


async def live_and_die(lane: Lane, deaths: tuple[str, ...], keys: list[UUID]) -> None:
    for failpoint in deaths:
        assert await ended(lane.process(failpoint)) == -signal.SIGKILL
    last = lane.process()
    try:
        async with asyncio.timeout(250):
            while await lane.handled(keys) < KEYS * VERSIONS:
                await asyncio.sleep(0.1)
    finally:
        last.kill()
        await ended(last)


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("forks")
async def test_killed_between_any_two_steps_each_event_has_one_effect(
    bench: Bench, postgres_url: str, kafka: str
) -> None:
    async with lanes(postgres_url, kafka, len(DEATHS)) as found, bench.relaying():
        keys = [await bench.create(f"t{number}") for number in range(KEYS)]
        lives = [
            asyncio.create_task(live_and_die(lane, deaths, keys)) for lane, deaths in zip(found, DEATHS, strict=True)
        ]
        # The changes come while they die.
        for turn in range(VERSIONS - 1):
            for key in keys:
                await bench.rename(key, f"r{turn}")
        await wait_until(bench.drained, 60)
        async with asyncio.timeout(270):
            await asyncio.gather(*lives)
        for lane in found:
            await lane.assert_once(keys, VERSIONS)
