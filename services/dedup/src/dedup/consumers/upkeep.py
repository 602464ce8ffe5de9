"""Loops that run beside the consumers."""

import asyncio
from contextlib import suppress

from sqlalchemy import text

from chassis.service import Runtime, Worker
from dedup.commands.records import compare_queued

COMPARED_AT_ONCE = 200
COMPARING_POLL = 0.25
SWEEP_EVERY = 600.0

WAITING = text("SELECT EXISTS (SELECT FROM pending_matches)")
# Whoever wants such a key takes it over anyway; this only keeps the table small.
SWEEP = text("DELETE FROM claims WHERE NOT is_confirmed AND lease_until < clock_timestamp() - interval '1 hour'")


async def compare_what_was_put_off(runtime: Runtime) -> None:
    while not runtime.stopping.is_set():
        if not await _compared(runtime):
            await _rest(runtime, COMPARING_POLL)


async def _compared(runtime: Runtime) -> int:
    async with runtime.db.read() as session:
        if not (await session.execute(WAITING)).scalar_one():
            return 0
    async with runtime.db.transaction() as session:
        return await compare_queued(session, COMPARED_AT_ONCE)


async def sweep_claims(runtime: Runtime) -> None:
    while not runtime.stopping.is_set():
        async with runtime.db.transaction() as session:
            await session.execute(SWEEP)
        await _rest(runtime, SWEEP_EVERY)


async def _rest(runtime: Runtime, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await runtime.stopping.wait()


workers = (Worker("compare", compare_what_was_put_off), Worker("sweep", sweep_claims))
