"""Duplicate checks that nobody answered when the lead came in are asked again until somebody does."""

import asyncio
from contextlib import suppress

from chassis.questions import Refused, Unanswered
from chassis.service import Runtime, Worker
from leads.commands.later import check_postponed

POLL = 5.0


async def catch_up_on_checks(runtime: Runtime) -> None:
    while not runtime.stopping.is_set():
        with suppress(Unanswered, Refused):
            while await check_postponed(runtime):
                pass
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL):
                await runtime.stopping.wait()


workers = (Worker("postponed checks", catch_up_on_checks),)
