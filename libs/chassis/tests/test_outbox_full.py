"""What a caller sees when too many events wait for Kafka."""

from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from chassis.db import Database
from chassis.testing import AsRole, Outbox

TEAMS = "/api/workshop/v1/teams"


@pytest.fixture
def settings_overrides() -> dict[str, Any]:
    return {"outbox_limit": 1}


async def test_a_change_is_refused_with_a_code_and_leaves_nothing_while_reads_go_on(
    client: httpx2.AsyncClient, as_role: AsRole, emitted: Outbox, db: Database
) -> None:
    admin = as_role("admin")
    assert (await client.post(TEAMS, json={"name": "First"}, headers=admin)).status_code == 201
    refused = await until_refused(client, admin)
    assert (refused.status_code, refused.json()["code"]) == (503, "outbox_full")
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert (await client.get(TEAMS, headers=admin)).status_code == 200
    async with db.read() as session:
        stored = (await session.execute(text("select count(*) from teams"))).scalar_one()
    assert stored == len(await emitted())


async def until_refused(client: httpx2.AsyncClient, headers: dict[str, str]) -> httpx2.Response:
    """The level is asked at most once a second, so a few more may come through before."""
    for number in range(1_000):
        answer = await client.post(TEAMS, json={"name": f"Team {number}"}, headers=headers)
        if answer.status_code != 201:
            return answer
    raise AssertionError("a thousand changes were accepted")
