"""The browser's session. The page's script never sees a token: the cookie is HttpOnly."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from chassis.access import public
from chassis.errors import Unauthenticated
from chassis.http import HouseRoute
from chassis.openapi import PROBLEMS
from chassis.problems import PROBLEM
from chassis.service import Runtime
from gateway import commands
from gateway.api import callers
from gateway.api.cookies import farewell, welcome
from gateway.api.gate import Gate, gate_of
from gateway.commands import Browser, OpenSession, PassedOn, SessionEnded
from gateway.domain.browser import csrf_token

router = APIRouter(route_class=HouseRoute, responses=PROBLEMS, dependencies=[public()], tags=["session"])


TOO_MANY: dict[int | str, dict[str, Any]] = {
    429: {
        "description": "Too many attempts; Retry-After says when to come again",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}


class BrowserSession(BaseModel):
    user: dict[str, Any] = Field(description="As GET /api/identity/v1/me shows them.")
    csrf_token: str = Field(description="Send it as X-CSRF-Token with every POST, PUT, PATCH and DELETE.")


class Desk:
    """The request with what its session needs."""

    def __init__(self, request: Request) -> None:
        self.runtime: Runtime = request.app.state.runtime
        self.gate: Gate = gate_of(self.runtime)
        self.headers = dict(request.scope["headers"])
        self.address = self.gate.address_of(request.scope)

    @property
    def session_token(self) -> str:
        token = callers.session_token_in(self.gate, self.headers)
        if token is None:
            raise Unauthenticated("There is no session; POST /session opens one.")
        return token

    def shown(self, user: dict[str, Any], session_token: str) -> BrowserSession:
        secret = self.gate.settings.session_secret.get_secret_value()
        return BrowserSession(user=user, csrf_token=csrf_token(secret, session_token))


At = Annotated[Desk, Depends(Desk)]


@router.post("/session", status_code=201, response_model=BrowserSession, responses=TOO_MANY)
async def sign_in(command: OpenSession, desk: At, response: Response) -> BrowserSession | Response:
    """Sets the session's cookie."""
    callers.require_own_page(desk.gate, desk.headers)
    browser = Browser(desk.address, desk.headers.get(b"user-agent", b"").decode("latin-1"))
    try:
        opened = await commands.open_session(desk.runtime.http, command, browser)
    except PassedOn as refusal:
        return Response(refusal.problem, refusal.status, refusal.headers, media_type=PROBLEM)
    response.headers["Set-Cookie"] = welcome(desk.gate.settings, opened.refresh_token, opened.lifetime)
    response.headers["Cache-Control"] = "no-store"
    return desk.shown(opened.user, opened.refresh_token)


@router.get("/session")
async def show_session(desk: At, response: Response) -> BrowserSession:
    """Who is signed in, and the CSRF token after a reload of the page."""
    response.headers["Cache-Control"] = "no-store"
    token = desk.session_token
    grant = await callers.grant_of(desk.runtime, desk.gate, token)
    try:
        user = await commands.current_user(desk.runtime.http, grant)
    except PassedOn as refusal:
        raise SessionEnded from refusal
    return desk.shown(user, token)


@router.delete("/session", status_code=204)
async def sign_out(desk: At, response: Response) -> None:
    """Ends the session at identity and takes the cookie away. A session that has ended already is no error."""
    token = desk.session_token
    callers.require_own_page(desk.gate, desk.headers)
    callers.require_csrf_token(desk.gate, desk.headers, token)
    try:
        grant = await callers.grant_of(desk.runtime, desk.gate, token)
        await commands.close_session(desk.runtime.http, grant)
    except (SessionEnded, PassedOn):
        pass
    desk.gate.grants.forget(token)
    response.headers["Set-Cookie"] = farewell(desk.gate.settings)
