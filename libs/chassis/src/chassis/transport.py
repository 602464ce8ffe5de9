"""The way out to other services: only hosts from the settings, no redirects, no cookies, a limit on every wait."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
from yarl import URL

from chassis import context
from chassis.settings import ServiceSettings

MAX_ANSWER = 4 * 1_048_576
"""Bytes of an answer that is read into memory."""


class UnknownService(LookupError):
    """The settings name no address for that service."""


class ForeignPath(ValueError):
    """The path would leave the service it was meant for."""


class ServiceClient:
    """One pool of connections per process, opened at the first use."""

    def __init__(self, settings: ServiceSettings, service: str) -> None:
        self._hosts = {name: URL(url.rstrip("/")) for name, url in settings.service_urls.items()}
        self._service = service
        self.client_secret = settings.client_secret
        self._session: aiohttp.ClientSession | None = None
        self.tokens: dict[str, tuple[str, float]] = {}

    @property
    def service(self) -> str:
        return self._service

    def address(self, service: str, path: str) -> URL:
        """The absolute address. Raises UnknownService, ForeignPath."""
        host = self._hosts.get(service)
        if host is None:
            raise UnknownService(service)
        if not path.startswith("/") or path.startswith("//") or "\\" in path or ".." in path.split("?")[0].split("/"):
            raise ForeignPath(path)
        target = URL(f"{host}{path}", encoded=True)
        if target.origin() != host.origin():
            raise ForeignPath(path)
        return target

    @asynccontextmanager
    async def open(
        self,
        service: str,
        method: str,
        path: str,
        *,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The raw answer as a stream; `timeout` in seconds for the whole exchange, None for streams without end.

        Raises UnknownService, ForeignPath, TimeoutError, aiohttp.ClientError.
        """
        limits = aiohttp.ClientTimeout(total=timeout, sock_connect=2.0)
        async with self._pool().request(
            method,
            self.address(service, path),
            data=data,
            headers=headers,
            timeout=limits,
            allow_redirects=False,
        ) as response:
            yield response

    async def send_json(
        self, service: str, method: str, path: str, body: bytes | None, *, headers: Mapping[str, str], timeout: float
    ) -> tuple[int, bytes]:
        """Status and bytes of the answer; passes the correlation id on."""
        sent = {"Accept": "application/json", "Accept-Encoding": "identity", **trace_headers(), **headers}
        if body is not None:
            sent["Content-Type"] = "application/json"
        async with self.open(service, method, path, data=body, headers=sent, timeout=timeout) as response:
            return response.status, await _limited(response)

    async def get_json(self, service: str, path: str, *, timeout: float) -> Mapping[str, Any]:
        """The JSON object behind a public address; raises aiohttp.ClientError unless it is answered with 200."""
        status, body = await self.send_json(service, "GET", path, None, headers={}, timeout=timeout)
        if status != 200:
            raise aiohttp.ClientError(f"{service} answered {status} to {path}")
        document: Mapping[str, Any] = orjson.loads(body)
        return document

    def _pool(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=200, ttl_dns_cache=30, keepalive_timeout=30),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
            )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


async def _limited(response: aiohttp.ClientResponse) -> bytes:
    body = await response.content.read(MAX_ANSWER + 1)
    while len(body) <= MAX_ANSWER and not response.content.at_eof():
        body += await response.content.read(MAX_ANSWER + 1 - len(body))
    if len(body) > MAX_ANSWER:
        raise aiohttp.ClientError(f"the answer is larger than {MAX_ANSWER} bytes")
    return body


def trace_headers() -> dict[str, str]:
    """What ties the other side's logs and events to this request."""
    found = {"X-Correlation-Id": context.current_correlation_id()}
    trace = context.traceparent.get()
    return {**found, "traceparent": trace} if trace else found
