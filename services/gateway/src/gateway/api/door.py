"""The outermost layer: every byte in or out of the system passes here."""

import time
from collections.abc import Mapping
from typing import ClassVar

import structlog
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import context, http, problems, telemetry, tracing
from chassis.errors import InternalError, NotFound, ServiceError, TooLarge
from gateway import queries
from gateway.api.bodies import drain
from gateway.api.callers import caller_of
from gateway.api.forwarding import Passage
from gateway.api.gate import Gate, admit, gate_of
from gateway.domain import routes
from gateway.domain.dress import Pairs, Wardrobe, put_on

logger = structlog.get_logger("access")

DESCRIPTION_PATH = "/openapi.json"
OWN_PAGES = ("/docs", "/static/")
"""What the gateway shows itself, with or without the web UI."""

SIGN_IN_PATHS = frozenset({"/session", "/api/identity/v1/sessions"})


class UnknownService(NotFound):
    code: ClassVar[str] = "unknown_service"
    title: ClassVar[str] = "There is no such service"


class Door:
    """Pure ASGI: forwards `/api/<service>/…` itself and leaves the few pages of its own to the app within."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._gate: Gate | None = None
        self._wardrobe = Wardrobe.of(is_development=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._open(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        else:
            await self._live(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        finally:
            if self._gate is not None:
                await self._gate.upstream.close()

    def _gate_in(self, scope: Scope) -> Gate:
        if self._gate is None:
            self._gate = gate_of(scope["app"].state.runtime)
            self._wardrobe = Wardrobe.of(self._gate.settings.is_development)
        return self._gate

    async def _open(self, scope: Scope, receive: Receive, send: Send) -> None:
        gate = self._gate_in(scope)
        is_api = scope["path"].startswith(routes.PREFIX)
        visit = Visit(scope, send, self._dress(gate, scope["path"]))
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        with (
            tracing.serving(scope, http.traceparent_of(headers)) as trace,
            context.acting(context.SYSTEM, correlation=http.correlation_of(headers), trace=trace),
        ):
            try:
                self._count(gate, scope)
                if is_api:
                    await self._forward(gate, scope, receive, visit, headers)
                elif scope["path"] == DESCRIPTION_PATH:
                    await self._describe(gate, scope, visit)
                else:
                    await self._app(scope, receive, visit.send)
            except ServiceError as error:
                await visit.refuse(error, receive)
            except Exception as error:
                await visit.fail(error, receive)
            if is_api:
                visit.finished()

    def _dress(self, gate: Gate, path: str) -> Pairs:
        if path.startswith(routes.PREFIX):
            return self._wardrobe.api
        is_own = gate.settings.web_dir is None or path.startswith(OWN_PAGES)
        return self._wardrobe.page if is_own else self._wardrobe.web

    def _count(self, gate: Gate, scope: Scope) -> None:
        if scope["path"] in telemetry.QUIET:
            return
        address = gate.address_of(scope)
        admit(gate.addresses, address)
        if scope["method"] == "POST" and scope["path"] in SIGN_IN_PATHS:
            admit(gate.sign_ins, address)

    async def _forward(
        self, gate: Gate, scope: Scope, receive: Receive, visit: "Visit", headers: Mapping[bytes, bytes]
    ) -> None:
        path = scope["path"]
        url = routes.target(gate.targets, path, scope["raw_path"], scope["query_string"])
        if url is None:
            raise UnknownService
        state = scope["app"].state
        caller = await caller_of(state.runtime, gate, state.verifier, scope["method"], headers)
        if caller.key is not None:
            admit(gate.principals, caller.key)
        limit = gate.settings.body_limits.of(path)
        await Passage(gate, scope, receive, visit.send, limit).run(url, caller, headers)

    async def _describe(self, gate: Gate, scope: Scope, visit: "Visit") -> None:
        """In place of the app's own document, which is one part of it."""
        app: FastAPI = scope["app"]
        client = app.state.runtime.http
        body = await gate.description.get(lambda: queries.whole_description(client, gate.services, app.openapi()))
        await visit.answer(body, b"application/json")


class Visit:
    """One request's answer on its way out, dressed and measured."""

    def __init__(self, scope: Scope, send: Send, dress: Pairs) -> None:
        self._scope = scope
        self._send = send
        self._dress = dress
        # What counts as the status when the caller left before there was one.
        self._status = 499
        self._has_begun = False
        self._started_at = time.perf_counter()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._has_begun = True
            headers = put_on(list(message.get("headers", ())), self._dress)
            correlation = (http.CORRELATION, context.current_correlation_id().encode())
            if all(name != http.CORRELATION for name, _ in headers):
                headers.append(correlation)
            message["headers"] = headers
        await self._send(message)

    async def answer(self, body: bytes, kind: bytes) -> None:
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        await self.send({"type": "http.response.start", "status": 200, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

    async def fail(self, error: Exception, receive: Receive) -> None:
        """An answer that has begun can only be cut off, which raising does; else the caller gets a clear one."""
        if self._has_begun:
            raise error
        logger.error("request_failed", method=self._scope["method"], path=self._scope["path"], exc_info=error)
        await self.refuse(InternalError(), receive)

    async def refuse(self, error: ServiceError, receive: Receive) -> None:
        body = problems.problem_body(error, self._scope["path"])
        said = {**error.headers, "Content-Type": problems.PROBLEM, "Content-Length": str(len(body))}
        headers = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in said.items()]
        await self.send({"type": "http.response.start", "status": error.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body, "more_body": True})
        if isinstance(error, TooLarge):
            await drain(receive)
        await self.send({"type": "http.response.body", "body": b""})

    def finished(self) -> None:
        seconds = time.perf_counter() - self._started_at
        path = self._scope["path"]
        route = routes.PREFIX + routes.service_of(path) if self._status != 404 else "unmatched"
        telemetry.measure_request(self._scope["method"], route, self._status, seconds)
        tracing.answered(self._scope["method"], route, self._status)
        if self._status >= 500:
            # The services log what they answer; here only what did not reach them, or came back broken.
            logger.warning("request", method=self._scope["method"], path=path, status=self._status)
