"""Sign-in without identity: tokens signed by a key that exists only in this process."""

import time
from collections.abc import Iterable
from typing import Any, Protocol
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

from joserfc import jwt
from joserfc.jwk import OKPKey

from chassis.auth import ALGORITHMS, AUDIENCE, ISSUER

SIGNING_KEY = OKPKey.generate_key("Ed25519", parameters={"kid": "test-key"})
LIFETIME = 600


class AsRole(Protocol):
    """`as_role("sales", user_id=…, team_ids=[…])` -> headers of a request."""

    def __call__(
        self, *roles: str, user_id: UUID | None = None, team_ids: Iterable[UUID] = (), name: str = ""
    ) -> dict[str, str]: ...


def user_of(role: str) -> UUID:
    """The same person for the same role in every test."""
    return uuid5(NAMESPACE_OID, f"meridian-test-{role}")


def claims_of(
    subject: UUID, kind: str, roles: Iterable[str], team_ids: Iterable[UUID] = (), name: str = ""
) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(subject),
        "name": name or "Test User",
        "roles": list(roles),
        "teams": [str(team) for team in team_ids],
        "kind": kind,
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME,
        "jti": str(uuid4()),
    }


def signed(claims: dict[str, Any], key: OKPKey = SIGNING_KEY, **header: Any) -> str:
    """A token with exactly these claims; `header` overrides the usual `alg` and `kid`."""
    return jwt.encode({"alg": "EdDSA", "kid": key.kid, **header}, claims, key, algorithms=ALGORITHMS)


def headers_for(
    *roles: str, user_id: UUID | None = None, team_ids: Iterable[UUID] = (), name: str = ""
) -> dict[str, str]:
    """The role `service` gives a service account, any other a person."""
    kind = "service" if "service" in roles else "user"
    subject = user_id or user_of(roles[0] if roles else "nobody")
    claims = claims_of(subject, kind, [role for role in roles if role != "service"], team_ids, name or "-".join(roles))
    return {"Authorization": f"Bearer {signed(claims)}"}
