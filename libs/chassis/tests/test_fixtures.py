"""The fixtures that every service's tests stand on."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from chassis.errors import ServiceError
from contracts.identity import TeamChanged, TeamCreated, UserChanged, UserDeactivated, UserState

TEAMS = "/api/workshop/v1/teams"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def user(name: str = "Ann", version: int = 1, identity: UUID | None = None) -> UserState:
    return UserState(
        id=identity or uuid4(), version=version, created_at=NOW, updated_at=NOW, email="ann@example.com", name=name
    )


async def names(db: Any, table: str) -> list[str]:
    async with db.read() as session:
        return sorted((await session.execute(text(f"select name from {table}"))).scalars())


@pytest.mark.parametrize("round_", [1, 2])
async def test_every_test_begins_with_empty_tables(client: Any, as_role: Any, db: Any, round_: int) -> None:
    assert await names(db, "teams") == []
    assert (await client.post(TEAMS, json={"name": "A"}, headers=as_role("sales"))).status_code == 201


async def test_what_the_migrations_wrote_is_kept(db: Any) -> None:
    async with db.read() as session:
        assert (await session.execute(text("select count(*) from outbox_shard"))).scalar_one() == 16


async def test_published_facts_reach_projectors_once_by_version(publish: Any, db: Any) -> None:
    identity = uuid4()
    await publish(UserChanged(state=user("New", 3, identity)), times=2)
    await publish(UserChanged(state=user("Old", 2, identity)))
    assert await names(db, "user_replicas") == ["New"]


async def test_published_facts_reach_reactors_once(publish: Any, db: Any) -> None:
    await publish(UserDeactivated(state=user("Ann")), times=3)
    assert await names(db, "teams") == ["In memory of Ann"]


async def test_what_a_reactor_raises_the_test_gets(publish: Any, db: Any) -> None:
    with pytest.raises(RuntimeError, match="no team for Trouble"):
        await publish(UserDeactivated(state=user("Trouble")))
    assert await names(db, "teams") == []


async def test_the_actor_of_an_event_is_the_actor_of_its_effects(publish: Any, db: Any) -> None:
    from workshop.models import Team

    somebody = uuid4()
    await publish(UserDeactivated(state=user("Ann")), actor_id=somebody)
    async with db.read() as session:
        assert (await session.execute(select(Team.created_by))).scalar_one() == somebody


async def test_emitted_shows_events_in_order_with_what_changed(client: Any, as_role: Any, emitted: Any) -> None:
    headers = as_role("sales")
    made = (await client.post(TEAMS, json={"name": "A"}, headers=headers)).json()
    await client.patch(f"{TEAMS}/{made['id']}", json={"name": "B"}, headers={**headers, "If-Match": '"1"'})
    first, second = await emitted()
    assert isinstance(first, TeamCreated) and isinstance(second, TeamChanged)
    assert second.previous == {"name": "A"} and second.state.name == "B" and second.state.version == 2
    assert await emitted(TeamCreated) == [first]


async def test_who_is_who(client: Any, as_role: Any) -> None:
    one = (await client.get("/api/workshop/v1/me", headers=as_role("sales"))).json()
    again = (await client.get("/api/workshop/v1/me", headers=as_role("sales"))).json()
    other = (await client.get("/api/workshop/v1/me", headers=as_role("sales", user_id=uuid4()))).json()
    assert one["id"] == again["id"] != other["id"]


async def test_answers_take_the_longest_path(answer: Any, runtime: Any) -> None:
    answer("dedup", "/api/dedup/v1/claims", {"which": "all"})
    answer("dedup", "/api/dedup/v1/claims/7", lambda body: (404, {"code": "not_found"}))
    for path, status in (("/api/dedup/v1/claims/7", 404), ("/api/dedup/v1/claims/8", 200), ("/api/x", 503)):
        found, _ = await runtime.http.send_json("dedup", "DELETE", path, None, headers={}, timeout=5)
        assert found == status, path
    assert [method for method, _, _ in answer.asked] == ["DELETE"] * 3


def test_a_problem_takes_further_members() -> None:
    class Taken(ServiceError):
        status = 409
        code = "taken"
        title = "It is taken"

    members = Taken("By Ann.", candidates=[1]).problem()
    assert members["candidates"] == [1] and members["detail"] == "By Ann."
    assert str(Taken()) == "It is taken"
