"""I11: what a caller sees while PostgreSQL's disk is full, wherever in a change it notices."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx2
import pytest

from chassis.testing import AsRole, Outbox
from chassis.testing.databases import TestDatabase
from chassis.worker import plain_dsn

TEAMS = "/api/workshop/v1/teams"
FULL = """
create function full_disk() returns trigger language plpgsql as $$ begin
raise exception 'could not extend file "base/5/16384": No space left on device' using errcode = 'disk_full'; end $$"""


@asynccontextmanager
async def full_disk(url: str, trigger: str) -> AsyncIterator[None]:
    """PostgreSQL answers with 53100 where the trigger is, as it does when a file cannot grow."""
    connection = await asyncpg.connect(plain_dsn(url))
    try:
        await connection.execute(f"{FULL}; create {trigger} for each row execute function full_disk()")
        yield
    finally:
        await connection.execute("drop function full_disk() cascade")
        await connection.close()


@pytest.mark.parametrize(
    "trigger",
    [
        "trigger full_disk before insert on teams",
        "trigger full_disk before insert on outbox",
        "constraint trigger full_disk after insert on outbox deferrable initially deferred",
    ],
    ids=["at the record", "at its event", "at the commit"],
)
async def test_a_change_is_refused_whole_and_can_be_repeated_while_reads_go_on(
    client: httpx2.AsyncClient, as_role: AsRole, emitted: Outbox, database: TestDatabase, trigger: str
) -> None:
    headers = {**as_role("admin"), "Idempotency-Key": "once"}
    async with full_disk(database.url, trigger):
        refused = await client.post(TEAMS, json={"name": "Sales"}, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert int(refused.headers["Retry-After"]) > 0
        assert "extend" not in refused.text
        assert await names(client, headers) == []
        assert await emitted() == []
    assert (await client.post(TEAMS, json={"name": "Sales"}, headers=headers)).status_code == 201
    assert await names(client, headers) == ["Sales"]
    assert len(await emitted()) == 1


async def names(client: httpx2.AsyncClient, headers: dict[str, Any]) -> list[str]:
    answer = await client.get(TEAMS, headers=headers)
    assert answer.status_code == 200
    return [team["name"] for team in answer.json()["items"]]
