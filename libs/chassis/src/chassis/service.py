"""What a service is made of, and what it is while it runs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from fastapi import APIRouter, FastAPI
from sqlalchemy import MetaData
from starlette.types import ASGIApp

from chassis import access, idempotency, meta, middleware, openapi, problems
from chassis.access import Policy
from chassis.auth import KeySource, PublishedKeys, Verifier
from chassis.db import Database
from chassis.kafka import Bus, Security
from chassis.settings import ServiceSettings
from chassis.subscriptions import Subscriptions
from chassis.transport import ServiceClient

if TYPE_CHECKING:
    from chassis.fields import ObjectCatalogue

MAX_BODY = 1_048_576
"""Bytes of a request body, unless a route says `max_body_size=`."""

JWKS_PATH = "/api/identity/v1/jwks"


class Worker(NamedTuple):
    """A background loop; started again with back-off when it raises."""

    name: str
    run: "Callable[[Runtime], Awaitable[None]]"


@dataclass(frozen=True)
class Service:
    """The composition root of a service. `on_start` runs once per process, before it is ready.

    `layers` are further ASGI layers around the app, the last one outermost; only the gateway has one.
    """

    name: str
    settings: type[ServiceSettings]
    router: APIRouter
    policy: Policy
    metadata: MetaData = field(default_factory=MetaData)
    subscriptions: Subscriptions = field(default_factory=Subscriptions)
    objects: "tuple[ObjectCatalogue, ...]" = ()
    workers: tuple[Worker, ...] = ()
    on_start: "Callable[[Runtime], Awaitable[None]] | None" = None
    package: str = ""
    layers: tuple[Callable[[ASGIApp], ASGIApp], ...] = ()


@dataclass
class Runtime:
    """One process's connections.

    `health` maps a part's name to `ok`, to what it waits for, or to `stuck` when the process had better be replaced;
    `relay_poll` overrides the relay's idle pause (seconds).
    """

    service: Service
    settings: ServiceSettings
    db: Database
    http: ServiceClient
    bus: Bus
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    health: dict[str, str] = field(default_factory=dict)
    relay_poll: float | None = None
    is_migrated: bool = False
    state: dict[str, Any] = field(default_factory=dict)


@asynccontextmanager
async def open_runtime(service: Service, settings: ServiceSettings) -> AsyncIterator[Runtime]:
    """Opens pools and clients and closes them at the end; nothing is connected before it is used."""
    url = settings.database_url or "postgresql+asyncpg://127.0.0.1:1/none"
    database = Database(url, service.name, pool_size=settings.pool_size, outbox_limit=settings.outbox_limit)
    client = ServiceClient(settings, service.name)
    runtime = Runtime(service, settings, database, client, bus_of(settings, service.name))
    try:
        yield runtime
    finally:
        runtime.stopping.set()
        await client.close()
        await database.close()


def bus_of(settings: ServiceSettings, client_id: str) -> Bus:
    """The broker that the settings name; connects when it is used."""
    password = settings.kafka_password.get_secret_value()
    security = Security(settings.kafka_username, password, settings.kafka_tls, settings.kafka_ca)
    return Bus(settings.kafka, client_id, settings.member_timeout, security=security, client=settings.kafka_client)


def published_keys(client: ServiceClient) -> KeySource:
    """Identity's key set, fetched when a token names a key that is not known yet."""

    async def fetch() -> Mapping[str, Any]:
        return await client.get_json("identity", JWKS_PATH, timeout=2.0)

    return PublishedKeys(fetch)


def attach(app: FastAPI, runtime: Runtime, keys: KeySource | None = None) -> None:
    """Gives the app its connections; the lifespan does it in production."""
    app.state.runtime = runtime
    app.state.verifier = Verifier(keys or published_keys(runtime.http))


Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def _lifespan(service: Service, settings: ServiceSettings, runtime: Runtime | None, keys: KeySource | None) -> Lifespan:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if runtime is not None:
            attach(app, runtime, keys)
            yield
            return
        async with open_runtime(service, settings) as opened:
            attach(app, opened, keys)
            if service.on_start is not None:
                await service.on_start(opened)
            yield

    return lifespan


def create_app(
    service: Service,
    settings: ServiceSettings,
    *,
    runtime: Runtime | None = None,
    keys: KeySource | None = None,
    with_api: bool = True,
) -> FastAPI:
    """The service's ASGI app.

    `runtime` shares the connections of a worker in the same process, which then owns `on_start` and the closing; `keys`
    replaces identity's key set. `with_api=False` leaves only the health routes. Raises UnprotectedRoute.
    """
    from chassis import health

    app = FastAPI(
        title=f"Meridian {service.name}",
        version="1",
        lifespan=_lifespan(service, settings, runtime, keys),
        openapi_url="/openapi.json" if with_api else None,
        # The framework's pages load their scripts from a third party; the gateway has one for all services.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    app.include_router(health.router)
    if with_api:
        own = (service.router, *operators_routes(service))
        access.require_policies([route for each in own for route in each.routes], service.policy)
        app.include_router(meta.router(service), max_body_size=MAX_BODY)
        for each in own:
            app.include_router(each, max_body_size=MAX_BODY)
    problems.install(app)
    app.add_exception_handler(idempotency.Replay, idempotency.replay)
    openapi.install(app)
    app.add_middleware(middleware.Edge)
    for layer in service.layers if with_api else ():
        app.add_middleware(layer)
    return app


def operators_routes(service: Service) -> tuple[APIRouter, ...]:
    """What every service with a database offers its operators; the gateway has nothing that could be stuck."""
    from chassis.operations.api import router

    return (router(service),) if "outbox" in service.metadata.tables else ()


async def run_worker(service: Service, settings: ServiceSettings) -> None:
    """Relay, consumers and background loops until the process is told to stop."""
    from chassis import worker

    async with open_runtime(service, settings) as runtime:
        if service.on_start is not None:
            await service.on_start(runtime)
        await worker.run_worker(runtime)
