"""The fixtures themselves. A service's conftest only says which service: `from leads.service import service`."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
import structlog
import uvicorn
from fastapi import FastAPI

from chassis.auth import StaticKeys
from chassis.db import Database
from chassis.service import Runtime, Service, attach, create_app, open_runtime
from chassis.settings import ServiceSettings
from chassis.testing import databases
from chassis.testing.answers import Answers
from chassis.testing.events import Outbox, Publisher
from chassis.testing.hostile import Hostile
from chassis.testing.rights import Rights
from chassis.testing.tokens import SIGNING_KEY, AsRole, headers_for

NO_BROKER = "127.0.0.1:9"
SERVERS = pytest.StashKey[Any]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("filterwarnings", "ignore:EdDSA is deprecated:joserfc.errors.SecurityWarning")
    # Through the standard library, where pytest collects records; without the slow traces that structlog prints.
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    running = item.config.stash.get(SERVERS, None)
    if report.failed and running is not None and (death := running.death()):
        report.sections.append(("a server died", death))
    return report


def pytest_runtest_setup(item: pytest.Item) -> None:
    running = item.config.stash.get(SERVERS, None)
    if running is not None and "kafka" in getattr(item, "fixturenames", ()) and (death := running.revive()):
        item.warn(pytest.PytestWarning(f"started again before this test: {death}"))


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Iterator[Any]:
    """PostgreSQL and Kafka of this test session; each starts when it is first asked for."""
    # Only tests need the local servers, so only tests need the package.
    from devstack.servers import shared

    with shared() as running:
        request.config.stash[SERVERS] = running
        yield running
        del request.config.stash[SERVERS]


@pytest.fixture(scope="session")
def postgres_url(servers: Any) -> str:
    """A superuser's address of a real PostgreSQL, `postgresql+asyncpg://…`."""
    return str(servers.postgres_url).replace("postgresql://", "postgresql+asyncpg://", 1)


@pytest.fixture(scope="session")
def kafka(servers: Any) -> str:
    """host:port of a real broker."""
    return str(servers.bootstrap)


@pytest.fixture(scope="session")
def databases_by_service() -> dict[str, databases.TestDatabase]:
    """Kept by package and not as a fixture's value: many services share one session."""
    return {}


@pytest.fixture
def settings_overrides() -> dict[str, Any]:
    """A test module overrides it to change the service's settings."""
    return {}


@pytest_asyncio.fixture
async def database(
    service: Service, postgres_url: str, databases_by_service: dict[str, databases.TestDatabase]
) -> databases.TestDatabase:
    """The service's migrated database with nothing but what its migrations wrote."""
    package = service.package or service.name
    if package not in databases_by_service:
        databases_by_service[package] = await databases.created(postgres_url, service)
    found = databases_by_service[package]
    await found.reset()
    return found


@pytest_asyncio.fixture
async def answer() -> AsyncIterator[Answers]:
    """Replaces the services that are asked: `answer("dedup", "/api/dedup/v1/claims", {...})`."""
    answers = Answers()
    async with answers.listening():
        yield answers


@pytest.fixture
def settings(
    service: Service, database: databases.TestDatabase, answer: Answers, settings_overrides: dict[str, Any]
) -> ServiceSettings:
    values = {"database_url": database.url, "kafka": NO_BROKER, "service_urls": answer.service_urls, "pool_size": 5}
    return service.settings(**{**values, **settings_overrides})


@pytest_asyncio.fixture
async def runtime(service: Service, settings: ServiceSettings) -> AsyncIterator[Runtime]:
    async with open_runtime(service, settings) as opened:
        if service.on_start is not None:
            await service.on_start(opened)
        yield opened


@pytest.fixture
def db(runtime: Runtime) -> Database:
    return runtime.db


@pytest.fixture
def app(service: Service, settings: ServiceSettings, runtime: Runtime) -> FastAPI:
    made = create_app(service, settings, runtime=runtime)
    attach(made, runtime, StaticKeys(SIGNING_KEY))
    return made


@pytest_asyncio.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """The service in this process, signed out; add `headers=as_role("sales")`."""
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://meridian.test") as opened:
        yield opened


@pytest_asyncio.fixture
async def live_client(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """The same app behind a real socket, for streams and for what only a real connection shows."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        async with asyncio.timeout(10):
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.005)
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}") as opened:
            yield opened
        server.should_exit = True
        await serving


@pytest.fixture
def as_role() -> AsRole:
    """Headers of a signed-in person (or of a service account with the role `service`)."""
    return headers_for


@pytest.fixture
def publish(runtime: Runtime) -> Publisher:
    return Publisher(runtime.db, runtime.service.name, runtime.service.subscriptions)


@pytest.fixture
def emitted(runtime: Runtime) -> Outbox:
    return Outbox(runtime.db)


@pytest.fixture
def hostile(client: httpx2.AsyncClient) -> Hostile:
    """`assert await hostile(as_role("admin")) == []`: no input makes the service fail, every refusal is a problem."""
    return Hostile(client)


@pytest.fixture
def rights(client: httpx2.AsyncClient, service: Service) -> Rights:
    """`assert await rights() == []`: every route answers every role as the policy says."""
    return Rights(client, service)
