"""Lists and search over 50,000 accounts through the gateway, beside the bare SQL of a page."""

import random
from uuid import uuid4

import asyncpg

from benchmarks.load import Measured, flat_out
from benchmarks.report import Line
from devstack.scratch import System

ROWS = 50_000
INDUSTRIES = ("Consulting", "Manufacturing", "Retail", "Health", "Education", "Transport", "Energy", "Banking")
_PAGE = "select * from accounts where industry = $1 and deleted_at is null order by name limit 50"


async def fill(system: System) -> None:
    """Copies one real account until there are 50,000: only the reading is measured here, not the writing."""
    _, made = await system.call(
        "POST", "/api/accounts/v1/accounts", json={"kind": "business", "name": f"Pattern {uuid4().hex}"}
    )
    connection = await asyncpg.connect(system.database("accounts"))
    columns = await connection.fetch(
        "select column_name n from information_schema.columns where table_name = 'accounts' and is_generated = 'NEVER'"
    )
    names = [row["n"] for row in columns]
    given = {
        "id": "gen_random_uuid()",
        "name": "w.name",
        "search_text": "lower(w.name) || ' ' || w.n",
        "search_key": "lower(w.name)",
    }
    given |= {"industry": f"(array{list(INDUSTRIES)!r})[1 + w.n % {len(INDUSTRIES)}]"}
    values = ", ".join(given.get(name, f"a.{name}") for name in names)
    await connection.execute(
        f"insert into accounts ({', '.join(names)}) select {values} from accounts a, "
        f"(select n, md5(n::text) || ' Sp. z o.o. ' || n as name from generate_series(1, {ROWS}) n) w where a.id = $1",
        made["id"],
    )
    await connection.execute("vacuum analyze accounts")
    await connection.close()


async def lists(system: System) -> list[Line]:
    """Pages of 50 with a filter and a sort, and search for names that exist."""
    await system.renew()
    dice = random.Random(1)

    async def page(number: int) -> bool:
        path = f"/api/accounts/v1/accounts?limit=50&sort=name&filter=industry:eq:{dice.choice(INDUSTRIES)}"
        status, found = await system.call("GET", path)
        return status == 200 and len(found["items"]) == 50

    async def search(number: int) -> bool:
        status, found = await system.call("GET", f"/api/accounts/v1/search?q=z+o.o.+{dice.randrange(10_000, ROWS)}")
        return status == 200 and len(found["items"]) > 0

    pages, searches = await flat_out(page, 2, 15), await flat_out(search, 2, 15)
    bare = await _bare_page(system, dice)
    return [
        Line(
            f"list of 50 of {ROWS:,} accounts, filter and sort: p50 / p95 (failed)",
            "p95 <= 60 ms",
            f"{pages.percentile(0.5):.1f} / {pages.percentile(0.95):.1f} ms ({pages.failed})",
            f"bare SQL {bare.percentile(0.5):.1f} / {bare.percentile(0.95):.1f} ms",
            pages.percentile(0.95) <= 60 and not pages.failed,
        ),
        Line(
            f"search in {ROWS:,} accounts: p50 / p95 (failed)",
            "p95 <= 80 ms",
            f"{searches.percentile(0.5):.1f} / {searches.percentile(0.95):.1f} ms ({searches.failed})",
            is_met=searches.percentile(0.95) <= 80 and not searches.failed,
        ),
    ]


async def _bare_page(system: System, dice: random.Random) -> Measured:
    pool = await asyncpg.create_pool(system.database("accounts"), min_size=2, max_size=2)

    async def page(number: int) -> bool:
        return len(await pool.fetch(_PAGE, dice.choice(INDUSTRIES))) == 50

    measured = await flat_out(page, 2, 5)
    await pool.close()
    return measured
