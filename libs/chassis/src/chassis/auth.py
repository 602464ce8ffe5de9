"""Who is asking: bearer tokens (JWT, EdDSA only), checked against identity's published keys."""

import asyncio
import hashlib
import time
import warnings
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from uuid import UUID

import structlog
from fastapi import Request
from joserfc import jws, jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import KeySet, OKPKey

from chassis import context
from chassis.errors import TokenExpired, TokenInvalid, Unauthenticated, Unavailable

ISSUER = "meridian"
AUDIENCE = "meridian"
ALGORITHMS = ["EdDSA"]
LEEWAY = 60
"""Seconds that two machines' clocks may differ."""

MAX_TOKEN = 8192
MAX_CACHED = 10_000

logger = structlog.get_logger(__name__)

# RFC 9864 prefers the name Ed25519; EdDSA is what today's libraries of other systems understand.
warnings.filterwarnings("ignore", "EdDSA is deprecated", SecurityWarning)


@dataclass(frozen=True, slots=True)
class Principal:
    """A person or a service as the token states it."""

    id: UUID
    kind: Literal["user", "service"]
    name: str
    roles: frozenset[str] = frozenset()
    team_ids: frozenset[UUID] = frozenset()

    @property
    def is_admin(self) -> bool:
        return "admin" in self.roles


class KeySource(Protocol):
    """Gives the public key for a `kid`, or None when nobody published one."""

    async def key(self, kid: str) -> OKPKey | None: ...


class StaticKeys:
    """A fixed key set, for identity itself and for tests."""

    def __init__(self, *keys: OKPKey) -> None:
        self._keys = {key.kid: key for key in keys}

    async def key(self, kid: str) -> OKPKey | None:
        return self._keys.get(kid)


class PublishedKeys:
    """Keys fetched from a JWKS document and kept for `max_age` seconds, so that a withdrawn key stops being accepted.

    An unknown `kid` causes one fetch per `pause` seconds at most, however many requests bring one. While the document
    cannot be fetched the known keys serve; without any, Unavailable is raised.
    """

    def __init__(
        self, fetch: Callable[[], Awaitable[Mapping[str, Any]]], *, pause: float = 30.0, max_age: float = 600.0
    ) -> None:
        self._fetch = fetch
        self._pause = pause
        self._max_age = max_age
        self._keys: dict[str, OKPKey] = {}
        self._tried_at = self._fetched_at = -float("inf")
        self._fetching = asyncio.Lock()

    async def key(self, kid: str) -> OKPKey | None:
        if not self._is_current(kid):
            async with self._fetching:
                if not self._is_current(kid) and self._may_try():
                    await self._refresh()
        if not self._keys:
            raise Unavailable("The service that issues tokens does not answer.", headers={"Retry-After": "1"})
        return self._keys.get(kid)

    def _is_current(self, kid: str) -> bool:
        return kid in self._keys and time.monotonic() - self._fetched_at < self._max_age

    def _may_try(self) -> bool:
        # Without any key every request is refused, so then waiting out the pause would only prolong an outage.
        return time.monotonic() - self._tried_at >= (self._pause if self._keys else 1.0)

    async def _refresh(self) -> None:
        self._tried_at = time.monotonic()
        try:
            document = await self._fetch()
            found = KeySet.import_key_set(dict(document)).keys  # type: ignore[arg-type]
        except Exception as error:
            logger.warning("jwks_unreachable", error=repr(error), known=len(self._keys))
            return
        self._keys = {key.kid: key for key in found if isinstance(key, OKPKey) and key.kid}
        self._fetched_at = time.monotonic()


class Verifier:
    """Checks tokens; a verified one is remembered by its hash until it expires."""

    def __init__(self, keys: KeySource) -> None:
        self._keys = keys
        self._known: OrderedDict[bytes, tuple[Principal, float]] = OrderedDict()

    async def verify(self, token: str) -> Principal:
        """The token's principal. Raises TokenInvalid or TokenExpired (both 401)."""
        if len(token) > MAX_TOKEN:
            raise TokenInvalid("The token is too long.")
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        known = self._known.get(digest)
        if known is None:
            known = await self._check(token)
            self._remember(digest, known)
        principal, expires_at = known
        if time.time() > expires_at + LEEWAY:
            self._known.pop(digest, None)
            raise TokenExpired()
        return principal

    def _remember(self, digest: bytes, known: tuple[Principal, float]) -> None:
        self._known[digest] = known
        if len(self._known) > MAX_CACHED:
            self._known.popitem(last=False)

    async def _check(self, token: str) -> tuple[Principal, float]:
        key = await self._keys.key(_kid_of(token))
        if key is None:
            raise TokenInvalid("The token is signed with an unknown key.")
        try:
            claims = jwt.decode(token, key, algorithms=ALGORITHMS).claims
        except (JoseError, ValueError, TypeError) as error:
            raise TokenInvalid("The token's signature is not valid.") from error
        _require(claims)
        return _principal(claims), float(claims["exp"])


def _kid_of(token: str) -> str:
    """The key named by the header; everything but a plain EdDSA header is refused before any key is looked up."""
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError, UnicodeError) as error:
        raise TokenInvalid("The token is not a signed JWT.") from error
    kid = header.get("kid")
    if header.get("alg") not in ALGORITHMS or not isinstance(kid, str) or "crit" in header:
        raise TokenInvalid("The token is not signed the way this system signs.")
    return kid


def _require(claims: Mapping[str, Any]) -> None:
    now = time.time()
    if claims.get("iss") != ISSUER:
        raise TokenInvalid("The token comes from another issuer.")
    audience = claims.get("aud")
    if audience != AUDIENCE and not (isinstance(audience, list) and AUDIENCE in audience):
        raise TokenInvalid("The token is meant for another system.")
    if not _is_number(claims.get("exp")) or not _is_number(claims.get("nbf", 0)):
        raise TokenInvalid("The token does not say how long it is valid.")
    if claims["exp"] + LEEWAY < now:
        raise TokenExpired()
    if claims.get("nbf", 0) - LEEWAY > now:
        raise TokenInvalid("The token is not valid yet.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _principal(claims: Mapping[str, Any]) -> Principal:
    try:
        kind = claims["kind"]
        if kind not in ("user", "service"):
            raise ValueError(kind)
        return Principal(
            id=UUID(claims["sub"]),
            kind=kind,
            name=str(claims.get("name", "")),
            roles=frozenset(map(str, claims.get("roles", ()))),
            team_ids=frozenset(UUID(team) for team in claims.get("teams", ())),
        )
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise TokenInvalid("The token does not name a principal.") from error


async def authenticate(request: Request) -> Principal | None:
    """The caller, or None without an Authorization header; checked once per request. Raises Unauthenticated."""
    principal: Principal | None
    if hasattr(request.state, "principal"):
        principal = request.state.principal
        return principal
    principal = None
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated("Send the header 'Authorization: Bearer <token>'.")
        principal = await request.app.state.verifier.verify(token.strip())
        context.actor.set(context.Actor(principal.kind, str(principal.id)))
    request.state.principal = principal
    return principal


async def require_principal(request: Request) -> Principal:
    """The caller. Raises Unauthenticated (401) when nobody is signed in."""
    principal = await authenticate(request)
    if principal is None:
        raise Unauthenticated()
    return principal
