"""I13: a client that delivers nothing is replaced, and a process in which that does not help ends."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import counting
import pytest
from fastapi import APIRouter

from chassis import cli, consumer, service, worker
from chassis.access import Policy
from chassis.consumer import ConsumerStuck
from chassis.kafka import Bus, Consumer, Partition, SourceRecord
from chassis.projector import Intake
from chassis.service import Service
from chassis.settings import ServiceSettings

from .conftest import Bench, wait_until
from .lanes import lanes
from .teams import Base

deafness = {"left": 0, "made": 0}


class Deaf:
    """A real member of the group whose records get lost on the way to us."""

    def __init__(self, real: Consumer) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def fetch(self, limit: float) -> dict[Partition, list[SourceRecord]]:
        await self._real.fetch(limit)
        return {}


@dataclass(frozen=True)
class PartlyDeaf(Bus):
    """Its first consumers deliver nothing."""

    def consumer(self, *arguments: Any, **options: Any) -> Consumer:
        made = super().consumer(*arguments, **options)
        deafness["made"] += 1
        if deafness["left"] <= 0:
            return made
        deafness["left"] -= 1
        return Deaf(made)


@contextmanager
def deaf(times: int) -> Iterator[None]:
    deafness.update(left=times, made=0)
    yield
    deafness.update(left=0)


@pytest.mark.timeout(120)
async def test_a_client_that_delivers_nothing_is_replaced(bench: Bench, postgres_url: str, kafka: str) -> None:
    async with lanes(postgres_url, kafka) as (lane,), bench.relaying():
        key = await bench.create("heard in the end")
        await wait_until(bench.drained)
        with deaf(2):
            stopping, applied = asyncio.Event(), asyncio.Event()
            intake = Intake(lane.database, lane.group, counting.subscriptions)
            loop = consumer.ConsumerLoop(
                PartlyDeaf(kafka, "deaf", member_timeout=3.0), intake, stopping, applied, standstill=1.0
            )
            running = asyncio.create_task(loop.run())

            async def projected() -> bool:
                rows = await lane.rows("select key from projected")
                return str(key) in {row["key"] for row in rows}

            await wait_until(projected, 60)
            stopping.set()
            await running
        assert deafness["made"] == 3


@pytest.mark.timeout(120)
async def test_a_process_that_new_clients_do_not_help_ends_with_an_error(
    bench: Bench, postgres_url: str, kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "Bus", PartlyDeaf)
    monkeypatch.setattr(worker, "ConsumerLoop", partial(consumer.ConsumerLoop, standstill=1.0))
    states: list[str] = []
    monkeypatch.setattr(consumer, "log", Recorder(states))
    async with lanes(postgres_url, kafka) as (lane,), bench.relaying():
        await bench.create("never heard")
        await wait_until(bench.drained)
        settings = ServiceSettings(database_url=lane.database.url, kafka=kafka, port=0, member_timeout=6)
        composed = Service(
            lane.group,
            ServiceSettings,
            APIRouter(),
            Policy({}),
            Base.metadata,
            counting.subscriptions,
            package="workshop",
        )
        with deaf(99), pytest.raises(ConsumerStuck):
            await cli.serve(composed, settings, with_api=False, with_worker=True)
    assert states.count("consumer_stood_still") == consumer.STANDSTILLS_ALLOWED


class Recorder:
    """A logger that keeps what happened."""

    def __init__(self, kept: list[str]) -> None:
        self._kept = kept

    def _keep(self, event: str, **values: Any) -> None:
        self._kept.append(event)

    info = warning = error = _keep
