"""The one ASGI layer around the app: correlation, measurement, access log, problems past the framework."""

import asyncio
import contextlib
import time
from collections.abc import Mapping

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import context, errors, http, problems, telemetry, tracing

MAX_DRAINED = 64 * 1_048_576
"""Bytes of a refused body that are still read."""

DRAIN_SECONDS = 5.0

logger = structlog.get_logger("access")


class Edge:
    """Pure ASGI, so that it costs microseconds and leaves streams alone."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        with (
            tracing.serving(scope, http.traceparent_of(headers)) as trace,
            context.acting(context.SYSTEM, correlation=http.correlation_of(headers), trace=trace),
        ):
            exchange = Exchange(scope, receive, send)
            try:
                if http.is_plain(scope):
                    await self.app(scope, receive, exchange.send)
                else:
                    await exchange.refuse(errors.Malformed("The address contains a NUL character."))
            except asyncio.CancelledError:
                if not await exchange.ended_by_us():
                    raise
            except Exception as error:
                await exchange.fail(error)
            finally:
                exchange.finished()


class Exchange:
    """One request's answer on its way out."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._started_at = time.perf_counter()
        self._status = 500
        self._begun = False
        self._replaced = False
        self._task = asyncio.current_task()
        self._watch: asyncio.Task[None] | None = None
        self._is_cut = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._start(message)
        elif not self._replaced:
            await self._send(message)

    async def _start(self, message: Message) -> None:
        self._status = message["status"]
        if self._status == 413:
            await self._drain()
        if self._status == 413 and _is_plain_text(message):
            # The framework's body limit answers in plain text, past every exception handler.
            self._replaced = True
            return await self.refuse(errors.TooLarge())
        self._begun = True
        if _kind(message).startswith(b"text/event-stream"):
            self._watch = asyncio.create_task(self._cut_when_stopping())
        message.setdefault("headers", [])
        message["headers"] = [*message["headers"], (http.CORRELATION, context.current_correlation_id().encode())]
        await self._send(message)

    async def _cut_when_stopping(self) -> None:
        """A stream of events has no end of its own, and a process that stops cannot wait for one."""
        await self._scope["app"].state.runtime.stopping.wait()
        self._is_cut = True
        if self._task is not None:
            self._task.cancel()

    async def ended_by_us(self) -> bool:
        """Whether the cancellation was ours; then the stream is ended properly, and its reader comes back elsewhere."""
        if not self._is_cut or self._task is None or self._task.uncancel():
            return False
        with contextlib.suppress(Exception):  # the reader may be gone already
            await self._send({"type": "http.response.body", "body": b""})
        return True

    async def _drain(self) -> None:
        """Reads on for a while: a client that is still sending would see a broken connection instead of the answer."""
        left = MAX_DRAINED
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while left > 0:
                    message = await self._receive()
                    left -= len(message.get("body", b""))
                    if message["type"] != "http.request" or not message.get("more_body"):
                        return

    async def fail(self, error: Exception) -> None:
        """The bug is logged with its trace and the caller told no more than the correlation id."""
        logger.error("request_failed", method=self._scope["method"], path=self._scope["path"], exc_info=error)
        if self._begun:
            raise error
        await self.refuse(errors.InternalError())

    async def refuse(self, error: errors.ServiceError) -> None:
        """Answers with the problem instead of what the app would say."""
        self._begun = True
        self._status = error.status
        body = problems.problem_body(error, self._scope["path"])
        headers = [
            (b"content-type", problems.PROBLEM.encode()),
            (b"content-length", str(len(body)).encode()),
            (http.CORRELATION, context.current_correlation_id().encode()),
        ]
        await self._send({"type": "http.response.start", "status": error.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    def finished(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        seconds = time.perf_counter() - self._started_at
        route = telemetry.route_template(self._scope)
        telemetry.measure_request(self._scope["method"], route, self._status, seconds)
        tracing.answered(self._scope["method"], route, self._status)
        if route not in telemetry.QUIET:
            _log(self._scope, route, self._status, seconds)


def _is_plain_text(message: Message) -> bool:
    return _kind(message).startswith(b"text/plain")


def _kind(message: Message) -> bytes:
    return bytes(dict(message.get("headers", ())).get(b"content-type", b""))


def _log(scope: Scope, route: str, status: int, seconds: float) -> None:
    telemetry.access_log(
        method=scope["method"], path=scope["path"], route=route, status=status, ms=round(seconds * 1000, 1)
    )
