"""Access tokens: short-lived, signed, and complete, so that no service asks identity about a request."""

import hmac
import time
from typing import Any
from uuid import UUID

from joserfc import jwt
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from chassis.auth import ALGORITHMS, AUDIENCE, ISSUER
from identity import domain
from identity.commands.errors import InvalidClient
from identity.commands.signing_keys import current_signer, digest
from identity.models import ServiceAccount, User
from identity.settings import IdentitySettings


class AccessToken(BaseModel):
    access_token: str
    token_type: str = "Bearer"  # noqa: S105
    expires_in: int


async def token_of_user(session: AsyncSession, settings: IdentitySettings, user: User, sign_in_id: UUID) -> AccessToken:
    claims = {
        "sub": str(user.id),
        "name": user.name,
        "roles": user.roles,
        "teams": [str(team) for team in user.team_ids],
        "kind": "user",
        "sid": str(sign_in_id),
    }
    return await _sign(session, settings, claims)


async def token_of_service(
    session: AsyncSession, settings: IdentitySettings, client_id: str, client_secret: str
) -> AccessToken:
    account = await session.get(ServiceAccount, client_id)
    known = account.secret_hash if account and account.is_active else b""
    if not hmac.compare_digest(known, digest(client_secret)):
        raise InvalidClient(error="invalid_client")
    claims = {
        "sub": str(domain.service_id(client_id)),
        "name": client_id,
        "roles": [domain.SERVICE_ROLE],
        "teams": [],
        "kind": "service",
    }
    return await _sign(session, settings, claims)


async def _sign(session: AsyncSession, settings: IdentitySettings, claims: dict[str, Any]) -> AccessToken:
    signer = await current_signer(session, settings)
    now = int(time.time())
    lifetime = settings.access_token_seconds
    standard = {"iss": ISSUER, "aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + lifetime, "jti": str(uuid7())}
    header = {"alg": ALGORITHMS[0], "kid": signer.kid, "typ": "at+jwt"}
    token = jwt.encode(header, {**standard, **claims}, signer.key, algorithms=ALGORITHMS)
    return AccessToken(access_token=token, expires_in=lifetime)
