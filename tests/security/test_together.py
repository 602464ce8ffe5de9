"""With the least rights at both servers the whole way still works: a change, its event, another service's replica."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chassis import worker
from chassis.service import Runtime, open_runtime

from .conftest import Cluster, connected, service_named
from .secured import Secured

ADMIN_EMAIL = "first@meridian.example"


@asynccontextmanager
async def working(cluster: Cluster, secured: Secured, name: str) -> AsyncIterator[Runtime]:
    """The service's worker: consumers with the role `app`, the relay with its own, Kafka in the service's name."""
    service = service_named(name)
    urls = {"database_url": cluster.alchemy(name, "app"), "relay_database_url": cluster.alchemy(name, "relay")}
    first = {"admin_email": ADMIN_EMAIL, "admin_password": "correct horse battery"} if name == "identity" else {}
    settings = secured.settings(service, name, member_timeout=10, **urls, **first)
    async with open_runtime(service, settings) as runtime:
        if service.on_start is not None:
            await service.on_start(runtime)
        running = asyncio.create_task(worker.run_worker(runtime))
        try:
            yield runtime
        finally:
            runtime.stopping.set()
            await running


async def test_an_event_reaches_a_replica(cluster: Cluster, filled: Secured) -> None:
    replicas = await connected(cluster.url("activities", "report"))
    outbox = await connected(cluster.url("identity", "relay"))
    try:
        async with working(cluster, filled, "identity"), working(cluster, filled, "activities"):
            async with asyncio.timeout(60):
                while await replicas.fetchval("select count(*) from user_replicas") == 0:
                    await asyncio.sleep(0.1)
                while await outbox.fetchval("select count(*) from outbox") != 0:
                    await asyncio.sleep(0.1)
    finally:
        await replicas.close()
        await outbox.close()
