"""I10: with the database away the consumer waits in its group, and flow is back soon after the database is."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from chassis import metrics
from devstack.servers import PostgresServer

from .conftest import TOPIC, Bench, team_created, wait_until
from .lanes import lanes
from .test_i08_poison import record

RESUME = 15.0
"""Seconds. On a machine with nothing else to do it is below three."""


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    with tempfile.TemporaryDirectory(prefix="meridian-i10-") as folder:
        Path(folder).chmod(0o711)
        server = PostgresServer(Path(folder) / "postgres")
        server.start()
        yield server
        server.stop(5.0)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("is_read_only", [False, True], ids=["stopped", "restarted as read-only"])
async def test_a_consumer_stays_a_member_while_its_database_is_away(
    bench: Bench, kafka: str, own_postgres: PostgresServer, is_read_only: bool
) -> None:
    url = own_postgres.url.replace("postgresql://", "postgresql+asyncpg://")
    producer = await bench.bus.producer()
    async with lanes(url, kafka) as (lane,), lane.member() as consumer:
        first, late = team_created("before"), [team_created("while it is away") for _ in range(20)]
        await producer.send_batch([record(first)], 20)

        async def begun() -> bool:
            return await lane.handled([first.state.id]) == 1

        await wait_until(begun, 60)
        members = metrics.rebalances._value.get()
        own_postgres.stop(5.0)
        if is_read_only:  # as a primary that another one has taken over from: every write is refused with 25006
            own_postgres.settings = {"default_transaction_read_only": "on"}
            own_postgres.launch()
            own_postgres.wait_ready()
        await producer.send_batch([record(event) for event in late], 20)

        before = metrics.batch_retries.labels(TOPIC)._value.get()

        async def postponed() -> bool:
            return metrics.batch_retries.labels(TOPIC)._value.get() >= before + 3

        await wait_until(postponed, 60)
        if is_read_only:
            own_postgres.stop(5.0)
            own_postgres.settings = {}
        own_postgres.launch()
        own_postgres.wait_ready()
        back = time.monotonic()

        async def all_done() -> bool:
            with suppress(DBAPIError):  # a connection of the time before
                return await lane.handled([event.state.id for event in late]) == len(late)
            return False

        await wait_until(all_done, 60)
        seconds = time.monotonic() - back
        assert metrics.rebalances._value.get() == members, "it never left its group"
        assert consumer.health["consumer"] == "ok"
        assert seconds < RESUME, seconds
    await producer.close()
