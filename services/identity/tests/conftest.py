from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI

from chassis.auth import PublishedKeys
from chassis.service import Runtime, Service, attach


@pytest.fixture(scope="session")
def service() -> Service:
    from identity.service import service

    return service


@pytest.fixture
def settings_overrides() -> dict[str, object]:
    """Hashing that costs nothing, one service account and a first administrator."""
    return {
        "argon2_time_cost": 1,
        "argon2_memory_kib": 64,
        "argon2_lanes": 1,
        "service_clients": {"leads": "leads-secret"},
        "admin_email": "Admin@Example.com",
        "admin_password": "first-password",
    }


@pytest_asyncio.fixture
async def door(app: FastAPI, runtime: Runtime, client: httpx2.AsyncClient) -> AsyncIterator[httpx2.AsyncClient]:
    """The client of an app that accepts the tokens which identity itself signs."""

    async def fetch() -> Any:
        return (await client.get("/api/identity/v1/jwks")).json()

    attach(app, runtime, PublishedKeys(fetch, pause=0.0))
    yield client
