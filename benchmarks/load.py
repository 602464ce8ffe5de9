"""Requests at a fixed rate, so that a slow answer does not hide the next one, or as fast as it goes."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

Work = Callable[[int], Awaitable[bool]]


@dataclass
class Measured:
    """Latencies in seconds of what succeeded, counted from the moment each was meant to start."""

    latencies: list[float] = field(default_factory=list)
    failed: int = 0
    seconds: float = 0.0

    def percentile(self, share: float) -> float:
        """Milliseconds; not a number when nothing succeeded."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000 if ordered else float("nan")

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds if self.seconds else 0.0


async def at_rate(work: Work, per_second: float, seconds: float) -> Measured:
    """Open loop: `work` starts on schedule, whatever became of the ones before."""
    measured, began = Measured(), time.perf_counter()
    tasks = []
    for number in range(int(per_second * seconds)):
        due = began + number / per_second
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        tasks.append(asyncio.create_task(_once(measured, work, number, due)))
    await asyncio.gather(*tasks)
    measured.seconds = time.perf_counter() - began
    return measured


async def flat_out(work: Work, clients: int, seconds: float) -> Measured:
    """Closed loop: each of the clients starts again as soon as it has its answer."""
    measured, began = Measured(), time.perf_counter()
    numbers = iter(range(10_000_000))

    async def client() -> None:
        while time.perf_counter() - began < seconds:
            await _once(measured, work, next(numbers), time.perf_counter())

    await asyncio.gather(*(client() for _ in range(clients)))
    measured.seconds = time.perf_counter() - began
    return measured


async def _once(measured: Measured, work: Work, number: int, due: float) -> None:
    try:
        succeeded = await work(number)
    except OSError:
        succeeded = False
    if succeeded:
        measured.latencies.append(time.perf_counter() - due)
    else:
        measured.failed += 1
