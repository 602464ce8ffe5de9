"""One of the three services as a process of its own, forked from one that has the imports."""

import asyncio
import signal
from dataclasses import replace

from bookings.services import SERVICES
from chassis import failpoints, reactor, telemetry
from chassis.service import open_runtime
from chassis.settings import ServiceSettings
from chassis.worker import run_worker


def live(name: str, url: str, kafka: str, failpoint: str) -> None:
    """Runs the service's background loops until SIGTERM, or until it comes to the failpoint."""
    failpoints.arm({failpoints.VARIABLE: failpoint})
    # What the dead had in hand is taken over soon.
    reactor.LEASE_SECONDS = 5
    asyncio.run(_live(name, ServiceSettings(database_url=url, kafka=kafka)))


async def _live(name: str, settings: ServiceSettings) -> None:
    telemetry.setup_logging(settings, name)
    async with open_runtime(SERVICES[name], settings) as runtime:
        # A killed member is missed soon.
        runtime.bus = replace(runtime.bus, member_timeout=3.0)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, runtime.stopping.set)
        await run_worker(runtime)
