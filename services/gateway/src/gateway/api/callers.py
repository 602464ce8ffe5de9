"""Who calls: a bearer token, a browser's session, or nobody. The services decide what each of them may do."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from chassis.auth import Verifier
from chassis.errors import Forbidden, Unauthenticated
from chassis.service import Runtime
from gateway import commands
from gateway.api.cookies import farewell
from gateway.api.gate import Gate
from gateway.domain.browser import SAFE_METHODS, is_csrf_token, is_foreign
from gateway.domain.headers import cookie
from gateway.models import Grant

Headers = Mapping[bytes, bytes]


class ForeignOrigin(Forbidden):
    code: ClassVar[str] = "foreign_origin"
    title: ClassVar[str] = "Another site is behind this request"


class CsrfTokenInvalid(Forbidden):
    code: ClassVar[str] = "csrf_token_invalid"
    title: ClassVar[str] = "The header X-CSRF-Token is missing or belongs to another session"


@dataclass(frozen=True, slots=True)
class Caller:
    """`key` names them for the rate limit; without `authorization` the request goes on without identity."""

    key: str | None
    authorization: str | None


NOBODY = Caller(None, None)


async def caller_of(runtime: Runtime, gate: Gate, verifier: Verifier, method: str, headers: Headers) -> Caller:
    """A bearer token wins over a cookie. Raises Unauthenticated (401), CsrfTokenInvalid, ForeignOrigin (403)."""
    given = headers.get(b"authorization")
    if given is not None:
        return await _by_token(verifier, given.decode("latin-1"))
    session_token = session_token_in(gate, headers)
    if session_token is None:
        return NOBODY
    if method not in SAFE_METHODS:
        require_own_page(gate, headers)
        require_csrf_token(gate, headers, session_token)
    return await _by_session(runtime, gate, verifier, session_token)


async def _by_session(runtime: Runtime, gate: Gate, verifier: Verifier, session_token: str) -> Caller:
    grant = await grant_of(runtime, gate, session_token)
    try:
        return await _by_token(verifier, f"Bearer {grant.access_token}")
    except Unauthenticated:
        # Identity has new keys, which says nothing about the session.
        gate.grants.forget(session_token)
        grant = await grant_of(runtime, gate, session_token)
        return await _by_token(verifier, f"Bearer {grant.access_token}")


async def _by_token(verifier: Verifier, authorization: str) -> Caller:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("Send the header 'Authorization: Bearer <token>'.")
    principal = await verifier.verify(token.strip())
    return Caller(str(principal.id), f"Bearer {token.strip()}")


async def grant_of(runtime: Runtime, gate: Gate, session_token: str) -> Grant:
    """Raises SessionEnded (401), which takes the useless cookie away."""
    try:
        return await gate.grants.of(
            session_token, time.monotonic(), lambda token: commands.exchange(runtime.http, token)
        )
    except commands.SessionEnded as ended:
        ended.headers["Set-Cookie"] = farewell(gate.settings)
        raise


def session_token_in(gate: Gate, headers: Headers) -> str | None:
    sent = headers.get(b"cookie")
    return cookie(sent.decode("latin-1"), gate.settings.cookie_name) if sent else None


def require_own_page(gate: Gate, headers: Headers) -> None:
    origin, fetch_site, host = (_text(headers, name) for name in (b"origin", b"sec-fetch-site", b"host"))
    if is_foreign(origin, fetch_site, host, gate.settings.public_url):
        raise ForeignOrigin


def require_csrf_token(gate: Gate, headers: Headers, session_token: str) -> None:
    secret = gate.settings.session_secret.get_secret_value()
    if not is_csrf_token(_text(headers, b"x-csrf-token"), secret, session_token):
        raise CsrfTokenInvalid


def _text(headers: Headers, name: bytes) -> str | None:
    value = headers.get(name)
    return value.decode("latin-1") if value is not None else None
