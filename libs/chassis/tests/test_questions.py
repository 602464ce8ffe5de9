"""Synchronous questions: the service's own token, the time limit, and every way of getting no answer."""

import asyncio
import time
from typing import Any

import pytest
from pydantic import BaseModel

from chassis.context import SYSTEM, acting
from chassis.questions import Refused, Unanswered, ask
from chassis.service import Runtime
from chassis.transport import ForeignPath, UnknownService

CLAIMS = "/api/dedup/v1/claims"


class Question(BaseModel):
    words: str = "how?"


class Reply(BaseModel):
    decision: str


async def test_the_answer_is_parsed(runtime: Runtime, answer: Any) -> None:
    answer("dedup", CLAIMS, lambda body: {"decision": body["words"], "more": 1})
    assert await ask(runtime, "dedup", "POST", CLAIMS, Question(), Reply) == Reply(decision="how?")


async def test_the_token_is_fetched_once_and_sent(runtime: Runtime, answer: Any) -> None:
    asked: list[Any] = []

    def grant(body: bytes) -> dict[str, Any]:
        asked.append(body)
        return {"access_token": f"token-{len(asked)}", "expires_in": 600}

    answer("identity", "/api/identity/v1/token", grant)
    answer("dedup", CLAIMS, {"decision": "clear"})
    for _ in range(3):
        await ask(runtime, "dedup", "POST", CLAIMS, Question(), Reply)
    assert len(asked) == 1
    assert b"grant_type=client_credentials" in asked[0] and b"client_id=identity" in asked[0]


async def test_a_refused_token_is_replaced_once(runtime: Runtime, answer: Any) -> None:
    replies = [(401, {"code": "token_invalid"}), (200, {"decision": "clear"})]
    answer("dedup", CLAIMS, lambda body: replies.pop(0))
    assert (await ask(runtime, "dedup", "POST", CLAIMS, Question(), Reply)).decision == "clear"
    answer("dedup", CLAIMS, (401, {"code": "token_invalid"}))
    with pytest.raises(Refused) as caught:
        await ask(runtime, "dedup", "POST", CLAIMS, Question(), Reply)
    assert caught.value.answered == 401


async def test_a_no_is_not_silence(runtime: Runtime, answer: Any) -> None:
    answer("dedup", CLAIMS, lambda body: (422, {"code": "validation_failed"}))
    with pytest.raises(Refused) as caught:
        await ask(runtime, "dedup", "POST", CLAIMS, Question(), Reply)
    assert caught.value.answered == 422
    assert caught.value.problem_document["code"] == "validation_failed"


@pytest.mark.parametrize(
    "reply", [(500, {}), (503, {"code": "unavailable"}), (429, {}), (200, {"decision": 1}), (200, []), (302, {})]
)
async def test_an_answer_that_is_none(runtime: Runtime, answer: Any, reply: Any) -> None:
    answer("dedup", CLAIMS, lambda body: reply)
    with pytest.raises(Unanswered):
        await ask(runtime, "dedup", "POST", CLAIMS, Question(), Reply)


async def test_a_slow_answer_is_none(runtime: Runtime, answer: Any) -> None:
    async def think(body: Any) -> dict[str, str]:
        await asyncio.sleep(5)
        return {"decision": "clear"}

    answer("dedup", CLAIMS, think)
    begun = time.monotonic()
    with pytest.raises(Unanswered):
        await ask(runtime, "dedup", "POST", CLAIMS, Question(), Reply, timeout=0.2)
    assert time.monotonic() - begun < 2


async def test_a_service_that_is_down_gives_no_answer(runtime: Runtime, answer: Any) -> None:
    runtime.http._hosts["dedup"] = runtime.http._hosts["dedup"].with_port(9)
    with pytest.raises(Unanswered):
        await ask(runtime, "dedup", "POST", CLAIMS, Question(), Reply)
    with pytest.raises(Unanswered):
        await ask(runtime, "unheard", "POST", CLAIMS, Question(), Reply)


async def test_identity_down_is_no_answer_either(runtime: Runtime, answer: Any) -> None:
    answer("identity", "/api/identity/v1/token", lambda body: (503, {}))
    answer("dedup", CLAIMS, {"decision": "clear"})
    with pytest.raises(Unanswered):
        await ask(runtime, "dedup", "POST", CLAIMS, Question(), Reply)


async def test_the_correlation_id_goes_along(runtime: Runtime, answer: Any) -> None:
    answer("dedup", CLAIMS, {"decision": "clear"})
    with acting(SYSTEM, correlation="visit-7"):
        await ask(runtime, "dedup", "POST", CLAIMS, Question(), Reply)
    assert answer.headers[-1]["X-Correlation-Id"] == "visit-7"


@pytest.mark.parametrize(
    "path",
    ["http://elsewhere.test/", "//elsewhere.test/", "@elsewhere.test/", "/api/../../etc", "/a\\b", "api", "/a/..", ""],
)
def test_a_path_stays_with_its_service(runtime: Runtime, path: str) -> None:
    with pytest.raises(ForeignPath):
        runtime.http.address("dedup", path)


def test_only_configured_services_have_an_address(runtime: Runtime) -> None:
    with pytest.raises(UnknownService):
        runtime.http.address("metadata.internal", "/")
    assert str(runtime.http.address("dedup", "/api/x?y=%2F..%2F")).endswith("/dedup/api/x?y=%2F..%2F")


async def test_a_redirect_is_not_followed(runtime: Runtime, answer: Any) -> None:
    answer("dedup", CLAIMS, lambda body: (307, {}))
    status, _ = await runtime.http.send_json("dedup", "GET", CLAIMS, None, headers={}, timeout=1)
    assert status == 307
