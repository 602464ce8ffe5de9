"""What the gateway tells about the whole system: one description, and who is up."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import aiohttp
import orjson

from chassis.transport import ServiceClient
from gateway.domain import openapi

DESCRIPTION_PATIENCE = 5.0
HEALTH_PATIENCE = 1.0
DESCRIPTION_LASTS = 60.0
SHORTLY = 2.0

Kept = TypeVar("Kept")


@dataclass
class Memory(Generic[Kept]):
    """One answer, asked for again when it has lasted as many seconds as came with it; many who wait ask once."""

    value: Kept | None = None
    good_until: float = -float("inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get(self, ask: Callable[[], Awaitable[tuple[Kept, float]]]) -> Kept:
        async with self.lock:
            if self.value is None or time.monotonic() > self.good_until:
                self.value, seconds = await ask()
                self.good_until = time.monotonic() + seconds
            return self.value


@dataclass(frozen=True)
class Health:
    service: str
    is_ready: bool
    detail: str


async def whole_description(client: ServiceClient, services: list[str], own: openapi.Document) -> tuple[bytes, float]:
    """The merged OpenAPI document and how long it lasts; a service that does not answer is named and left out."""
    found = await asyncio.gather(*(_description(client, service) for service in services))
    merged = openapi.merge(own, dict(zip(services, found, strict=True)))
    return orjson.dumps(merged), SHORTLY if None in found else DESCRIPTION_LASTS


async def health_of(client: ServiceClient, services: list[str]) -> tuple[list[Health], float]:
    return list(await asyncio.gather(*(_health(client, service) for service in services))), SHORTLY


async def _description(client: ServiceClient, service: str) -> openapi.Document | None:
    try:
        return dict(await client.get_json(service, "/openapi.json", timeout=DESCRIPTION_PATIENCE))
    except (TimeoutError, aiohttp.ClientError, OSError, orjson.JSONDecodeError):
        return None


async def _health(client: ServiceClient, service: str) -> Health:
    try:
        status, answer = await client.send_json(service, "GET", "/readyz", None, headers={}, timeout=HEALTH_PATIENCE)
        said: dict[str, Any] = orjson.loads(answer)
    except (TimeoutError, aiohttp.ClientError, OSError, orjson.JSONDecodeError):
        return Health(service, False, "does not answer")
    waiting = [f"{part}: {state}" for part, state in said.get("checks", {}).items() if state != "ok"]
    return Health(service, status == 200, ", ".join(waiting) or str(said.get("status", "ready")))
