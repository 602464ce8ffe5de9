"""Whatever is sent, the answer is never the service's own failure, and every refusal is a problem."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TEAMS = "/api/workshop/v1/teams"
RELAXED = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)
TEXTS = st.text(max_size=30)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    TEXTS,
    st.dates().map(str),
    st.datetimes().map(str),
    st.datetimes(timezones=st.timezones()).map(str),
    st.uuids().map(str),
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))
NAMES = ["name", "size", "founded_on", "budget", "is_open", "tags", "email", "owner_id", "place"]
BODIES = st.one_of(VALUES, st.dictionaries(st.sampled_from(NAMES) | TEXTS, VALUES, max_size=5))
OPERATORS = ["eq", "ne", "in", "contains", "starts", "gt", "gte", "lt", "lte", "empty", "like", ""]
FILTERS = st.builds(
    "{}:{}:{}".format,
    st.sampled_from([*NAMES, "id", "created_at", "updated_at", "deleted_at"]) | TEXTS,
    st.sampled_from(OPERATORS),
    SCALARS.map(str),
)


def fair(answer: Any) -> None:
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"]


@RELAXED
@given(body=BODIES)
async def test_any_json(client: Any, as_role: Any, body: Any) -> None:
    content = json.dumps(body).encode()
    headers = {**as_role("sales"), "Content-Type": "application/json"}
    fair(await client.post(TEAMS, content=content, headers=headers))


@RELAXED
@given(body=st.binary(max_size=60))
async def test_any_bytes(client: Any, as_role: Any, body: bytes) -> None:
    headers = {**as_role("sales"), "Content-Type": "application/json", "Idempotency-Key": "x"}
    fair(await client.post(TEAMS, content=body, headers=headers))


@RELAXED
@given(
    filters=st.lists(FILTERS, max_size=3),
    sort=st.sampled_from([*NAMES, "-created_at", "--id"]) | TEXTS,
    limit=SCALARS,
    cursor=TEXTS,
    q=TEXTS,
)
async def test_any_question(
    client: Any, as_role: Any, filters: list[str], sort: str, limit: Any, cursor: str, q: str
) -> None:
    query = "&".join(f"filter={encoded(each)}" for each in filters)
    fair(await client.get(f"{TEAMS}?{query}", headers=as_role("marketing")))
    rest = f"sort={encoded(sort)}&limit={encoded(str(limit))}&cursor={encoded(cursor)}&q={encoded(q)}"
    fair(await client.get(f"{TEAMS}?{rest}", headers=as_role("marketing")))


@RELAXED
@given(part=TEXTS, header=st.binary(max_size=20))
async def test_any_address_and_header(client: Any, as_role: Any, part: str, header: bytes) -> None:
    odd = header.replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"")
    for name in ("Authorization", "If-Match", "Idempotency-Key", "X-Correlation-Id", "traceparent", "Content-Type"):
        fair(await client.get(f"{TEAMS}/{encoded(part)}", headers={**as_role("sales"), name: odd}))
        fair(await client.post(TEAMS, content=b'{"name": ""}', headers={**as_role("sales"), name: odd}))


def encoded(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


@pytest.mark.parametrize("depth", [50, 500, 5000])
async def test_deep_nesting(client: Any, as_role: Any, depth: int) -> None:
    body = b'{"place":' * depth + b"{}" + b"}" * depth
    headers = {**as_role("sales"), "Content-Type": "application/json"}
    fair(await client.post(TEAMS, content=body, headers=headers))
