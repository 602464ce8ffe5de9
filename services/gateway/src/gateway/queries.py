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

Kept = TypeVar("Kept")


@dataclass
class Memory(Generic[Kept]):
    """One answer, asked for again when it is older than `seconds`."""

    seconds: float
    value: Kept | None = None
    asked_at: float = -float("inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get(self, ask: Callable[[], Awaitable[Kept]]) -> Kept:
        async with self.lock:
            if self.value is None or time.monotonic() - self.asked_at > self.seconds:
                self.value = await ask()
                self.asked_at = time.monotonic()
            return self.value


@dataclass(frozen=True)
class Health:
    service: str
    is_ready: bool
    detail: str


async def whole_description(client: ServiceClient, services: list[str], own: openapi.Document) -> bytes:
    """The merged OpenAPI document; a service that does not answer is named in it and left out."""
    found = await asyncio.gather(*(_description(client, service) for service in services))
    return orjson.dumps(openapi.merge(own, dict(zip(services, found, strict=True))))


async def health_of(client: ServiceClient, services: list[str]) -> list[Health]:
    return list(await asyncio.gather(*(_health(client, service) for service in services)))


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
