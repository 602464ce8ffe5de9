"""What the requests of one process share."""

import asyncio
import time
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil
from typing import ClassVar

import aiohttp
from starlette.types import Scope

from chassis.errors import TooManyRequests
from chassis.service import Runtime
from gateway.domain.browser import client_address
from gateway.models import Buckets, Grants
from gateway.queries import Health, Memory
from gateway.settings import GatewaySettings


class TooFast(TooManyRequests):
    code: ClassVar[str] = "rate_limited"
    title: ClassVar[str] = "Too many requests"


@dataclass
class Gate:
    settings: GatewaySettings
    principals: Buckets
    addresses: Buckets
    sign_ins: Buckets
    upstream: aiohttp.ClientSession
    stopping: asyncio.Event
    grants: Grants = field(default_factory=Grants)
    description: Memory[bytes] = field(default_factory=Memory)
    health: Memory[list[Health]] = field(default_factory=Memory)

    @cached_property
    def targets(self) -> dict[str, str]:
        """Where each service listens; not the gateway itself, which would ask itself for ever."""
        return {name: url.rstrip("/") for name, url in self.settings.service_urls.items() if name != "gateway"}

    @property
    def services(self) -> list[str]:
        return sorted(self.targets)

    def address_of(self, scope: Scope) -> str:
        peer = scope["client"][0] if scope.get("client") else "unknown"
        if not self.settings.trusted_proxies:
            return str(peer)
        forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        return client_address(str(peer), ",".join(forwarded), self.settings.trusted_proxies)


def gate_of(runtime: Runtime) -> Gate:
    gate: Gate | None = runtime.state.get("gate")
    if gate is None:
        gate = runtime.state["gate"] = _open(runtime)
    return gate


def _open(runtime: Runtime) -> Gate:
    settings = runtime.settings
    if not isinstance(settings, GatewaySettings):
        raise TypeError(f"the gateway runs with {type(settings).__name__}")
    return Gate(
        settings,
        Buckets(settings.per_principal),
        Buckets(settings.per_address),
        Buckets(settings.sign_ins),
        aiohttp.ClientSession(
            # No limit: every open event stream holds a connection. Idle ones go before the services would close them.
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=30, keepalive_timeout=15),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=2.0),
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            auto_decompress=False,
            trust_env=False,
        ),
        runtime.stopping,
    )


def admit(buckets: Buckets, key: str) -> None:
    """Raises TooFast (429) with the seconds to wait."""
    wait = buckets.take(key, time.monotonic())
    if wait > 0:
        raise TooFast(f"Wait {ceil(wait)} s.", headers={"Retry-After": str(ceil(wait))})
