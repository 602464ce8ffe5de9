"""The same POST twice has one effect and one answer."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from chassis.idempotency import forget_old_keys, keep_tidy

TEAMS = "/api/workshop/v1/teams"


async def count(db: Any, table: str) -> int:
    async with db.read() as session:
        return int((await session.execute(text(f"select count(*) from {table}"))).scalar_one())


async def test_a_repeated_request_gets_the_first_answer_again(client: Any, as_role: Any, emitted: Any, db: Any) -> None:
    headers = {**as_role("sales"), "Idempotency-Key": "one"}
    first = await client.post(TEAMS, json={"name": "A"}, headers=headers)
    again = await client.post(TEAMS, json={"name": "A"}, headers=headers)
    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["content-type"] == "application/json"
    assert again.headers["idempotent-replay"] == "true" and "idempotent-replay" not in first.headers
    assert await count(db, "teams") == 1
    assert len(await emitted()) == 1


async def test_another_body_under_the_same_key_is_refused(client: Any, as_role: Any, db: Any) -> None:
    headers = {**as_role("sales"), "Idempotency-Key": "one"}
    await client.post(TEAMS, json={"name": "A"}, headers=headers)
    answer = await client.post(TEAMS, json={"name": "B"}, headers=headers)
    assert answer.status_code == 422 and answer.json()["code"] == "idempotency_key_reused"
    assert await count(db, "teams") == 1


async def test_keys_of_two_people_are_two_keys(client: Any, as_role: Any, db: Any) -> None:
    for name in ("A", "B"):
        headers = {**as_role("sales", user_id=uuid4()), "Idempotency-Key": "one"}
        assert (await client.post(TEAMS, json={"name": name}, headers=headers)).status_code == 201
    assert await count(db, "teams") == 2


async def test_a_failed_request_may_be_repeated(client: Any, as_role: Any) -> None:
    headers = {**as_role("sales"), "Idempotency-Key": "one"}
    refused = await client.post(TEAMS, json={"name": "A", "explode": "refuse"}, headers=headers)
    assert refused.status_code == 409
    assert (await client.post(TEAMS, json={"name": "A"}, headers=headers)).status_code == 201


async def test_requests_at_the_same_time_have_one_effect(live_client: Any, as_role: Any, db: Any) -> None:
    headers = {**as_role("sales"), "Idempotency-Key": "one"}
    answers = await asyncio.gather(*(live_client.post(TEAMS, json={"name": "A"}, headers=headers) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replay" in answer.headers for answer in answers) == 7
    assert await count(db, "teams") == 1


async def test_without_a_key_every_request_counts(client: Any, as_role: Any, db: Any) -> None:
    for name in ("A", "B"):
        await client.post(TEAMS, json={"name": name}, headers=as_role("sales"))
    assert await count(db, "teams") == 2
    assert await count(db, "idempotency_keys") == 0


@pytest.mark.parametrize("key", ["", "x" * 201, "tab\there", "ümlaut"])
async def test_an_unusable_key_is_refused(client: Any, as_role: Any, key: str) -> None:
    headers = {**as_role("sales"), "Idempotency-Key": key.encode()}
    answer = await client.post(TEAMS, json={"name": "A"}, headers=headers)
    assert answer.status_code == 400 and answer.json()["code"] == "idempotency_key_invalid"


async def test_public_routes_replay_too(client: Any, db: Any) -> None:
    headers = {"Idempotency-Key": "form-7"}
    answers = [await client.post("/api/workshop/v1/open-doors", json={"name": "A"}, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert await count(db, "teams") == 1


async def test_files_are_compared_by_what_they_contain(client: Any, as_role: Any) -> None:
    headers = {**as_role("sales"), "Idempotency-Key": "file-1"}
    answers = [
        await client.post("/api/workshop/v1/files", files={"file": ("a.csv", content)}, headers=headers)
        for content in (b"one", b"one", b"two")
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 422]
    assert answers[1].headers["idempotent-replay"] == "true"


async def test_answers_that_must_not_be_kept_are_not(client: Any, as_role: Any, db: Any) -> None:
    headers = {**as_role("sales"), "Idempotency-Key": "one"}
    answers = [await client.post("/api/workshop/v1/secrets", headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() != answers[1].json()
    assert await count(db, "idempotency_keys") == 0


async def test_a_key_is_forgotten_after_a_day(client: Any, as_role: Any, db: Any) -> None:
    headers = {**as_role("sales"), "Idempotency-Key": "one"}
    await client.post(TEAMS, json={"name": "A"}, headers=headers)
    async with db.transaction() as session:
        await session.execute(text("update idempotency_keys set created_at = now() - interval '25 hours'"))
    assert (await client.post(TEAMS, json={"name": "B"}, headers=headers)).status_code == 201
    async with db.transaction() as session:
        await session.execute(text("update idempotency_keys set created_at = now() - interval '25 hours'"))
        assert await forget_old_keys(session) == 1


async def test_a_worker_deletes_expired_keys(client: Any, as_role: Any, db: Any, runtime: Any) -> None:
    for key in ("old", "new"):
        headers = {**as_role("sales"), "Idempotency-Key": key}
        await client.post(TEAMS, json={"name": key}, headers=headers)
    async with db.transaction() as session:
        ages = "update idempotency_keys set created_at = now() - interval '25 hours' where key = 'old'"
        await session.execute(text(ages))
    tidying = asyncio.create_task(keep_tidy(db, runtime.stopping))
    async with asyncio.timeout(20):
        while await count(db, "idempotency_keys") != 1:
            await asyncio.sleep(0.01)
    runtime.stopping.set()
    await asyncio.wait_for(tidying, 5)
