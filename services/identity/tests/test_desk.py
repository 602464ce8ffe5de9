"""Preferences, saved views and recents, as their screens use them."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest

from chassis.testing import AsRole
from chassis.testing.tokens import claims_of, signed
from identity.commands.desk import MOST_PREFERENCES, MOST_RECENTS

BASE = "/api/identity/v1"
VIEW = {"object": "accounts.account", "name": "Hot in Bari", "query": {"filter": ["rating:eq:Hot"], "sort": "-name"}}


async def saved(client: httpx2.AsyncClient, headers: dict[str, str], **changes: Any) -> dict[str, Any]:
    answer = await client.post(f"{BASE}/views", json={**VIEW, **changes}, headers=headers)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def listed(client: httpx2.AsyncClient, headers: dict[str, str]) -> list[str]:
    answer = await client.get(f"{BASE}/views", params={"object": "accounts.account"}, headers=headers)
    return [view["name"] for view in answer.json()]


class TestPreferences:
    async def test_what_is_set_is_there_for_its_owner_alone(self, client: httpx2.AsyncClient, as_role: AsRole) -> None:
        mine, other = as_role("sales", user_id=uuid4()), as_role("sales", user_id=uuid4())
        for value in ("light", {"theme": "dark", "density": 2}):
            put = await client.put(f"{BASE}/me/preferences/look", json={"value": value}, headers=mine)
            assert put.status_code == 204
        shown = await client.get(f"{BASE}/me/preferences", headers=mine)
        assert shown.json() == {"look": {"theme": "dark", "density": 2}}
        assert (await client.get(f"{BASE}/me/preferences", headers=other)).json() == {}

    async def test_what_is_forgotten_is_gone(self, client: httpx2.AsyncClient, as_role: AsRole) -> None:
        headers = as_role("sales", user_id=uuid4())
        await client.put(f"{BASE}/me/preferences/keys", json={"value": False}, headers=headers)
        for _ in range(2):
            answer = await client.delete(f"{BASE}/me/preferences/keys", headers=headers)
            assert answer.status_code == 204
        assert (await client.get(f"{BASE}/me/preferences", headers=headers)).json() == {}

    async def test_there_is_room_for_so_many(self, client: httpx2.AsyncClient, as_role: AsRole) -> None:
        headers = as_role("sales", user_id=uuid4())
        for number in range(MOST_PREFERENCES):
            await client.put(f"{BASE}/me/preferences/n{number}", json={"value": number}, headers=headers)
        full = await client.put(f"{BASE}/me/preferences/more", json={"value": 1}, headers=headers)
        assert (full.status_code, full.json()["code"]) == (409, "too_many_kept")
        changed = await client.put(f"{BASE}/me/preferences/n0", json={"value": 7}, headers=headers)
        assert changed.status_code == 204

    async def test_a_large_value_is_refused(self, client: httpx2.AsyncClient, as_role: AsRole) -> None:
        body = {"value": "x" * 20_000}
        answer = await client.put(f"{BASE}/me/preferences/look", json=body, headers=as_role("sales"))
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/value")

    @pytest.mark.parametrize("value", ["\\ud800", "1" * 30])
    async def test_what_no_column_can_keep_is_refused(
        self, client: httpx2.AsyncClient, as_role: AsRole, value: str
    ) -> None:
        sent = f'{{"value": {value}}}' if value.isdigit() else f'{{"value": ["{value}"]}}'
        headers = {**as_role("sales"), "Content-Type": "application/json"}
        answer = await client.put(f"{BASE}/me/preferences/look", content=sent, headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/value")


class TestViews:
    async def test_a_view_is_kept_to_oneself_until_it_is_shared(
        self, client: httpx2.AsyncClient, as_role: AsRole
    ) -> None:
        mine, other = as_role("sales", user_id=uuid4()), as_role("sales", user_id=uuid4())
        name = f"View {uuid4()}"
        view = await saved(client, mine, name=name)
        assert view["query"] == VIEW["query"]
        assert name in await listed(client, mine) and name not in await listed(client, other)
        address = f"{BASE}/views/{view['id']}"
        hidden = await client.patch(address, json={"name": "Mine"}, headers={**other, "If-Match": '"1"'})
        assert hidden.status_code == 404
        await client.patch(address, json={"is_shared": True}, headers={**mine, "If-Match": '"1"'})
        assert name in await listed(client, other)
        taken = await client.patch(address, json={"name": "Mine"}, headers={**other, "If-Match": '"2"'})
        assert (taken.status_code, taken.json()["code"]) == (403, "not_your_view")

    async def test_a_name_is_used_once_per_person_and_object(self, client: httpx2.AsyncClient, as_role: AsRole) -> None:
        headers = as_role("sales", user_id=uuid4())
        await saved(client, headers)
        again = await client.post(f"{BASE}/views", json={**VIEW, "name": "HOT in bari"}, headers=headers)
        assert (again.status_code, again.json()["errors"][0]["pointer"]) == (409, "/name")
        await saved(client, headers, object="leads.lead")

    async def test_of_two_who_save_at_once_the_second_is_told(
        self, client: httpx2.AsyncClient, as_role: AsRole
    ) -> None:
        headers = as_role("sales", user_id=uuid4())
        address = f"{BASE}/views/{(await saved(client, headers))['id']}"
        first = await client.patch(address, json={"query": {}}, headers={**headers, "If-Match": '"1"'})
        second = await client.patch(address, json={"name": "Late"}, headers={**headers, "If-Match": '"1"'})
        assert (first.status_code, second.status_code) == (200, 412)
        gone = await client.delete(address, headers={**headers, "If-Match": '"2"'})
        assert gone.status_code == 204 and await listed(client, headers) == []

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"name": " "}, "/name"),
            ({"name": "x" * 101}, "/name"),
            ({"object": "Accounts"}, "/object"),
            ({"query": []}, "/query"),
            ({"query": {"filter": "x" * 20_000}}, "/query"),
            ({"colour": "red"}, "/colour"),
        ],
    )
    async def test_what_is_wrong_is_named(
        self, client: httpx2.AsyncClient, as_role: AsRole, changes: dict[str, Any], pointer: str
    ) -> None:
        answer = await client.post(f"{BASE}/views", json={**VIEW, **changes}, headers=as_role("sales"))
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)

    async def test_a_view_cannot_lose_its_name(self, client: httpx2.AsyncClient, as_role: AsRole) -> None:
        headers = as_role("sales", user_id=uuid4())
        address = f"{BASE}/views/{(await saved(client, headers))['id']}"
        answer = await client.patch(address, json={"name": None}, headers={**headers, "If-Match": '"1"'})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/name")


async def test_the_records_opened_lately_come_back_the_last_one_first(
    client: httpx2.AsyncClient, as_role: AsRole
) -> None:
    headers, opened = as_role("sales", user_id=uuid4()), [str(uuid4()) for _ in range(MOST_RECENTS + 5)]
    for record in [*opened, opened[-3]]:
        address = f"{BASE}/me/recents/accounts.account/{record}"
        answer = await client.put(address, json={"label": f"Firma {record}"}, headers=headers)
        assert answer.status_code == 204, answer.text
    recents = (await client.get(f"{BASE}/me/recents", headers=headers)).json()
    expected = [opened[-3], opened[-1], opened[-2], *reversed(opened[:-3])][:MOST_RECENTS]
    assert [recent["record_id"] for recent in recents] == expected


async def test_a_program_has_no_desk(client: httpx2.AsyncClient) -> None:
    token = signed(claims_of(uuid4(), "service", []))
    answer = await client.get(f"{BASE}/me/recents", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "only_for_people")
