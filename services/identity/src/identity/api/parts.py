"""What the routes take from the running process."""

import base64
import json
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from chassis.access import CurrentPrincipal
from chassis.auth import Principal
from chassis.service import Runtime
from identity.commands.errors import OnlyForPeople
from identity.commands.passwords import Passwords
from identity.commands.sessions import Desk, Origin
from identity.settings import IdentitySettings, settings_of


def passwords_of(runtime: Runtime) -> Passwords:
    passwords: Passwords | None = runtime.state.get("passwords")
    if passwords is None:
        passwords = runtime.state["passwords"] = Passwords.by(settings_of(runtime))
    return passwords


def _settings(request: Request) -> IdentitySettings:
    return settings_of(request.app.state.runtime)


def _passwords(request: Request) -> Passwords:
    return passwords_of(request.app.state.runtime)


def _desk(request: Request) -> Desk:
    runtime: Runtime = request.app.state.runtime
    return Desk(runtime.db, passwords_of(runtime), settings_of(runtime))


def _origin(request: Request) -> Origin:
    """The gateway is the only door, and says who stands before it."""
    peer = request.client.host if request.client else ""
    address = request.headers.get("x-forwarded-for", peer).rpartition(",")[2].strip()
    return Origin(address, request.headers.get("user-agent", ""))


def _session_id(request: Request) -> UUID | None:
    """The sign-in behind the token, which was verified before; None for a service's token."""
    try:
        token = request.headers["authorization"].partition(" ")[2]
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return UUID(claims["sid"])
    except (KeyError, IndexError, ValueError):
        return None


def _person(principal: CurrentPrincipal) -> Principal:
    if principal.kind != "user":
        raise OnlyForPeople
    return principal


Settings = Annotated[IdentitySettings, Depends(_settings)]
Hashing = Annotated[Passwords, Depends(_passwords)]
SignInDesk = Annotated[Desk, Depends(_desk)]
From = Annotated[Origin, Depends(_origin)]
SessionId = Annotated[UUID | None, Depends(_session_id)]
Person = Annotated[Principal, Depends(_person)]
