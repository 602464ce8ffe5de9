"""What surrounds every route: commit before bytes, problems for whatever is wrong, versions, correlation, limits."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx2
import pytest
from fastapi import FastAPI

from chassis.worker import plain_dsn

TEAMS = "/api/workshop/v1/teams"
LOOSE = "/api/workshop/v1/loose"


def problem(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["code"] == code, document
    assert document["type"] == f"urn:meridian:problem:{code}"
    assert document["status"] == status
    assert document["title"] and document["detail"] and document["instance"].startswith("/")
    assert document["correlation_id"] == answer.headers["x-correlation-id"]
    return document


def pointers(document: dict[str, Any]) -> dict[str, str]:
    return {error["pointer"]: error["code"] for error in document["errors"]}


class Watched:
    """The app, with a look into the database from outside at the moment the answer's first byte leaves."""

    def __init__(self, app: FastAPI, url: str) -> None:
        self._app = app
        self._url = url
        self.seen: list[int] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def look_and_send(message: Any) -> None:
            if message["type"] == "http.response.start":
                connection = await asyncpg.connect(plain_dsn(self._url))
                self.seen.append(await connection.fetchval("select count(*) from teams"))
                await connection.close()
            await send(message)

        await self._app(scope, receive, look_and_send)


@pytest.fixture
def watched(app: FastAPI, database: Any) -> Watched:
    return Watched(app, database.url)


@pytest.fixture
async def watched_client(watched: Watched) -> Any:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=watched), base_url="http://test") as client:
        yield client


async def test_the_commit_precedes_the_first_byte(watched_client: Any, watched: Watched, as_role: Any) -> None:
    headers = {**as_role("sales"), "Idempotency-Key": "one"}
    answer = await watched_client.post(TEAMS, json={"name": "Sales"}, headers=headers)
    assert answer.status_code == 201
    assert watched.seen == [1]


async def test_a_failing_commit_is_never_answered_with_success(
    watched_client: Any, watched: Watched, as_role: Any, emitted: Any
) -> None:
    headers = {**as_role("sales"), "Idempotency-Key": "one"}
    answer = await watched_client.post(TEAMS, json={"name": "Sales", "explode": "at commit"}, headers=headers)
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert watched.seen == [0]
    assert await emitted() == []


async def test_a_lost_database_connection_at_commit_is_a_503(client: Any, as_role: Any, database: Any) -> None:
    connection = await asyncpg.connect(plain_dsn(database.url))
    await connection.execute(
        "create function hang_up() returns trigger language plpgsql as "
        "$$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$;"
        "create constraint trigger hang_up after insert on teams deferrable initially deferred "
        "for each row execute function hang_up()"
    )
    try:
        answer = await client.post(TEAMS, json={"name": "Sales"}, headers=as_role("sales"))
    finally:
        await connection.execute("drop trigger hang_up on teams; drop function hang_up()")
        await connection.close()
    problem(answer, 503, "database_unavailable")
    assert (await client.post(TEAMS, json={"name": "Sales"}, headers=as_role("sales"))).status_code == 201


async def test_an_error_in_the_route_leaves_nothing_behind(client: Any, as_role: Any, emitted: Any) -> None:
    problem(
        await client.post(TEAMS, json={"name": "Sales", "explode": "refuse"}, headers=as_role("sales")),
        409,
        "name_taken",
    )
    assert await emitted() == []


async def test_a_bug_is_a_500_that_tells_no_secret(client: Any, as_role: Any) -> None:
    answer = await client.post(TEAMS, json={"name": "S", "explode": "at once"}, headers=as_role("sales"))
    problem(answer, 500, "internal_error")
    assert "canary-secret" not in answer.text


async def test_an_unknown_address_and_a_wrong_method_are_problems(client: Any) -> None:
    problem(await client.get("/api/workshop/v1/nothing"), 404, "not_found")
    answer = await client.delete(TEAMS)
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"]


@pytest.mark.parametrize(
    "body", [b"{", b'{"name": }', b"\xff\xfe", b'{"name": "a"', b'{"size": ' + b"9" * 5000 + b"}", b"[" * 100_000]
)
async def test_a_body_that_is_not_json_is_a_400(client: Any, as_role: Any, body: bytes) -> None:
    headers = {**as_role("sales"), "Content-Type": "application/json"}
    answer = await client.post(TEAMS, content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["code"] in ("malformed_json", "malformed_request")


async def test_a_nul_character_is_refused_wherever_it_hides(client: Any, as_role: Any) -> None:
    headers = {**as_role("sales"), "Content-Type": "application/json"}
    escaped = await client.post(LOOSE, content=rb'{"number": 1, "words": "a\u0000b"}', headers=headers)
    problem(escaped, 400, "malformed_json")
    problem(await client.get("/api/workshop/v1/words?q=a%00b"), 400, "malformed_request")
    problem(await client.get("/api/workshop/v1/teams/a%00b"), 400, "malformed_request")
    literal = await client.post(LOOSE, content=rb'{"number": 1, "words": "a\\u0000b"}', headers=headers)
    assert literal.status_code == 200, "a backslash followed by u0000 is plain text"


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data; boundary=x", ""])
async def test_another_content_type_is_a_415(client: Any, as_role: Any, kind: str) -> None:
    headers = {**as_role("sales"), "Content-Type": kind}
    answer = await client.post(TEAMS, content=b'{"name": "A"}', headers=headers)
    problem(answer, 415, "unsupported_media_type")


async def test_every_wrong_field_has_a_pointer_and_a_code(client: Any, as_role: Any) -> None:
    body = {
        "size": True,
        "founded_on": 0,
        "budget": "NaN",
        "is_open": "yes",
        "tags": [1],
        "email": "nobody",
        "owner_id": 7,
        "place": {"country": "Poland", "planet": "Mars"},
        "col/or~": 1,
    }
    answer = await client.post(TEAMS, json=body, headers=as_role("sales"))
    assert pointers(problem(answer, 422, "validation_failed")) == {
        "/name": "required",
        "/size": "not_a_whole_number",
        "/founded_on": "date_invalid",
        "/budget": "not_a_number",
        "/is_open": "not_yes_or_no",
        "/tags/0": "not_text",
        "/email": "email_invalid",
        "/owner_id": "id_invalid",
        "/place/country": "country_unknown",
        "/place/planet": "unknown_field",
        "/col~1or~0": "unknown_field",
    }


@pytest.mark.parametrize("body", [[], "text", 3, None])
async def test_a_body_of_another_shape_is_a_422(client: Any, as_role: Any, body: Any) -> None:
    problem(await client.post(TEAMS, json=body, headers=as_role("sales")), 422, "validation_failed")


async def test_lone_surrogates_do_no_harm(client: Any, as_role: Any) -> None:
    headers = {**as_role("sales"), "Content-Type": "application/json"}
    for body in (rb'{"name": "\ud800"}', rb'{"name": "A", "\udfff": 1}'):
        problem(await client.post(TEAMS, content=body, headers=headers), 422, "validation_failed")


async def test_what_only_the_database_refuses_is_still_the_callers_fault(client: Any) -> None:
    too_large = await client.post(LOOSE, json={"number": 10**12, "words": "a"})
    problem(too_large, 422, "validation_failed")


async def test_wrong_ids_and_parameters_point_at_themselves(client: Any, as_role: Any) -> None:
    found = problem(await client.get(f"{TEAMS}/12", headers=as_role("marketing")), 422, "validation_failed")
    assert list(pointers(found)) == ["path:team_id"]
    found = problem(await client.get(f"{TEAMS}?limit=0", headers=as_role("marketing")), 422, "validation_failed")
    assert list(pointers(found)) == ["?limit"]


async def test_a_body_over_the_limit_is_a_413(live_client: Any, as_role: Any) -> None:
    headers = {**as_role("sales"), "Content-Type": "application/json"}
    large = b'{"name": "' + b"a" * 1_100_000 + b'"}'

    async def in_chunks() -> Any:
        for start in range(0, len(large), 65_536):
            yield large[start : start + 65_536]

    problem(await live_client.post(TEAMS, content=large, headers=headers), 413, "body_too_large")
    problem(await live_client.post(TEAMS, content=in_chunks(), headers=headers), 413, "body_too_large")


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_client_that_sends_far_too_much_hears_why(live_client: Any, as_role: Any, is_chunked: bool) -> None:
    headers = {**as_role("sales"), "Content-Type": "application/json"}
    chunk = b" " * 1_048_576

    async def twenty_megabytes() -> Any:
        for _ in range(20):
            yield chunk

    content = twenty_megabytes() if is_chunked else chunk * 20
    problem(await live_client.post(TEAMS, content=content, headers=headers), 413, "body_too_large")


async def test_a_route_may_take_more(live_client: Any, as_role: Any) -> None:
    answer = await live_client.post(
        "/api/workshop/v1/files", files={"file": ("a.csv", b"x" * 2_000_000)}, headers=as_role("sales")
    )
    assert answer.json() == {"bytes": 2_000_000}
    answer = await live_client.post(
        "/api/workshop/v1/files", files={"file": ("a.csv", b"x" * 5_000_000)}, headers=as_role("sales")
    )
    problem(answer, 413, "body_too_large")


async def test_versions_travel_in_etag_and_if_match(client: Any, as_role: Any) -> None:
    headers = as_role("sales")
    made = await client.post(TEAMS, json={"name": "A"}, headers=headers)
    at = f"{TEAMS}/{made.json()['id']}"
    assert made.headers["etag"] == '"1"' and made.headers["location"] == at
    changed = await client.patch(at, json={"size": 3}, headers={**headers, "If-Match": '"1"'})
    assert changed.status_code == 200 and changed.headers["etag"] == '"2"'
    assert changed.json()["name"] == "A", "what is not sent stays"
    stale = problem(
        await client.patch(at, json={"size": 4}, headers={**headers, "If-Match": '"1"'}), 412, "version_conflict"
    )
    assert stale["current_version"] == 2
    problem(await client.patch(at, json={"size": 4}, headers=headers), 428, "if_match_required")


@pytest.mark.parametrize("value", ["2", '"two"', 'W/"2"', "*", '""', '"-1"', '"1", "2"', '"' + "9" * 30 + '"'])
async def test_a_malformed_if_match_is_a_400(client: Any, as_role: Any, value: str) -> None:
    headers = {**as_role("sales"), "If-Match": value}
    found = problem(await client.patch(f"{TEAMS}/{uuid4()}", json={}, headers=headers), 400, "if_match_malformed")
    assert list(pointers(found)) == ["header:If-Match"]


async def test_a_required_field_cannot_be_emptied(client: Any, as_role: Any) -> None:
    headers = as_role("sales")
    made = await client.post(TEAMS, json={"name": "A"}, headers=headers)
    at = f"{TEAMS}/{made.json()['id']}"
    for value in (None, "", "   "):
        answer = await client.patch(at, json={"name": value}, headers={**headers, "If-Match": '"1"'})
        assert list(pointers(problem(answer, 422, "validation_failed"))) == ["/name"]


async def test_the_correlation_id_is_kept_and_reaches_the_events(client: Any, as_role: Any, emitted: Any) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {**as_role("sales"), "X-Correlation-Id": "visit-7", "traceparent": trace}
    answer = await client.post(TEAMS, json={"name": "A"}, headers=headers)
    assert answer.headers["x-correlation-id"] == "visit-7"
    sent = (await emitted.headers())[0]
    assert sent["ce_correlationid"] == "visit-7"
    assert sent["ce_traceparent"] == trace


@pytest.mark.parametrize("given", ["a b", "x" * 200, "ü", '"; drop'])
async def test_a_strange_correlation_id_is_replaced(client: Any, given: str) -> None:
    answer = await client.get("/livez", headers={"X-Correlation-Id": given.encode()})
    assert UUID(answer.headers["x-correlation-id"])


async def test_streams_end_when_the_process_stops(live_client: Any, runtime: Any) -> None:
    async with asyncio.timeout(20), live_client.stream("GET", "/api/workshop/v1/endless") as answer:
        received = answer.aiter_bytes()
        assert await anext(received) == b"data: hello\n\n"
        runtime.stopping.set()
        assert [chunk async for chunk in received] == [], "ended, not broken off"


async def test_streams_pass_unharmed(live_client: Any) -> None:
    answer = await live_client.get("/api/workshop/v1/stream")
    assert answer.text == "data: 0\n\ndata: 1\n\ndata: 2\n\n"
    assert answer.headers["x-correlation-id"]
