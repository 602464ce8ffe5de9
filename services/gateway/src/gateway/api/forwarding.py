"""One request to a service and its answer back, both as streams. This is the hot path."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import ClassVar

import aiohttp
from starlette.types import Receive, Scope, Send
from yarl import URL

from chassis.errors import ServiceError, Unavailable
from chassis.transport import trace_headers
from gateway.api.bodies import SMALL, CallerLeft, Upload, declared_length
from gateway.api.callers import Caller
from gateway.api.gate import Gate
from gateway.domain import headers as crossing


class ServiceDown(Unavailable):
    code: ClassVar[str] = "service_unavailable"
    title: ClassVar[str] = "This part of the system is down at the moment"


class ServiceBroke(ServiceError):
    status: ClassVar[int] = 502
    code: ClassVar[str] = "service_broke_off"
    title: ClassVar[str] = "This part of the system broke off before it had answered"


class ServiceSlow(ServiceError):
    status: ClassVar[int] = 504
    code: ClassVar[str] = "service_timeout"
    title: ClassVar[str] = "This part of the system did not answer in time"


class AnswerCutShort(Exception):
    """The service failed in the middle of its answer: the connection is closed so that nobody takes half for whole."""


class Passage:
    """One forwarded request. After `run` nothing of it is left open, however it ended."""

    def __init__(self, gate: Gate, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        self._gate = gate
        self._patience = gate.settings.upstream_timeout
        self._scope = scope
        self._receive = receive
        self._send = send
        self._limit = limit
        self._address = gate.address_of(scope)
        self.has_begun = False
        self.is_complete = False

    async def run(self, url: str, caller: Caller, headers: Mapping[bytes, bytes]) -> None:
        """Raises ServiceError while nothing was sent yet, AnswerCutShort afterwards."""
        length = declared_length(headers, self._limit)
        upload: Upload | None = None
        try:
            async with asyncio.timeout(self._patience) as progress:
                upload = Upload(self._receive, self._limit, progress, self._patience)
                await self._exchange(url, caller, headers, length, upload, progress)
        except CallerLeft:
            return
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            self._explain(error, upload)

    def _explain(self, error: Exception, upload: Upload | None) -> None:
        if upload is not None and isinstance(upload.failure, CallerLeft):
            return
        if self.has_begun:
            raise AnswerCutShort(self._scope["path"]) from error
        if upload is not None and upload.failure is not None:
            raise upload.failure from error
        if isinstance(error, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)):
            raise ServiceDown(headers={"Retry-After": "1"}) from error
        raise (ServiceSlow if isinstance(error, TimeoutError) else ServiceBroke) from error

    async def _exchange(
        self,
        url: str,
        caller: Caller,
        headers: Mapping[bytes, bytes],
        length: int | None,
        upload: Upload,
        progress: asyncio.Timeout,
    ) -> None:
        data: bytes | AsyncIterator[bytes] | None = None
        if length is None or length > SMALL:
            data = upload.chunks()
        elif length:
            data = await upload.whole()
        # While a body is streamed its reader learns of the caller's leaving; nobody else may read meanwhile.
        async with (
            self._noticing_departure(is_reading=isinstance(data, AsyncIterator)),
            self._gate.upstream.request(
                self._scope["method"],
                URL(url, encoded=True),
                headers=self._inward(caller, headers, length),
                data=data,
                allow_redirects=False,
            ) as response,
        ):
            await self._answer(response, progress)

    def _inward(self, caller: Caller, headers: Mapping[bytes, bytes], length: int | None) -> list[tuple[str, str]]:
        sent = crossing.inward(self._scope["headers"])
        sent += [
            *trace_headers().items(),
            ("X-Forwarded-For", self._address),
            ("X-Forwarded-Host", headers.get(b"host", b"").decode("latin-1")),
            ("X-Forwarded-Proto", self._scheme(headers)),
        ]
        if caller.authorization is not None:
            sent.append(("Authorization", caller.authorization))
        if length:
            sent.append(("Content-Length", str(length)))
        return sent

    def _scheme(self, headers: Mapping[bytes, bytes]) -> str:
        told = headers.get(b"x-forwarded-proto") if self._gate.settings.trusted_proxies else None
        return told.decode("latin-1") if told else str(self._scope["scheme"])

    async def _answer(self, response: aiohttp.ClientResponse, progress: asyncio.Timeout) -> None:
        start = {
            "type": "http.response.start",
            "status": response.status,
            "headers": crossing.outward(response.raw_headers),
        }
        length = response.content_length
        if response.headers.get("Content-Type", "").startswith("text/event-stream"):
            progress.reschedule(None)
            await self._begin(start)
            await self._pass_events_on(response)
        elif length is not None and length <= SMALL:
            # Small answers wait for their end, so that a service that breaks off still becomes a clear refusal.
            body = await response.read()
            await self._begin(start)
            await self._end(body)
        else:
            await self._begin(start)
            await self._pass_on(response, progress)

    async def _pass_on(self, response: aiohttp.ClientResponse, progress: asyncio.Timeout) -> None:
        loop = asyncio.get_running_loop()
        async for chunk in response.content.iter_any():
            await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
            progress.reschedule(loop.time() + self._patience)
        await self._end(b"")

    async def _pass_events_on(self, response: aiohttp.ClientResponse) -> None:
        """Without any time-out. Browsers come again, so a stop of ours or a failure behind is just the end."""
        closing = asyncio.create_task(self._close_when_stopping(response))
        try:
            async for chunk in response.content.iter_any():
                await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
        except (aiohttp.ClientError, OSError):
            pass
        finally:
            closing.cancel()
        await self._end(b"")

    async def _close_when_stopping(self, response: aiohttp.ClientResponse) -> None:
        await self._gate.stopping.wait()
        response.close()

    async def _begin(self, start: dict[str, object]) -> None:
        self.has_begun = True
        await self._send(start)

    async def _end(self, body: bytes) -> None:
        self.is_complete = True
        await self._send({"type": "http.response.body", "body": body})

    @asynccontextmanager
    async def _noticing_departure(self, *, is_reading: bool) -> AsyncIterator[None]:
        """Ends the block with CallerLeft as soon as the caller closes the connection."""
        if is_reading:
            yield
            return
        exchange = asyncio.current_task()
        watch = asyncio.create_task(self._departure(exchange))
        try:
            yield
        except asyncio.CancelledError:
            if exchange is None or not watch.done() or watch.cancelled():
                raise
            exchange.uncancel()
            raise CallerLeft from None
        finally:
            watch.cancel()

    async def _departure(self, exchange: "asyncio.Task[object] | None") -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if exchange is not None and not self.is_complete:
            exchange.cancel()
