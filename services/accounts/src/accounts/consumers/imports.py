"""The worker that reads imports in: takes one, reads it to the end, takes the next."""

import asyncio
from contextlib import suppress

from uuid_utils.compat import uuid7

from accounts.commands.imports import lease
from accounts.commands.imports.job import read_in
from chassis.service import Runtime

IDLE_POLL = 0.5


async def read_imports(runtime: Runtime) -> None:
    holder = uuid7()
    while not runtime.stopping.is_set():
        async with runtime.db.transaction() as session:
            import_id = await lease.take(session, holder)
        if import_id is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(IDLE_POLL):
                    await runtime.stopping.wait()
            continue
        try:
            await read_in(runtime, import_id, holder)
        finally:
            async with runtime.db.transaction() as session:
                await lease.give_back(session, import_id, holder)
