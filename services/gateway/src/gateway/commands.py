"""The browser's session: identity's refresh token in a cookie, turned into access tokens here and nowhere else."""

import time
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import aiohttp
import orjson
from pydantic import BaseModel, ConfigDict, Field

from chassis.errors import Unauthenticated, Unavailable
from chassis.transport import ServiceClient, UnknownService, trace_headers
from gateway.models import Grant

IDENTITY = "/api/identity/v1"
RENEW_BEFORE = 30
"""Seconds before its end at which an access token is no longer sent on."""

PATIENCE = 10.0
"""Seconds; a sign-in may wait for others' passwords to be hashed."""


class SessionEnded(Unauthenticated):
    code: ClassVar[str] = "session_ended"
    title: ClassVar[str] = "The session has ended; sign in again"


class IdentityUnavailable(Unavailable):
    code: ClassVar[str] = "identity_unavailable"
    title: ClassVar[str] = "Nobody can be signed in at the moment"


class PassedOn(Exception):
    """Identity's own refusal, told to the caller as it came."""

    def __init__(self, status: int, problem: bytes, retry_after: str | None) -> None:
        super().__init__(f"identity answered {status}")
        self.status = status
        self.problem = problem
        self.headers = {"Retry-After": retry_after} if retry_after else {}


class OpenSession(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, Field(min_length=1, max_length=254)]
    password: Annotated[str, Field(min_length=1, max_length=256, repr=False)]


@dataclass(frozen=True)
class Opened:
    refresh_token: str
    lifetime: int
    user: dict[str, Any]


@dataclass(frozen=True)
class Browser:
    address: str
    user_agent: str


async def open_session(client: ServiceClient, command: OpenSession, browser: Browser) -> Opened:
    headers = {"X-Forwarded-For": browser.address, "User-Agent": browser.user_agent}
    body = command.model_dump_json().encode()
    answer = await _ask(client, "POST", "/sessions", body, headers)
    return Opened(answer["refresh_token"], answer["refresh_expires_in"], answer["user"])


async def current_user(client: ServiceClient, grant: Grant) -> dict[str, Any]:
    return await _ask(client, "GET", "/me", None, {"Authorization": f"Bearer {grant.access_token}"})


async def close_session(client: ServiceClient, grant: Grant) -> None:
    await _ask(client, "DELETE", "/sessions/current", None, {"Authorization": f"Bearer {grant.access_token}"})


async def exchange(client: ServiceClient, session_token: str) -> Grant:
    """Raises SessionEnded when identity does not accept the session, IdentityUnavailable when it does not answer."""
    asked_at = time.monotonic()
    form = {"grant_type": "refresh_token", "refresh_token": session_token}
    try:
        answer = await _ask(client, "POST", "/token", form, {})
    except PassedOn as refusal:
        raise SessionEnded from refusal
    return Grant(answer["access_token"], asked_at + answer["expires_in"] - RENEW_BEFORE)


async def _ask(
    client: ServiceClient, method: str, path: str, body: bytes | dict[str, str] | None, headers: dict[str, str]
) -> dict[str, Any]:
    sent = {**trace_headers(), **headers}
    if isinstance(body, bytes):
        sent["Content-Type"] = "application/json"
    try:
        async with client.open(
            "identity", method, IDENTITY + path, data=body, headers=sent, timeout=PATIENCE
        ) as response:
            content = await response.read()
            if 400 <= response.status < 500:
                raise PassedOn(response.status, content, response.headers.get("Retry-After"))
            response.raise_for_status()
        document: dict[str, Any] = orjson.loads(content or b"{}")
    except (TimeoutError, aiohttp.ClientError, OSError, UnknownService, orjson.JSONDecodeError) as error:
        raise IdentityUnavailable(headers={"Retry-After": "1"}) from error
    return document
