"""The changes of a record, as its readers see them."""

from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import AsyncClient

from chassis.testing import Answers, AsRole

ROOT = "/api/accounts/v1"


@pytest.fixture(autouse=True)
def dedup_answers(answer: Answers) -> None:
    def clear(body: Any) -> Any:
        return {"results": [{"record_id": each["record_id"], "decision": "clear"} for each in body["items"]]}

    answer("dedup", "/api/dedup/v1/claims", clear)


async def _edited(client: AsyncClient, headers: dict[str, str], *steps: dict[str, Any]) -> str:
    """An account that went through the steps; its address."""
    made = await client.post(f"{ROOT}/accounts", json={"name": "Alfa", "rating": "Cold"}, headers=headers)
    address = f"{ROOT}/accounts/{made.json()['id']}"
    for version, step in enumerate(steps, start=1):
        answer = await client.patch(address, json=step, headers={**headers, "If-Match": f'"{version}"'})
        assert answer.status_code == 200, answer.text
    return address


async def test_each_step_of_a_field_is_told_the_newest_first(client: AsyncClient, as_role: AsRole) -> None:
    seller = uuid4()
    headers = as_role("sales", user_id=seller)
    address = await _edited(client, headers, {"rating": "Warm"}, {"rating": "Hot", "site": "Bari"})
    read = (await client.get(f"{address}/changes", headers=headers)).json()
    steps = {(each["version"], each["field"], each["old"], each["new"]) for each in read["items"]}
    assert steps == {(2, "rating", "Cold", "Warm"), (3, "rating", "Warm", "Hot"), (3, "site", None, "Bari")}
    assert [each["version"] for each in read["items"]] == [3, 3, 2]
    assert {(each["actor_type"], each["actor_id"]) for each in read["items"]} == {("user", str(seller))}
    assert all(each["held_seconds"] >= 0 for each in read["items"])


async def test_one_field_page_by_page(client: AsyncClient, as_role: AsRole) -> None:
    headers = as_role("sales")
    address = await _edited(client, headers, {"rating": "Warm"}, {"site": "Bari"}, {"rating": "Hot"})
    asked: dict[str, str | int] = {"field": "rating", "limit": 1}
    first = (await client.get(f"{address}/changes", params=asked, headers=headers)).json()
    asked |= {"before": first["next_before"]}
    second = (await client.get(f"{address}/changes", params=asked, headers=headers)).json()
    assert [each["new"] for each in (*first["items"], *second["items"])] == ["Hot", "Warm"]
    assert second["next_before"] is None


async def test_a_value_stood_since_its_own_change(client: AsyncClient, as_role: AsRole) -> None:
    headers = as_role("sales")
    address = await _edited(client, headers, {"rating": "Warm"}, {"rating": "Hot"})
    hot, warm = (await client.get(f"{address}/changes", headers=headers)).json()["items"]
    record = (await client.get(address, headers=headers)).json()
    born, first, second = (_moment(each) for each in (record["created_at"], warm["changed_at"], hot["changed_at"]))
    assert warm["held_seconds"] == pytest.approx(first - born, abs=1e-3)
    assert hot["held_seconds"] == pytest.approx(second - first, abs=1e-3)


async def test_who_may_not_see_the_contact_learns_nothing(client: AsyncClient, as_role: AsRole) -> None:
    made = await client.post(f"{ROOT}/contacts", json={"last_name": "Rossi"}, headers=as_role("sales"))
    address = f"{ROOT}/contacts/{made.json()['id']}/changes"
    answer = await client.get(address, headers=as_role("sales", user_id=uuid4()))
    assert (answer.status_code, answer.json()["code"]) == (404, "contact_not_found")


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 201}, {"before": 0}, {"before": "x"}])
async def test_a_wrong_query_is_named(client: AsyncClient, as_role: AsRole, query: dict[str, Any]) -> None:
    headers = as_role("sales")
    address = await _edited(client, headers)
    answer = await client.get(f"{address}/changes", params=query, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"?{next(iter(query))}"


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
