"""One process of the sample: `writer`, `owner` (relay and due queue) or `subscriber` (relay, consumer and reactor).

The last two are the chassis' own worker, as a service runs it; what they need stands in the environment.
"""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import uvloop

from chaos import broken, sample
from chaos.writers import History, Writer
from chassis import failpoints, reactor, restating, telemetry, worker
from chassis.db import Database
from chassis.service import Runtime, Service, open_runtime
from chassis.settings import ServiceSettings

STUCK = 70
"""Exit code of a process whose liveness probe would fail."""


def main(role: str) -> None:
    failpoints.arm()
    settings = ServiceSettings()
    broken.install(os.environ.get("CHAOS_BROKEN", ""))
    reactor.LEASE_SECONDS = int(os.environ["CHAOS_LEASE"])
    restating.SETTLE = 2.0
    telemetry.setup_logging(settings, role)
    uvloop.run(_write(settings) if role == "writer" else _serve(getattr(sample, role), settings))


async def _write(settings: ServiceSettings) -> None:
    stopping = asyncio.Event()
    _obey_signals(stopping)
    database = Database(settings.database_url, "identity", pool_size=4, statement_timeout=5_000)
    history = History(Path(os.environ["CHAOS_HISTORY"]))
    began, rate = float(os.environ["CHAOS_BEGAN"]), float(os.environ["CHAOS_RATE"])
    await Writer(database, history, os.environ["CHAOS_RUN"], began, rate).work(stopping)
    await database.close()


async def _serve(service: Service, settings: ServiceSettings) -> None:
    async with open_runtime(service, settings) as runtime:
        _obey_signals(runtime.stopping)
        probing = asyncio.create_task(_probe(runtime))
        await worker.run_worker(runtime)
        probing.cancel()


async def _probe(runtime: Runtime) -> None:
    """What an orchestrator does with a process that calls itself stuck."""
    while "stuck" not in runtime.health.values():
        await asyncio.sleep(1)
    os.write(2, b"liveness probe failed\n")
    os._exit(STUCK)


def _obey_signals(stopping: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    # The nemesis' way to make the loop stand still, as a careless computation would.
    loop.add_signal_handler(signal.SIGUSR1, time.sleep, float(os.environ["CHAOS_STALL"]))


if __name__ == "__main__":
    main(sys.argv[1])
