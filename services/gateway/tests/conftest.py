"""A real gateway on loopback before real services on loopback, which the tests can look into."""

import asyncio
import contextlib
import hashlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio
import uvicorn
from aiohttp import web

from chassis.service import Service, create_app
from chassis.testing import SIGNING_KEY, signed
from chassis.testing.tokens import claims_of, user_of

PASSWORD = "long-enough-password"
JWK = {**SIGNING_KEY.as_dict(private=False), "kid": SIGNING_KEY.kid, "use": "sig", "alg": "EdDSA"}
PROBLEM = "application/problem+json"

Running = Callable[..., AbstractAsyncContextManager[httpx2.AsyncClient]]


class Identity:
    """As much of the identity service as the gateway asks."""

    def __init__(self) -> None:
        self.sessions: dict[str, str] = {}
        self.exchanges = 0
        self.is_down = False
        self.hold: asyncio.Event | None = None
        self.seen: list[web.Request] = []

    def token_of(self, email: str) -> str:
        return signed(claims_of(user_of(email), "user", ["sales"], name=email))

    async def answer(self, request: web.Request) -> web.Response:
        if self.is_down:
            return web.Response(status=503)
        self.seen.append(request)
        match request.method, request.path.removeprefix("/api/identity/v1"):
            case "GET", "/jwks":
                return web.json_response({"keys": [JWK]})
            case "POST", "/sessions":
                return await self._sign_in(request)
            case "POST", "/token":
                return await self._exchange(request)
            case "GET", "/me":
                return web.json_response({"email": "me@example.com"})
            case "DELETE", "/sessions/current":
                self.sessions.clear()
                return web.Response(status=204)
        return web.Response(status=404)

    async def _sign_in(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if asked["password"] == "throttled":
            problem = {"code": "too_many_sign_in_attempts"}
            return web.json_response(problem, status=429, headers={"Retry-After": "7"}, content_type=PROBLEM)
        if asked["password"] != PASSWORD:
            return web.json_response({"code": "sign_in_refused"}, status=401, content_type=PROBLEM)
        refresh_token = uuid4().hex
        self.sessions[refresh_token] = asked["email"]
        given = {"access_token": self.token_of(asked["email"]), "expires_in": 600, "refresh_token": refresh_token}
        return web.json_response({**given, "refresh_expires_in": 86400, "user": {"email": asked["email"]}}, status=201)

    async def _exchange(self, request: web.Request) -> web.Response:
        self.exchanges += 1
        asked = await request.post()
        if self.hold is not None:
            await self.hold.wait()
        email = self.sessions.get(str(asked["refresh_token"]))
        if email is None:
            return web.json_response({"code": "invalid_grant"}, status=400, content_type=PROBLEM)
        return web.json_response({"access_token": self.token_of(email), "expires_in": 600})


class Leads:
    """A service that does whatever a test wants; `seen` keeps what reached it."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.go = asyncio.Event()
        self.first_chunk = asyncio.Event()
        self.left = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        action = request.path.rpartition("/")[2]
        deed = getattr(self, f"_{action}", self._echo)
        answer: web.StreamResponse = await deed(request)
        return answer

    async def _echo(self, request: web.Request) -> web.StreamResponse:
        digest, size = hashlib.sha256(), 0
        async for chunk in request.content.iter_any():
            digest.update(chunk)
            size += len(chunk)
            self.first_chunk.set()
        told = {
            "method": request.method,
            "path": request.raw_path,
            "headers": [[name.decode().lower(), value.decode("latin-1")] for name, value in request.raw_headers],
            "size": size,
            "sha256": digest.hexdigest(),
        }
        self.seen.append(told)
        return web.json_response(told)

    async def _headers(self, request: web.Request) -> web.StreamResponse:
        loud = {
            "Set-Cookie": "mine=1",
            "Server": "secret/1.0",
            "Connection": "X-Internal",
            "X-Internal": "1",
            "X-Kept": "ąż",
            "ETag": '"3"',
            "Content-Security-Policy": "default-src *",
            "Cache-Control": "private",
        }
        return web.Response(text="{}", headers=loud, content_type="application/json")

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"first")
        await self.go.wait()
        await answer.write(b"second")
        return answer

    async def _events(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        await answer.write(b"data: first\n\n")
        try:
            await self.go.wait()
            await answer.write(b"data: second\n\n")
        except asyncio.CancelledError:
            self.left.set()
            raise
        return answer

    async def _dying_events(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        await answer.write(b"data: first\n\n")
        assert request.transport is not None
        request.transport.close()
        return answer

    async def _never(self, request: web.Request) -> web.StreamResponse:
        self.first_chunk.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.left.set()
            raise
        return web.Response()

    async def _hangup(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def _half(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "1000000"})
        await answer.prepare(request)
        await answer.write(b"x" * 100_000)
        assert request.transport is not None
        request.transport.close()
        return answer

    async def _redirect(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=303, headers={"Location": "https://elsewhere.example/"})

    async def _refuse(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"code": "forbidden"}, status=403, content_type=PROBLEM)

    async def _empty(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=204)

    async def _big(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"0123456789" * 500_000)


@asynccontextmanager
async def listening(answer: Callable[[web.Request], Any], description: Any = None) -> AsyncIterator[str]:
    app = web.Application(client_max_size=64 * 1024 * 1024)

    async def describe(_: web.Request) -> web.Response:
        return web.json_response(description) if description is not None else web.Response(status=404)

    async def ready(_: web.Request) -> web.Response:
        return web.json_response({"status": "ready", "service": "any", "checks": {"database": "ok"}})

    app.router.add_get("/openapi.json", describe)
    app.router.add_get("/readyz", ready)
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def lead_description() -> dict[str, Any]:
    lead = {"type": "object", "properties": {"parent": {"$ref": "#/components/schemas/Lead"}}}
    answer = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Lead"}}}, "description": "ok"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "leads", "version": "1", "description": "Requests from outside"},
        "paths": {
            "/api/leads/v1/leads": {"get": {"operationId": "list", "responses": {"200": answer}, "tags": ["x"]}},
            "/readyz": {"get": {"responses": {"200": {"description": "ok"}}}},
        },
        "components": {"schemas": {"Lead": lead}},
    }


@pytest.fixture(scope="session")
def service() -> Service:
    from gateway.service import service

    return service


@pytest.fixture
def identity() -> Identity:
    return Identity()


@pytest.fixture
def leads() -> Leads:
    return Leads()


@pytest.fixture
def closed_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest_asyncio.fixture
async def service_urls(identity: Identity, leads: Leads, closed_port: str) -> AsyncIterator[dict[str, str]]:
    async with listening(identity.answer) as identity_url, listening(leads.answer, lead_description()) as leads_url:
        yield {
            "identity": identity_url,
            "leads": leads_url,
            "accounts": leads_url,
            "dedup": closed_port,
            "gateway": closed_port,
        }


@pytest.fixture
def running(service: Service, service_urls: dict[str, str]) -> Running:
    """`async with running(requests_burst=3) as client`: a gateway of its own with these settings."""

    @asynccontextmanager
    async def run(**changes: Any) -> AsyncIterator[httpx2.AsyncClient]:
        settings = service.settings(**{"service_urls": service_urls, **changes})
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            app = create_app(service, settings)
            config = uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=1,
            )
            server = uvicorn.Server(config)
            server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            await until(lambda: server.started)
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            async with httpx2.AsyncClient(base_url=url, timeout=10) as client:
                client.runtime = app.state.runtime  # type: ignore[attr-defined]
                yield client
            server.should_exit = True
            await serving

    return run


@pytest_asyncio.fixture
async def door(running: Running) -> AsyncIterator[httpx2.AsyncClient]:
    async with running() as client:
        yield client


async def until(is_so: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not is_so():
            await asyncio.sleep(0.005)


@pytest.fixture
def bearer(identity: Identity) -> Callable[..., dict[str, str]]:
    def header(email: str = "anna@example.com") -> dict[str, str]:
        return {"Authorization": f"Bearer {identity.token_of(email)}"}

    return header


SignIn = Callable[..., Any]


@pytest.fixture
def sign_in() -> SignIn:
    """Opens a session in the client's cookie jar; gives the header with its CSRF token."""

    async def opened(client: httpx2.AsyncClient, email: str = "anna@example.com") -> dict[str, str]:
        answer = await client.post("/session", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        return {"X-CSRF-Token": answer.json()["csrf_token"]}

    return opened
