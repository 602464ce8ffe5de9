"""Creating an account through the gateway, beside the bare two inserts that it comes down to."""

import asyncio
from random import Random
from uuid import uuid4

import asyncpg

from benchmarks.load import Measured, at_rate, flat_out
from benchmarks.report import Line
from devstack.scratch import System

RATE, SECONDS, CLIENTS = 20, 30, 16
_BARE = "create table if not exists bare (id bigint generated always as identity primary key, body jsonb, event bytea)"


class Creations:
    """Each number is another customer: other words, another street, another phone."""

    def __init__(self, system: System) -> None:
        self.system, self.mark = system, uuid4().hex[:6]

    async def create(self, number: int) -> bool:
        dice = Random(f"{self.mark}{number}")
        name = f"{_word(dice)} {_word(dice)}"
        body = {
            "kind": "business",
            "name": f"{name.title()} Srl",
            "phone": f"+3902{dice.randrange(10_000_000):07d}",
            "email": f"info@{name.replace(' ', '-')}.example.com",
            "billing": {"street": f"Via {_word(dice)} {number}", "city": _word(dice).title(), "country": "IT"},
        }
        status, _ = await self.system.call("POST", "/api/accounts/v1/accounts", json=body)
        return status == 201


def _word(dice: Random) -> str:
    return "".join(dice.choice("bcdfglmnprstv") + dice.choice("aeiou") for _ in range(4))


async def steady(system: System) -> list[Line]:
    """At 20 a second."""
    creations = Creations(system)
    await at_rate(creations.create, RATE, 5)
    through = await at_rate(creations.create, RATE, SECONDS)
    bare = await _bare(system, lambda work: at_rate(work, RATE, SECONDS / 3))
    return [
        Line(
            f"create account at {RATE}/s: p50 / p99 (failed)",
            "<= 25 / 100 ms",
            f"{through.percentile(0.5):.1f} / {through.percentile(0.99):.1f} ms ({through.failed})",
            f"two bare inserts {bare.percentile(0.5):.1f} / {bare.percentile(0.99):.1f} ms",
            through.percentile(0.5) <= 25 and through.percentile(0.99) <= 100 and not through.failed,
        )
    ]


async def sustained(system: System, seconds: float) -> list[Line]:
    """As many as go, with everything running on the same cores."""
    await system.renew()
    through = await flat_out(Creations(system).create, CLIENTS, seconds)
    bare = await _bare(system, lambda work: flat_out(work, CLIENTS, seconds / 6))
    return [
        Line(
            f"create account, {CLIENTS} clients for {seconds:.0f} s (failed)",
            ">= 100/s",
            f"{through.rate:.0f}/s ({through.failed}), p99 {through.percentile(0.99):.0f} ms",
            f"two bare inserts {bare.rate:.0f}/s, ratio {through.rate / bare.rate:.3f}",
            through.rate >= 100 and not through.failed,
        )
    ]


async def _bare(system: System, run) -> Measured:  # type: ignore[no-untyped-def]
    pool = await asyncpg.create_pool(system.database("accounts"), min_size=4, max_size=CLIENTS)
    await pool.execute(_BARE)

    async def insert(number: int) -> bool:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("insert into bare (body) values ($1)", '{"name": "x"}')
            await connection.execute("insert into bare (event) values ($1)", b"x" * 800)
        return True

    measured: Measured = await run(insert)
    await pool.execute("drop table bare")
    await asyncio.wait_for(pool.close(), 10)
    return measured
