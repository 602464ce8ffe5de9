"""Everything of a service that runs besides its API: relay, consumers, reactors and the service's own loops."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from chassis import gauges, idempotency, metrics, restating
from chassis.consumer import ConsumerLoop, ConsumerStuck
from chassis.operations import bootstrap, jobs, replay
from chassis.projector import Intake
from chassis.reactor import ReactorLoop
from chassis.relay import Relay

if TYPE_CHECKING:
    from chassis.service import Runtime

log = structlog.get_logger(__name__)

Loop = Callable[[], Awaitable[None]]

LONG_RUN = 60.0
"""Seconds after which a failure has nothing to do with the one before it."""


def plain_dsn(url: str) -> str:
    """SQLAlchemy's address as asyncpg wants it."""
    return url.replace("postgresql+asyncpg://", "postgresql://", 1)


async def run_worker(runtime: "Runtime") -> None:
    """Runs all loops until `runtime.stopping` is set; each is started again with back-off when it raises.

    What has not ended `shutdown_seconds` after that is cancelled: its transaction rolls back. `runtime.health` tells
    readiness. Raises ConsumerStuck when the process had better be replaced; everything else has ended by then.
    """
    loops = {**_backbone(runtime), **_own(runtime)}
    tasks = [asyncio.create_task(_keep_running(runtime, name, loop), name=name) for name, loop in loops.items()]
    await runtime.stopping.wait()
    _, unfinished = await asyncio.wait(tasks, timeout=runtime.settings.shutdown_seconds) if tasks else (set(), set())
    for task in unfinished:
        task.cancel()
    if unfinished:
        await asyncio.wait(unfinished, timeout=5)
    for task in tasks:
        if task.done() and not task.cancelled() and (error := task.exception()) is not None:
            raise error


def _backbone(runtime: "Runtime") -> dict[str, Loop]:
    if not runtime.settings.database_url:
        return {}
    stopping, database, service = runtime.stopping, runtime.db, runtime.service
    # A commit of this very process wakes the relay at once, so where all is one process it can look less often.
    poll, linger = runtime.settings.relay_poll, runtime.settings.linger
    dsn = plain_dsn(runtime.settings.relay_database_url or database.url)
    relay = Relay(dsn, runtime.bus, stopping, wake=database.committed, idle_poll=poll, linger=linger)
    loops: dict[str, Loop] = {
        "relay": relay.run,
        "states": lambda: restating.keep_states(runtime, relay.leases.doubt),
        "tidy": lambda: idempotency.keep_tidy(database, stopping),
        "gauges": lambda: gauges.keep_gauges(database, stopping),
        "operations": lambda: jobs.work_jobs(runtime, {"replay": replay.run, "bootstrap": bootstrap.run}),
    }
    if service.subscriptions.topics:
        applied = asyncio.Event()
        intake = Intake(database, service.name, service.subscriptions)
        consumer = ConsumerLoop(runtime.bus, intake, stopping, applied, runtime.health, runtime.settings.linger)
        loops["consumer"] = consumer.run
        loops["reactor"] = ReactorLoop(database, service.subscriptions, stopping, applied).run
    return loops


def _own(runtime: "Runtime") -> dict[str, Loop]:
    return {worker.name: lambda run=worker.run: run(runtime) for worker in runtime.service.workers}  # type: ignore[misc]


async def _keep_running(runtime: "Runtime", name: str, loop: Loop) -> None:
    delay, clock = 0.2, asyncio.get_running_loop().time
    while not runtime.stopping.is_set():
        began = clock()
        try:
            await loop()
            return
        except ConsumerStuck:
            runtime.stopping.set()
            raise
        except Exception:
            delay = 0.2 if clock() - began > LONG_RUN else delay
            metrics.worker_restarts.labels(name).inc()
            log.exception("worker_failed", worker=name, retry_in=delay)
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await runtime.stopping.wait()
        delay = min(delay * 2, 30.0)
