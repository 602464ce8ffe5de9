import asyncio
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from chassis import migrations
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.testing import AsRole, Outbox
from contracts.identity import (
    TeamChanged,
    TeamCreated,
    TeamDeleted,
    UserChanged,
    UserCreated,
    UserDeactivated,
    UserReactivated,
)

BASE = "/api/identity/v1"
NOBODY = "01935a00-0000-7000-8000-0000000000ff"
ROLES = ["sales_manager", "sales", "marketing", "verifier", "read_only"]


def person(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Ewa Nowak",
        "email": "Ewa.Nowak@Example.com",
        "password": "long-enough-password",
        "roles": ["sales"],
        "time_zone": "Europe/Warsaw",
        "locale": "pl-PL",
        **changes,
    }


async def created(client: httpx2.AsyncClient, as_role: AsRole, **changes: Any) -> dict[str, Any]:
    answer = await client.post(f"{BASE}/users", json=person(**changes), headers=as_role("admin"))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def made_team(client: httpx2.AsyncClient, as_role: AsRole, name: str = "South", **more: Any) -> dict[str, Any]:
    answer = await client.post(f"{BASE}/teams", json={"name": name, **more}, headers=as_role("admin"))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_models_and_migrations_agree(service: Service, settings: ServiceSettings) -> None:
    migrations.check(service, settings)


class TestUsers:
    async def test_a_created_user_is_a_fact(self, client: httpx2.AsyncClient, as_role: AsRole, emitted: Outbox) -> None:
        user = await created(client, as_role)
        assert user["email"] == "ewa.nowak@example.com"
        assert "password" not in user
        fact = (await emitted(UserCreated))[-1]
        assert fact.state.email == user["email"] and fact.state.roles == ["sales"] and fact.state.version == 1
        assert fact.state.time_zone == "Europe/Warsaw" and fact.state.is_active

    async def test_a_repeated_request_creates_one_user(self, client: httpx2.AsyncClient, as_role: AsRole) -> None:
        headers = {**as_role("admin"), "Idempotency-Key": "once"}
        first = await client.post(f"{BASE}/users", json=person(), headers=headers)
        second = await client.post(f"{BASE}/users", json=person(), headers=headers)
        assert first.json() == second.json()
        other = await client.post(f"{BASE}/users", json=person(email="x@example.com"), headers=headers)
        assert other.json()["code"] == "idempotency_key_reused"

    @pytest.mark.parametrize(
        ("changes", "pointer", "code"),
        [
            ({"email": "not an address"}, "/email", "email_invalid"),
            ({"email": None}, "/email", None),
            ({"name": ""}, "/name", None),
            ({"name": "x" * 201}, "/name", "too_long"),
            ({"name": "a\nb"}, "/name", "control_character"),
            ({"roles": ["king"]}, "/roles", "not_an_option"),
            ({"roles": ["service"]}, "/roles", "not_an_option"),
            ({"roles": "admin"}, "/roles", None),
            ({"time_zone": "Mars/Olympus"}, "/time_zone", "time_zone_unknown"),
            ({"locale": "polski!"}, "/locale", None),
            ({"team_ids": ["x"]}, "/team_ids/0", None),
            ({"team_ids": [str(uuid4())]}, "/team_ids/0", "unknown_team"),
            ({"password": "short"}, "/password", "password_too_short"),
            ({"password": "ewa.nowak@example.com"}, "/password", "password_is_email"),
            ({"is_active": False}, "/is_active", "unknown_field"),
        ],
    )
    async def test_a_wrong_field_is_pointed_at(
        self, client: httpx2.AsyncClient, as_role: AsRole, changes: dict[str, Any], pointer: str, code: str | None
    ) -> None:
        answer = await client.post(f"{BASE}/users", json=person(**changes), headers=as_role("admin"))
        assert answer.status_code == 422, answer.text
        problem = answer.json()["errors"][0]
        assert problem["pointer"] == pointer
        assert code is None or problem["code"] == code

    async def test_an_email_belongs_to_one_user_whatever_its_case(
        self, client: httpx2.AsyncClient, as_role: AsRole
    ) -> None:
        await created(client, as_role)
        answer = await client.post(
            f"{BASE}/users", json=person(email="EWA.NOWAK@example.com"), headers=as_role("admin")
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")

    async def test_two_requests_at_once_make_one_user(self, client: httpx2.AsyncClient, as_role: AsRole) -> None:
        asked = [client.post(f"{BASE}/users", json=person(), headers=as_role("admin")) for _ in range(4)]
        statuses = sorted(answer.status_code for answer in await asyncio.gather(*asked))
        assert statuses == [201, 409, 409, 409]

    @pytest.mark.parametrize("role", ROLES)
    async def test_everybody_reads_and_only_administrators_write(
        self, client: httpx2.AsyncClient, as_role: AsRole, role: str
    ) -> None:
        user = await created(client, as_role)
        headers = {**as_role(role), "If-Match": '"1"'}
        address = f"{BASE}/users/{user['id']}"
        assert (await client.get(address, headers=headers)).status_code == 200
        assert (await client.get(f"{BASE}/users", headers=headers)).status_code == 200
        for answer in (
            await client.post(f"{BASE}/users", json=person(email="b@example.com"), headers=headers),
            await client.patch(address, json={"roles": ["admin"]}, headers=headers),
            await client.post(f"{address}/deactivation", headers=headers),
            await client.post(f"{address}/reactivation", headers=headers),
            await client.post(f"{address}/password", json={"new_password": "x" * 20}, headers=headers),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")

    @pytest.mark.parametrize("path", ["/users", f"/users/{NOBODY}", "/teams", "/me", "/roles", "/sessions", "/meta"])
    async def test_nothing_without_signing_in(self, client: httpx2.AsyncClient, path: str) -> None:
        answer = await client.get(BASE + path)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")

    async def test_search_for_a_picker(self, client: httpx2.AsyncClient, as_role: AsRole) -> None:
        await created(client, as_role)
        await created(client, as_role, name="Bruno Rossi", email="bruno@esempio.example")
        for words, names in (
            ("nowak", ["Ewa Nowak"]),
            ("ESEMPIO", ["Bruno Rossi"]),
            ("100%", []),
        ):
            page = (await client.get(f"{BASE}/users", params={"q": words}, headers=as_role("sales"))).json()
            assert [item["name"] for item in page["items"]] == names
        active = {"filter": ["is_active:eq:true", "roles:contains:sales"], "sort": "-name"}
        page = (await client.get(f"{BASE}/users", params=active, headers=as_role("sales"))).json()
        assert [item["name"] for item in page["items"]] == ["Ewa Nowak", "Bruno Rossi"]

    async def test_pages_and_broken_cursors(self, client: httpx2.AsyncClient, as_role: AsRole) -> None:
        for number in range(3):
            await created(client, as_role, name=f"Person {number}", email=f"p{number}@example.com")
        names: list[str] = []
        cursor = None
        while True:
            query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
            page = (await client.get(f"{BASE}/users", params=query, headers=as_role("sales"))).json()
            names += [item["name"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert names == ["Administrator", "Person 0", "Person 1", "Person 2"]
        broken = await client.get(f"{BASE}/users", params={"cursor": "bm9wZQ"}, headers=as_role("sales"))
        assert (broken.status_code, broken.json()["code"]) == (400, "cursor_invalid")

    @pytest.mark.parametrize("query", [{"sort": "team_ids"}, {"sort": "password"}, {"filter": "password:eq:x"}])
    async def test_only_fields_with_an_order_sort(
        self, client: httpx2.AsyncClient, as_role: AsRole, query: dict[str, str]
    ) -> None:
        await created(client, as_role)
        answer = await client.get(f"{BASE}/users", params={"limit": 1, **query}, headers=as_role("sales"))
        assert answer.status_code == 422, answer.text

    async def test_a_change_says_what_changed(
        self, client: httpx2.AsyncClient, as_role: AsRole, emitted: Outbox
    ) -> None:
        user = await created(client, as_role)
        change = {"name": "Ewa Kowalska", "roles": ["sales_manager"]}
        headers = {**as_role("admin"), "If-Match": '"1"'}
        answer = await client.patch(f"{BASE}/users/{user['id']}", json=change, headers=headers)
        assert answer.status_code == 200 and answer.headers["etag"] == '"2"'
        fact = (await emitted(UserChanged))[-1]
        assert fact.previous == {"name": "Ewa Nowak", "roles": ["sales"]}
        assert fact.state.version == 2

    async def test_a_change_to_the_same_is_none(
        self, client: httpx2.AsyncClient, as_role: AsRole, emitted: Outbox
    ) -> None:
        user = await created(client, as_role)
        headers = {**as_role("admin"), "If-Match": '"1"'}
        same = {"name": user["name"], "email": user["email"].upper()}
        answer = await client.patch(f"{BASE}/users/{user['id']}", json=same, headers=headers)
        assert answer.json()["version"] == 1
        assert await emitted(UserChanged) == []

    @pytest.mark.parametrize(
        ("if_match", "status", "code"),
        [
            (None, 428, "if_match_required"),
            ('"7"', 412, "version_conflict"),
            ("seven", 400, "if_match_malformed"),
        ],
    )
    async def test_a_change_names_the_version_it_changes(
        self, client: httpx2.AsyncClient, as_role: AsRole, if_match: str | None, status: int, code: str
    ) -> None:
        user = await created(client, as_role)
        headers = {**as_role("admin"), **({"If-Match": if_match} if if_match else {})}
        answer = await client.patch(f"{BASE}/users/{user['id']}", json={"name": "X"}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)

    @pytest.mark.parametrize("identity", [NOBODY, "not-an-id"])
    async def test_an_unknown_user(self, client: httpx2.AsyncClient, as_role: AsRole, identity: str) -> None:
        answer = await client.get(f"{BASE}/users/{identity}", headers=as_role("admin"))
        assert answer.status_code in (404, 422)

    async def test_deactivation_and_back(self, client: httpx2.AsyncClient, as_role: AsRole, emitted: Outbox) -> None:
        user = await created(client, as_role)
        address = f"{BASE}/users/{user['id']}"
        for action, version, event in (
            ("deactivation", 1, UserDeactivated),
            ("deactivation", 2, UserDeactivated),
            ("reactivation", 2, UserReactivated),
        ):
            headers = {**as_role("admin"), "If-Match": f'"{version}"'}
            answer = await client.post(f"{address}/{action}", headers=headers)
            assert answer.status_code == 200, answer.text
            assert len(await emitted(event)) == 1
        assert answer.json()["is_active"] is True and answer.json()["version"] == 3


class TestLastAdministrator:
    async def the_admin(self, client: httpx2.AsyncClient, as_role: AsRole) -> dict[str, Any]:
        page = await client.get(f"{BASE}/users", params={"filter": "roles:contains:admin"}, headers=as_role("admin"))
        return dict(page.json()["items"][0])

    async def test_stays_active_and_administrator(self, client: httpx2.AsyncClient, as_role: AsRole) -> None:
        admin = await self.the_admin(client, as_role)
        address = f"{BASE}/users/{admin['id']}"
        headers = {**as_role("admin"), "If-Match": '"1"'}
        for answer in (
            await client.post(f"{address}/deactivation", headers=headers),
            await client.patch(address, json={"roles": ["sales"]}, headers=headers),
        ):
            assert (answer.status_code, answer.json()["code"]) == (409, "last_administrator")

    async def test_may_go_when_another_is_there(self, client: httpx2.AsyncClient, as_role: AsRole) -> None:
        admin = await self.the_admin(client, as_role)
        await created(client, as_role, roles=["admin"])
        headers = {**as_role("admin"), "If-Match": '"1"'}
        answer = await client.post(f"{BASE}/users/{admin['id']}/deactivation", headers=headers)
        assert answer.status_code == 200

    async def test_two_cannot_remove_each_other_at_once(self, client: httpx2.AsyncClient, as_role: AsRole) -> None:
        first = await self.the_admin(client, as_role)
        second = await created(client, as_role, roles=["admin"])
        headers = {**as_role("admin"), "If-Match": '"1"'}
        asked = [client.post(f"{BASE}/users/{each['id']}/deactivation", headers=headers) for each in (first, second)]
        statuses = sorted(answer.status_code for answer in await asyncio.gather(*asked))
        assert statuses == [200, 409]


class TestMe:
    async def test_people_change_their_own_settings_and_nothing_more(
        self, client: httpx2.AsyncClient, as_role: AsRole, emitted: Outbox
    ) -> None:
        user = await created(client, as_role)
        headers = {**as_role("sales", user_id=user["id"]), "If-Match": '"1"'}
        change = {"time_zone": "Europe/Rome", "locale": "it-IT"}
        answer = await client.patch(f"{BASE}/me", json=change, headers=headers)
        assert answer.json()["time_zone"] == "Europe/Rome"
        assert (await emitted(UserChanged))[-1].previous == {"time_zone": "Europe/Warsaw", "locale": "pl-PL"}
        refused = await client.patch(f"{BASE}/me", json={"roles": ["admin"]}, headers={**headers, "If-Match": '"2"'})
        assert refused.status_code == 422


class TestTeams:
    async def test_facts_of_a_team(self, client: httpx2.AsyncClient, as_role: AsRole, emitted: Outbox) -> None:
        manager = await created(client, as_role)
        team = await made_team(client, as_role, manager_id=manager["id"])
        headers = {**as_role("admin"), "If-Match": '"1"'}
        changed = await client.patch(f"{BASE}/teams/{team['id']}", json={"name": "North"}, headers=headers)
        assert changed.json()["manager_id"] == manager["id"]
        assert [fact.state.name for fact in await emitted(TeamCreated)] == ["South"]
        assert (await emitted(TeamChanged))[0].previous == {"name": "South"}

    async def test_names_are_unique_whatever_their_case(self, client: httpx2.AsyncClient, as_role: AsRole) -> None:
        team = await made_team(client, as_role)
        answer = await client.post(f"{BASE}/teams", json={"name": "SOUTH"}, headers=as_role("admin"))
        assert (answer.status_code, answer.json()["code"]) == (409, "team_name_taken")
        await client.delete(f"{BASE}/teams/{team['id']}", headers={**as_role("admin"), "If-Match": '"1"'})
        await made_team(client, as_role, "SOUTH")

    async def test_a_deleted_team_leaves_its_members(
        self, client: httpx2.AsyncClient, as_role: AsRole, emitted: Outbox
    ) -> None:
        team, other = await made_team(client, as_role), await made_team(client, as_role, "North")
        user = await created(client, as_role, team_ids=[team["id"], other["id"]])
        headers = {**as_role("admin"), "If-Match": '"1"'}
        assert (await client.delete(f"{BASE}/teams/{team['id']}", headers=headers)).status_code == 204
        assert (await client.get(f"{BASE}/teams/{team['id']}", headers=headers)).json()["code"] == "team_not_found"
        now = (await client.get(f"{BASE}/users/{user['id']}", headers=headers)).json()
        assert now["team_ids"] == [other["id"]]
        assert [str(fact.state.id) for fact in await emitted(TeamDeleted)] == [team["id"]]
        assert (await emitted(UserChanged))[0].previous == {"team_ids": [team["id"], other["id"]]}
        listed = (await client.get(f"{BASE}/teams", headers=headers)).json()
        assert [item["name"] for item in listed["items"]] == ["North"]

    async def test_a_manager_is_an_active_user(self, client: httpx2.AsyncClient, as_role: AsRole) -> None:
        body = {"name": "South", "manager_id": str(uuid4())}
        answer = await client.post(f"{BASE}/teams", json=body, headers=as_role("admin"))
        assert answer.json()["errors"][0] == {
            "pointer": "/manager_id",
            "code": "unknown_user",
            "detail": "There is no such active user.",
        }

    @pytest.mark.parametrize("role", ROLES)
    async def test_only_administrators_write(self, client: httpx2.AsyncClient, as_role: AsRole, role: str) -> None:
        team = await made_team(client, as_role)
        headers = {**as_role(role), "If-Match": '"1"'}
        address = f"{BASE}/teams/{team['id']}"
        assert (await client.get(address, headers=headers)).status_code == 200
        for answer in (
            await client.post(f"{BASE}/teams", json={"name": "X"}, headers=headers),
            await client.patch(address, json={"name": "X"}, headers=headers),
            await client.delete(address, headers=headers),
        ):
            assert answer.status_code == 403


async def test_meta_describes_users_and_teams(client: httpx2.AsyncClient, as_role: AsRole) -> None:
    meta = (await client.get(f"{BASE}/meta", headers=as_role("sales"))).json()
    assert [entry["name"] for entry in meta["objects"]] == ["user", "team"]
    fields = {field["name"]: field for field in meta["objects"][0]["fields"]}
    assert fields["email"]["required"] and fields["time_zone"]["kind"] == "time_zone"
    assert {option["value"] for option in fields["roles"]["options"]} == {"admin", *ROLES}


async def test_roles_are_listed(client: httpx2.AsyncClient, as_role: AsRole) -> None:
    roles = (await client.get(f"{BASE}/roles", headers=as_role("read_only"))).json()
    assert [role["name"] for role in roles] == ["admin", *ROLES]
