"""One supervised child process: started, awaited, restarted with growing pauses, stopped within a limit."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from devstack.nursery import Process
from devstack.processes import ServerFailed, kill_group, tail
from devstack.readiness import until

PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
# Whoever lived that long starts again without a pause
LONG_LIFE = 60.0
# A service that ended that often before it was ready once will not get ready
HOPELESS = 4

Say = Callable[[str], None]


class Child:
    """`launch` starts the process and must be called in the thread that stays; `ready` asks whether it answers."""

    def __init__(
        self,
        name: str,
        launch: Callable[[], Process],
        ready: Callable[[], Awaitable[bool]],
        log: Path,
        say: Say,
        *,
        stop_signal: signal.Signals = signal.SIGTERM,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self.log = log
        self.restarts = 0
        self.process: Process | None = None
        self._launch, self._ready, self._say, self._on_change = launch, ready, say, on_change
        self._stop_signal = stop_signal
        self._stopping = False
        self._failures = 0

    def start(self) -> None:
        self.process = self._launch()
        self._born = time.monotonic()
        self._on_change()

    async def wait_ready(self, limit: float) -> None:
        """Raises ServerFailed with the end of the log after `limit` seconds."""
        if not await until(self._ready_or_hopeless, limit) or self.restarts >= HOPELESS:
            raise ServerFailed(f"{self.name} does not get ready. The end of {self.log}:\n{tail(self.log)}")

    async def _ready_or_hopeless(self) -> bool:
        return self.restarts >= HOPELESS or await self._ready()

    async def keep_alive(self) -> None:
        """Restarts the process whenever it ends, until stop()."""
        while not self._stopping:
            if self.process is not None and self.process.poll() is not None:
                await self._restart(self.process.returncode)
            await asyncio.sleep(0.2)

    async def _restart(self, code: int) -> None:
        self._failures = 0 if time.monotonic() - self._born > LONG_LIFE else self._failures + 1
        pause = PAUSES[min(self._failures, len(PAUSES) - 1)]
        self._say(f"{self.name} stopped ({ended(code)}); starting it again in {pause:g} s. Log: {self.log}")
        await asyncio.sleep(pause)
        if not self._stopping:
            self.restarts += 1
            self.start()
            self._say(f"{self.name} started again")

    async def stop(self, grace: float) -> None:
        """Asks, waits `grace` seconds, then kills the whole group: nothing of it is left on return."""
        self._stopping = True
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(self._stop_signal)
            if not await until(self._is_gone, grace, every=0.05):
                self._say(f"{self.name} does not stop: killed")
        kill_group(self.process.pid, signal.SIGKILL)
        self.process.wait(5)

    async def _is_gone(self) -> bool:
        return self.process is None or self.process.poll() is not None


def ended(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
