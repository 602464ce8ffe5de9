"""`python -m bookings desk|hotel|airline`: the service's background loops until SIGTERM."""

import asyncio
import signal
import sys
from dataclasses import replace

from bookings.services import SERVICES
from chassis import telemetry
from chassis.service import open_runtime
from chassis.settings import ServiceSettings
from chassis.worker import run_worker


async def main(name: str) -> None:
    service, settings = SERVICES[name], ServiceSettings()
    telemetry.setup_logging(settings, name)
    async with open_runtime(service, settings) as runtime:
        # A killed member is missed at once.
        runtime.bus = replace(runtime.bus, member_timeout=2.0)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, runtime.stopping.set)
        await run_worker(runtime)


asyncio.run(main(sys.argv[1]))
