"""Signing in and out, and tokens for programs."""

import base64
import binascii
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from pydantic import BaseModel

from chassis.access import public
from chassis.db import Reader, Session
from chassis.http import HouseRoute
from identity import queries
from identity.api.parts import From, Person, SessionId, SignInDesk
from identity.commands import sessions as commands
from identity.commands.errors import InvalidClient, InvalidGrant, UnsupportedGrantType
from identity.commands.sessions import RefreshedToken, SignedIn, SignIn
from identity.commands.tokens import AccessToken, token_of_service
from identity.queries import SessionNotFound, SessionView

router = APIRouter(route_class=HouseRoute)


TOO_MANY: dict[int | str, dict[str, Any]] = {
    429: {
        "description": "Too many failed attempts; Retry-After says when to come again",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}


class KeySet(BaseModel):
    keys: list[dict[str, Any]]


class TokenRequest(BaseModel):
    """OAuth 2 (RFC 6749), the two grants that need no browser."""

    grant_type: str
    refresh_token: str = ""
    client_id: str = ""
    client_secret: str = ""


@router.post("/sessions", status_code=201, dependencies=[public()], tags=["sessions"], responses=TOO_MANY)
async def sign_in(command: SignIn, desk: SignInDesk, origin: From, response: Response) -> SignedIn:
    """Public. Failed attempts are limited by e-mail and address: 429 with Retry-After."""
    response.headers["Cache-Control"] = "no-store"
    return await commands.sign_in(desk, command, origin)


@router.post("/token", dependencies=[public()], tags=["sessions"])
async def issue_token(
    request: Request, asked: Annotated[TokenRequest, Form()], desk: SignInDesk, response: Response
) -> RefreshedToken | AccessToken:
    """Grants: `refresh_token` for a session, `client_credentials` for a service (in the form or as HTTP Basic)."""
    response.headers.update({"Cache-Control": "no-store", "Pragma": "no-cache"})
    # Not the request's own transaction: an answer with tokens must never be kept under an idempotency key.
    async with desk.database.transaction() as session:
        if asked.grant_type == "refresh_token":
            if not asked.refresh_token:
                raise InvalidGrant("The field refresh_token is missing.", error="invalid_grant")
            return await commands.refresh(session, desk.settings, asked.refresh_token)
        if asked.grant_type == "client_credentials":
            client = _client_of(request) or (asked.client_id, asked.client_secret)
            return await token_of_service(session, desk.settings, *client)
        raise UnsupportedGrantType(error="unsupported_grant_type")


@router.get("/sessions", tags=["sessions"])
async def list_my_sessions(session: Reader, person: Person, current: SessionId) -> list[SessionView]:
    return await queries.list_open_sessions(session, person.id, current)


@router.delete("/sessions/current", status_code=204, tags=["sessions"])
async def sign_out(session: Session, person: Person, current: SessionId) -> None:
    if current is not None:
        await commands.end_session(session, person.id, current)


@router.delete("/sessions/{session_id}", status_code=204, tags=["sessions"])
async def end_my_session(session_id: UUID, session: Session, person: Person) -> None:
    if not await commands.end_session(session, person.id, session_id):
        raise SessionNotFound


@router.get("/jwks", dependencies=[public()], tags=["keys"])
async def published_keys(session: Reader, response: Response) -> KeySet:
    """The public keys of the access tokens (RFC 7517)."""
    response.headers["Cache-Control"] = "public, max-age=60"
    return KeySet(keys=await queries.published_keys(session))


def _client_of(request: Request) -> tuple[str, str] | None:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidClient(error="invalid_client") from error
    return client_id, secret
