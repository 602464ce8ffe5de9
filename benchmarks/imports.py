"""A real file's worth of rows read in while others work, beside the bare COPY of the same rows."""

import asyncio
import io
import time

import aiohttp
import asyncpg

from benchmarks.load import Measured, at_rate
from benchmarks.report import Line
from devstack.scratch import System
from meridian.demo.file import demo_csv

ROWS = 3_337


async def imported(system: System) -> list[Line]:
    await system.renew()
    text = demo_csv(ROWS, seed=11)

    async def look(number: int) -> bool:
        status, _ = await system.call("GET", "/api/accounts/v1/accounts?limit=50&sort=name")
        return status == 200

    calm = await at_rate(look, 5, 10)
    others = asyncio.create_task(_while(look))
    seconds, made = await _import(system, text)
    others.cancel()
    busy = await others
    bare = await _copy(system, text)
    outcomes = {name: made[name] for name in ("created", "duplicate", "failed")}
    return [
        Line(
            f"import of {ROWS:,} rows",
            "<= 60 s",
            f"{seconds:.1f} s {outcomes}",
            f"bare COPY {bare:.2f} s",
            seconds <= 60 and sum(outcomes.values()) == ROWS,
        ),
        Line(
            "others' p95 during the import",
            "<= 2 x calm",
            f"{busy.percentile(0.95):.1f} ms ({busy.failed} failed)",
            f"calm {calm.percentile(0.95):.1f} ms, ratio {busy.percentile(0.95) / calm.percentile(0.95):.2f}",
            busy.percentile(0.95) <= 2 * calm.percentile(0.95) and not busy.failed,
        ),
    ]


async def _while(look) -> Measured:  # type: ignore[no-untyped-def]
    """Looks five times a second until it is cancelled."""
    rounds = Measured()
    try:
        while True:
            part = await at_rate(look, 5, 1)
            rounds.latencies += part.latencies
            rounds.failed += part.failed
    except asyncio.CancelledError:
        return rounds


async def _import(system: System, text: str) -> tuple[float, dict[str, int]]:
    form = aiohttp.FormData()
    form.add_field("file", text.encode(), filename="organisations.csv", content_type="text/csv")
    form.add_field("object", "accounts")
    form.add_field("duplicates", "alert")
    began = time.perf_counter()
    status, made = await system.call("POST", "/api/accounts/v1/imports", data=form)
    assert status == 202, made
    while made["status"] not in ("completed", "failed", "cancelled"):
        await asyncio.sleep(0.25)
        _, made = await system.call("GET", f"/api/accounts/v1/imports/{made['id']}")
    return time.perf_counter() - began, made


async def _copy(system: System, text: str) -> float:
    connection = await asyncpg.connect(system.database("accounts"))
    width = len(text.splitlines()[0].split(","))
    await connection.execute(f"create table bare_copy ({', '.join(f'c{number} text' for number in range(width))})")
    began = time.perf_counter()
    await connection.copy_to_table("bare_copy", source=io.BytesIO(text.encode()), format="csv", header=True)
    seconds = time.perf_counter() - began
    await connection.execute("drop table bare_copy")
    await connection.close()
    return seconds
