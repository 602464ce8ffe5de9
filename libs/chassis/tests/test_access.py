"""Roles become conditions in SQL; a route that says nothing stops the start."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

import pytest
from fastapi import APIRouter, Depends
from starlette.routing import Mount, Route, Router

from chassis.access import Access, CurrentPrincipal, Policy, Scope, UnprotectedRoute, allow, public, require_policies
from chassis.auth import Principal
from chassis.http import router as house_router
from contracts.identity import UserChanged, UserState

TEAMS = "/api/workshop/v1/teams"
BLUE, RED = uuid4(), uuid4()
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def user(identity: UUID, *team_ids: UUID, version: int = 1) -> UserChanged:
    state = UserState(
        id=identity,
        version=version,
        created_at=NOW,
        updated_at=NOW,
        email="a@example.com",
        name="A",
        team_ids=list(team_ids),
    )
    return UserChanged(state=state)


@pytest.fixture
async def owners(client: Any, as_role: Any, publish: Any) -> dict[str, UUID]:
    """Three people with a record each; Ann and Bob are in one team."""
    found = {name: uuid4() for name in ("ann", "bob", "eve")}
    await publish(user(found["ann"], BLUE), user(found["bob"], BLUE), user(found["eve"], RED))
    for name, identity in found.items():
        await client.post(TEAMS, json={"name": name}, headers=as_role("sales", user_id=identity))
    return found


async def seen(client: Any, headers: dict[str, str], path: str = TEAMS) -> list[str]:
    return sorted(team["name"] for team in (await client.get(path, headers=headers)).json()["items"])


async def test_own_team_and_all(client: Any, as_role: Any, owners: dict[str, UUID]) -> None:
    assert await seen(client, as_role("sales", user_id=owners["ann"])) == ["ann"]
    assert await seen(client, as_role("sales_manager", team_ids=[BLUE])) == ["ann", "bob"]
    assert await seen(client, as_role("sales_manager", user_id=owners["eve"], team_ids=[BLUE])) == ["ann", "bob", "eve"]
    assert await seen(client, as_role("sales_manager")) == []
    assert await seen(client, as_role("marketing")) == ["ann", "bob", "eve"]
    assert await seen(client, as_role("service")) == ["ann", "bob", "eve"]
    assert await seen(client, as_role("admin")) == ["ann", "bob", "eve"]


async def test_the_widest_role_counts(client: Any, as_role: Any, owners: dict[str, UUID]) -> None:
    assert await seen(client, as_role("sales", "marketing", user_id=owners["ann"])) == ["ann", "bob", "eve"]


async def test_a_role_without_the_right_is_a_403(client: Any, as_role: Any) -> None:
    for headers in (as_role("verifier"), as_role(), as_role("unheard_of"), as_role("marketing")):
        answer = await client.post(TEAMS, json={"name": "A"}, headers=headers)
        assert answer.status_code == 403 and answer.json()["code"] == "forbidden"


async def test_somebody_elses_record_is_a_403(client: Any, as_role: Any, owners: dict[str, UUID]) -> None:
    listed = (await client.get(TEAMS, headers=as_role("admin"))).json()["items"]
    of_bob = next(team for team in listed if team["name"] == "bob")
    headers = {**as_role("sales", user_id=owners["ann"]), "If-Match": '"1"'}
    assert (await client.patch(f"{TEAMS}/{of_bob['id']}", json={"size": 1}, headers=headers)).status_code == 403
    headers = {**as_role("sales", user_id=owners["bob"]), "If-Match": '"1"'}
    assert (await client.patch(f"{TEAMS}/{of_bob['id']}", json={"size": 1}, headers=headers)).status_code == 200


async def test_rights_come_before_the_body(client: Any, as_role: Any) -> None:
    assert (await client.post(TEAMS, json={"name": "A"})).status_code == 401


def access(scope: Scope, *teams: UUID) -> Access:
    principal = Principal(uuid4(), "user", "A", frozenset({"sales"}), frozenset(teams))
    policy = Policy({"team": {"read": {"sales": scope}, "delete": {"sales": Scope.OWN}}})
    return Access(principal, "team", "read", scope, policy)


def test_one_loaded_record_is_covered_like_the_rows() -> None:
    mine = access(Scope.OWN)
    assert mine.covers(mine.principal.id) and not mine.covers(uuid4()) and not mine.covers(None)
    ours = access(Scope.TEAM, BLUE)
    assert ours.covers(uuid4(), [BLUE]) and not ours.covers(uuid4(), [RED]) and not ours.covers(uuid4())
    assert access(Scope.ALL).covers(None)
    assert not access(Scope.NONE).covers(access(Scope.NONE).principal.id)


def test_another_action_of_the_same_caller() -> None:
    assert access(Scope.ALL).to("delete").scope is Scope.OWN


def test_admin_has_all_unless_the_policy_says_otherwise() -> None:
    policy = Policy({"mail": {"read": {"admin": Scope.OWN}, "send": {}}})
    admin = Principal(uuid4(), "user", "A", frozenset({"admin"}))
    assert policy.scope(admin, "mail", "send") is Scope.ALL
    assert policy.scope(admin, "mail", "read") is Scope.OWN


def test_a_misspelt_role_is_found_at_once() -> None:
    with pytest.raises(ValueError, match="saels"):
        Policy({"team": {"read": {"saels": Scope.ALL}}})


POLICY = Policy({"team": {"read": {}}})


async def bare() -> None: ...


async def protected(access: Annotated[Access, allow("team", "read")]) -> None: ...


async def unknown(access: Annotated[Access, allow("team", "explode")]) -> None: ...


async def signed(principal: CurrentPrincipal) -> None: ...


async def nested(value: Annotated[None, Depends(protected)]) -> None: ...


@pytest.mark.parametrize("endpoint", [protected, signed, nested])
def test_a_policy_may_stand_anywhere_in_the_dependencies(endpoint: Any) -> None:
    router = house_router("workshop")
    router.get("/x")(endpoint)
    require_policies(router.routes, POLICY)


def test_a_route_without_a_policy_stops_the_start() -> None:
    router = house_router("workshop")
    router.get("/x")(bare)
    with pytest.raises(UnprotectedRoute, match="GET /api/workshop/v1/x has no allow"):
        require_policies(router.routes, POLICY)
    router = house_router("workshop")
    router.get("/x", dependencies=[public()])(bare)
    require_policies(router.routes, POLICY)


def test_a_right_that_the_policy_does_not_know_stops_the_start() -> None:
    router = house_router("workshop")
    router.get("/x")(unknown)
    with pytest.raises(UnprotectedRoute, match=r"team\.explode"):
        require_policies(router.routes, POLICY)


def test_routes_of_included_routers_are_looked_at() -> None:
    inner, outer = APIRouter(), house_router("workshop")
    inner.get("/x")(bare)
    outer.include_router(inner, prefix="/inner")
    with pytest.raises(UnprotectedRoute, match="/inner/x"):
        require_policies(outer.routes, POLICY)
    outer = house_router("workshop")
    outer.include_router(inner, prefix="/inner", dependencies=[public()])
    require_policies(outer.routes, POLICY)


@pytest.mark.parametrize("route", [Route("/x", bare), Mount("/files", app=Router())])
def test_what_cannot_carry_a_policy_stops_the_start(route: Any) -> None:
    router = house_router("workshop")
    router.routes.append(route)
    with pytest.raises(UnprotectedRoute):
        require_policies(router.routes, POLICY)
