"""Computing while the database works: the next piece is prepared before the last one has been answered."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any


@dataclass
class Working:
    """One piece of work at a time, each in the background until the next one begins: `async with Working() as w`.

    What one raises, the next call of `next` raises, or the end of the block; nothing runs on after the block.
    """

    _task: "asyncio.Task[None] | None" = None

    async def next(self, work: Coroutine[Any, Any, None]) -> None:
        """Waits for the one before, and returns as soon as this one waits for something."""
        try:
            await self._finish()
        except BaseException:
            work.close()
            raise
        self._task = asyncio.create_task(work)
        await asyncio.sleep(0)

    async def _finish(self) -> None:
        if self._task is not None:
            await self._task

    async def __aenter__(self) -> "Working":
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            await self._finish()
        elif self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
