"""The synchronous questions: HTTP to one service, a time limit, and a stated outcome when nobody answers."""

import time
from typing import TYPE_CHECKING, TypeVar

import aiohttp
import orjson
from pydantic import BaseModel, ValidationError

from chassis import metrics
from chassis.errors import ServiceError, Unavailable
from chassis.transport import ServiceClient, UnknownService

if TYPE_CHECKING:
    from chassis.service import Runtime

TOKEN_PATH = "/api/identity/v1/token"  # noqa: S105 - an address
RENEW_BEFORE = 60
"""Seconds before its end at which a token is no longer used."""

NO_ANSWER = (OSError, aiohttp.ClientError, UnknownService, ValidationError, orjson.JSONDecodeError)
"""A time-out is an OSError; an answer that cannot be read is none."""

ReplyT = TypeVar("ReplyT", bound=BaseModel)


class Unanswered(Unavailable):
    """The other service is down, slow or broken; the caller decides what that means."""

    code = "unanswered"
    title = "Another part of the system does not answer"


class Refused(ServiceError):
    """The other service understood and said no; `problem` is what it said, `answered` its status."""

    status = 502
    code = "question_refused"
    title = "Another part of the system refused the request"

    def __init__(self, service: str, answered: int, problem: dict[str, object]) -> None:
        super().__init__(f"{service} answered {answered}: {problem.get('code', 'no code')}")
        self.answered = answered
        self.problem_document = problem


async def ask(
    runtime: "Runtime",
    service: str,
    method: str,
    path: str,
    body: BaseModel | None,
    reply: type[ReplyT],
    *,
    timeout: float = 1.0,
) -> ReplyT:
    """Asks as this service's own account and parses the answer.

    `timeout` in seconds covers everything, the token included. Raises Unanswered when there is no usable answer,
    Refused for a 4xx.
    """
    deadline = time.monotonic() + timeout
    try:
        status, answer = await _exchange(runtime.http, service, method, path, body, deadline)
        parsed = _parse(service, status, answer, reply)
    except NO_ANSWER as error:
        metrics.questions_asked.labels(service, "unanswered").inc()
        raise Unanswered(f"{service} does not answer.", headers={"Retry-After": "1"}) from error
    metrics.questions_asked.labels(service, "answered").inc()
    return parsed


async def _exchange(
    client: ServiceClient, service: str, method: str, path: str, body: BaseModel | None, deadline: float
) -> tuple[int, bytes]:
    payload = body.model_dump_json().encode() if body is not None else None
    for attempt in (1, 2):
        headers = {"Authorization": f"Bearer {await access_token(client, deadline)}"}
        left = _left(deadline)
        status, answer = await client.send_json(service, method, path, payload, headers=headers, timeout=left)
        if status != 401 or attempt == 2:
            break
        # Keys were rotated, or the account changed: one new token, then it is what it is.
        client.tokens.clear()
    return status, answer


def _parse(service: str, status: int, answer: bytes, reply: type[ReplyT]) -> ReplyT:
    if status >= 500 or status == 429:
        raise aiohttp.ClientError(f"{service} answered {status}")
    if status >= 400:
        raise Refused(service, status, orjson.loads(answer))
    return reply.model_validate_json(answer or b"{}")


async def access_token(client: ServiceClient, deadline: float) -> str:
    """This service's own token, kept until shortly before its end."""
    token, usable_until = client.tokens.get(client.service, ("", 0.0))
    if time.monotonic() < usable_until:
        return token
    form = {
        "grant_type": "client_credentials",
        "client_id": client.service,
        "client_secret": client.client_secret.get_secret_value(),
    }
    async with client.open("identity", "POST", TOKEN_PATH, data=form, timeout=_left(deadline)) as response:
        if response.status != 200:
            raise aiohttp.ClientError(f"identity answered {response.status} to the token request")
        granted = orjson.loads(await response.read())
    usable_until = time.monotonic() + float(granted["expires_in"]) - RENEW_BEFORE
    client.tokens[client.service] = (granted["access_token"], usable_until)
    return str(granted["access_token"])


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
