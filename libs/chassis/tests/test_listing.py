"""Lists: every row once, whatever the order; filters by type; cursors that cannot be bent."""

from datetime import date
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

TEAMS = "/api/workshop/v1/teams"
FAST = "/api/workshop/v1/fast-teams"
SIZES = [3, None, 1, 3, 2, None, 3, 0]


@pytest.fixture
async def teams(db: Any, client: Any) -> None:
    from workshop.models import Team

    async with db.transaction() as session:
        for number, size in enumerate(SIZES):
            session.add(
                Team(
                    name=f"Team {number}",
                    size=size,
                    founded_on=date(2020, 1, 1 + number),
                    budget=number * 100,
                    is_open=number % 2 == 0,
                    tags=["red"] if number < 3 else [],
                    email=None if number == 0 else f"t{number}@example.com",
                )
            )


async def every(client: Any, headers: dict[str, str], query: str, path: str = TEAMS, limit: int = 3) -> list[Any]:
    """All pages of a list."""
    found, cursor = [], None
    while True:
        more = f"&cursor={cursor}" if cursor else ""
        page = (await client.get(f"{path}?limit={limit}&{query}{more}", headers=headers)).json()
        assert len(page["items"]) <= limit
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


@pytest.mark.parametrize("path", [TEAMS, FAST])
@pytest.mark.parametrize(
    "sort", ["name", "-name", "size", "-size", "created_at", "-created_at", "budget", "-founded_on"]
)
async def test_pages_have_every_row_once_in_order(client: Any, as_role: Any, teams: None, path: str, sort: str) -> None:
    found = await every(client, as_role("marketing"), f"sort={sort}", path)
    assert sorted(team["name"] for team in found) == [f"Team {number}" for number in range(8)]
    field = sort.removeprefix("-")
    values = [float(team[field]) if field == "budget" else team[field] for team in found if team[field] is not None]
    assert values == sorted(values, reverse=sort.startswith("-"))
    empty = [team[field] is None for team in found]
    assert empty == sorted(empty), "rows without a value come last"


async def test_a_row_that_arrives_meanwhile_moves_no_other(client: Any, as_role: Any, teams: None) -> None:
    headers = as_role("marketing")
    first = (await client.get(f"{TEAMS}?limit=4&sort=name", headers=headers)).json()
    await client.post(TEAMS, json={"name": "Aardvark"}, headers=as_role("sales"))
    second = (await client.get(f"{TEAMS}?limit=4&sort=name&cursor={first['next_cursor']}", headers=headers)).json()
    names = [team["name"] for team in first["items"] + second["items"]]
    assert names == [f"Team {number}" for number in range(8)]


FILTERS = {
    "name:eq:Team 3": [3],
    "name:ne:Team 3": [0, 1, 2, 4, 5, 6, 7],
    "name:in:Team 1,Team 2": [1, 2],
    "name:contains:EAM 4": [4],
    "name:contains:%": [],
    "name:starts:team 5": [5],
    "size:gt:2": [0, 3, 6],
    "size:gte:2": [0, 3, 4, 6],
    "size:lt:1": [7],
    "size:lte:1": [2, 7],
    "size:ne:3": [1, 2, 4, 5, 7],
    "size:in:0,1": [2, 7],
    "size:empty:true": [1, 5],
    "size:empty": [1, 5],
    "size:empty:false": [0, 2, 3, 4, 6, 7],
    "founded_on:gte:2020-01-07": [6, 7],
    "budget:eq:300.0": [3],
    "is_open:eq:false": [1, 3, 5, 7],
    "tags:contains:red": [0, 1, 2],
    "tags:empty:true": [3, 4, 5, 6, 7],
    "email:empty:true": [0],
    "created_at:gt:2020-01-01T00:00:00Z": [0, 1, 2, 3, 4, 5, 6, 7],
    "created_at:lt:2020-01-01": [],
    "created_at:gt:9999-12-31T23:59:59": [],
}


@pytest.mark.parametrize("condition", FILTERS)
async def test_filters(client: Any, as_role: Any, teams: None, condition: str) -> None:
    found = await every(client, as_role("marketing"), f"sort=name&filter={quote(condition)}")
    assert [int(team["name"][-1]) for team in found] == FILTERS[condition]


async def test_filters_add_up_and_survive_the_next_page(client: Any, as_role: Any, teams: None) -> None:
    query = "filter=size:gte:1&filter=is_open:eq:true&sort=-name"
    found = await every(client, as_role("marketing"), query, limit=1)
    assert [team["name"] for team in found] == ["Team 6", "Team 4", "Team 2", "Team 0"]


async def test_q_searches_as_the_catalogue_says(client: Any, as_role: Any, teams: None) -> None:
    assert [team["name"] for team in await every(client, as_role("marketing"), "q=am%207")] == ["Team 7"]
    assert len(await every(client, as_role("marketing"), "q=%20")) == 8


WRONG = {
    "filter=password:eq:x": ("?filter", "unknown_field"),
    "filter=name:like:x": ("?filter", "unknown_operator"),
    "filter=is_open:gt:true": ("?filter", "unknown_operator"),
    "filter=name": ("?filter", "unknown_operator"),
    "filter=size:eq:many": ("?filter", "value_invalid"),
    "filter=size:eq:99999999999": ("?filter", "value_invalid"),
    "filter=founded_on:eq:yesterday": ("?filter", "value_invalid"),
    "filter=created_at:gt:0001-01-01T00:00:00%2B14:00": ("?filter", "value_invalid"),
    "filter=owner_id:eq:me": ("?filter", "value_invalid"),
    "filter=size:in:" + ",".join(["1"] * 201): ("?filter", "too_many"),
    "filter=name:eq:" + "a" * 1001: ("?filter", "too_long"),
    "&".join(["filter=size:eq:1"] * 21): ("?filter", "too_many"),
    "sort=password": ("?sort", "unknown_field"),
    "sort=--name": ("?sort", "unknown_field"),
    "limit=201": ("?limit", "less_than_equal"),
    "limit=many": ("?limit", "not_a_whole_number"),
    "q=" + "a" * 201: ("?q", "too_long"),
}


@pytest.mark.parametrize("query", WRONG)
async def test_a_wrong_question_points_at_itself(client: Any, as_role: Any, query: str) -> None:
    answer = await client.get(f"{TEAMS}?{query}", headers=as_role("marketing"))
    assert answer.status_code == 422, answer.text
    found = [(error["pointer"], error["code"]) for error in answer.json()["errors"]]
    assert found == [WRONG[query]]


async def test_a_bent_cursor_is_refused(client: Any, as_role: Any, teams: None) -> None:
    headers = as_role("marketing")
    good = (await client.get(f"{TEAMS}?limit=2&sort=name", headers=headers)).json()["next_cursor"]
    broken = ["x", "%F0%9F%90%A2", "AAAA", good[:-2], good[:-4] + "AAAA", good + "A", "a" * 5000]
    for cursor in broken:
        answer = await client.get(f"{TEAMS}?limit=2&sort=name&cursor={cursor}", headers=headers)
        assert answer.status_code in (400, 422), cursor
    elsewhere = [
        f"{TEAMS}?sort=-name",
        f"{TEAMS}?sort=size",
        f"{TEAMS}?sort=name&filter=size:eq:1",
        f"{TEAMS}?sort=name&q=a",
    ]
    for address in elsewhere:
        answer = await client.get(f"{address}&cursor={good}", headers=headers)
        assert answer.status_code == 400 and answer.json()["code"] == "cursor_invalid", address
        assert answer.json()["errors"][0]["pointer"] == "?cursor"


async def test_a_cursor_gives_no_right(client: Any, as_role: Any, teams: None) -> None:
    cursor = (await client.get(f"{TEAMS}?limit=2&sort=name", headers=as_role("marketing"))).json()["next_cursor"]
    answer = await client.get(f"{TEAMS}?limit=2&sort=name&cursor={cursor}", headers=as_role("sales", user_id=uuid4()))
    assert answer.json()["items"] == []


async def test_the_total_is_counted_when_asked_or_known(client: Any, as_role: Any, teams: None) -> None:
    headers = as_role("marketing")
    assert (await client.get(f"{TEAMS}?limit=3", headers=headers)).json()["total"] is None
    assert (await client.get(f"{TEAMS}?limit=3&count=true", headers=headers)).json()["total"] == 8
    assert (await client.get(f"{TEAMS}?limit=50", headers=headers)).json()["total"] == 8
    filtered = await client.get(f"{TEAMS}?limit=1&count=true&filter=size:eq:3", headers=headers)
    assert filtered.json()["total"] == 3


async def test_both_ways_of_answering_say_the_same(client: Any, as_role: Any, teams: None) -> None:
    headers = as_role("marketing")
    slow = (await client.get(f"{TEAMS}?sort=name", headers=headers)).json()["items"]
    fast = (await client.get(f"{FAST}?sort=name", headers=headers)).json()["items"]
    assert [{**team, "created_at": ""} for team in slow] == [{**team, "created_at": ""} for team in fast]
