"""The other side of synchronous questions: a real HTTP server whose answers the test writes."""

import inspect
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web

from chassis.questions import TOKEN_PATH
from chassis.testing.tokens import LIFETIME, claims_of, signed, user_of

SERVICES = ("identity", "accounts", "leads", "activities", "dedup", "notifications", "gateway")
Handler = Callable[[Any], Any]
"""Gets the parsed body; gives a document (200), or a pair of status and document; may be async."""


class Answers:
    """`answer("dedup", "/api/dedup/v1/claims", handler)`; what nobody answers is 503.

    `asked` keeps method, path and body of what was asked, `headers` the headers.
    """

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}
        self.asked: list[tuple[str, str, Any]] = []
        self.headers: list[Mapping[str, str]] = []
        self.url = ""

    def __call__(self, service: str, path: str, handler: Handler | Mapping[str, Any] | tuple[int, Any]) -> None:
        self._handlers[f"/{service}{path}"] = handler if callable(handler) else lambda body: handler

    @property
    def service_urls(self) -> dict[str, str]:
        return {name: f"{self.url}/{name}" for name in SERVICES}

    async def _respond(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.path == f"/identity{TOKEN_PATH}" and request.path not in self._handlers:
            return web.json_response({"access_token": _service_token(), "expires_in": LIFETIME, "token_type": "Bearer"})
        parsed = orjson.loads(body) if body and "json" in request.content_type else body
        self.asked.append((request.method, request.path, parsed))
        self.headers.append(request.headers)
        handler = self._handler_for(request.path)
        answer = handler(parsed)
        return _response(await answer if inspect.isawaitable(answer) else answer)

    def _handler_for(self, path: str) -> Handler:
        """The longest path that was answered and leads here: a handler of a collection takes its members too."""
        known = [prefix for prefix in self._handlers if path == prefix or path.startswith(f"{prefix}/")]
        return self._handlers[max(known, key=len)] if known else _nobody

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._respond)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield
        finally:
            await runner.cleanup()


def _nobody(_: Any) -> tuple[int, dict[str, str]]:
    return 503, {"code": "unavailable"}


def _response(answer: Any) -> web.Response:
    status, document = answer if isinstance(answer, tuple) else (200, answer)
    body = b"" if document is None else orjson.dumps(document, default=_plain)
    return web.Response(body=body, status=status, content_type="application/json")


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else str(value)


def _service_token() -> str:
    return signed(claims_of(user_of("service"), "service", []))
