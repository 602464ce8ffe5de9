"""From a commit to what a person sees: duplicate sets over SSE, reminders at their moment."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import aiohttp
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from benchmarks.load import Measured
from benchmarks.report import Line
from devstack.scratch import System

PAIRS, REMINDERS = 60, 100


class Stream:
    """The person's event stream; `at` keeps when each event arrived."""

    def __init__(self) -> None:
        self.events: list[tuple[float, str, dict[str, Any]]] = []
        self.changed = asyncio.Event()

    async def read(self, answer: aiohttp.ClientResponse) -> None:
        name = ""
        async for raw in answer.content:
            line = raw.decode().strip()
            if line.startswith("event:"):
                name = line[6:].strip()
            elif line.startswith("data:"):
                self.events.append((time.time(), name, json.loads(line[5:])))
                self.changed.set()

    async def first(self, wanted: Any, seconds: float = 20) -> float | None:
        """When the first event for which `wanted(name, data)` holds arrived; None when none does in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    for at, name, data in self.events:
                        if wanted(name, data):
                            return at
                    self.changed.clear()
                    await self.changed.wait()
        return None


@asynccontextmanager
async def streaming(system: System) -> AsyncIterator[Stream]:
    stream = Stream()
    forever = aiohttp.ClientTimeout(total=None)
    async with system.client.get(f"{system.address}/api/notifications/v1/stream", timeout=forever) as answer:
        reader = asyncio.create_task(stream.read(answer))
        try:
            yield stream
        finally:
            reader.cancel()


def _customer(mark: str, number: int, spelling: str) -> dict[str, Any]:
    return {
        "kind": "business",
        "name": f"{spelling} {mark} {number}",
        "phone": f"+4822{(number * 104_729) % 10_000_000:07d}",
        "billing": {"street": f"ul. {mark} {number}", "city": "Warszawa", "postal_code": "00-950", "country": "PL"},
    }


async def duplicates(system: System) -> list[Line]:
    """The second customer of each pair is committed; how long until the set shows on the stream."""
    await system.renew()
    await _alert_only(system)
    measured, mark = Measured(), uuid4().hex[:6]
    async with streaming(system) as stream:
        for number in range(PAIRS):
            await system.call("POST", "/api/accounts/v1/accounts", json=_customer(mark, number, "Zaklad Obuwniczy"))
            body = _customer(mark, number, "Zakład Obuwniczy Sp. z o.o.")
            status, made = await system.call("POST", "/api/accounts/v1/accounts", json=body)
            committed = time.time()
            seen = (
                await stream.first(lambda _, data, made=made: made.get("id") in json.dumps(data))
                if status == 201
                else None
            )
            _note(measured, seen, committed)
    bare = await _broker_round_trip(system)
    return [
        Line(
            "commit to duplicate set over SSE: p50 / p99 (missing)",
            "<= 150 / 1000 ms",
            f"{measured.percentile(0.5):.0f} / {measured.percentile(0.99):.0f} ms ({measured.failed})",
            f"one bare broker round trip {bare.percentile(0.5):.0f} / {bare.percentile(0.99):.0f} ms",
            measured.percentile(0.5) <= 150 and measured.percentile(0.99) <= 1000 and not measured.failed,
        )
    ]


async def _alert_only(system: System) -> None:
    """Under the default rule the second customer of a pair would be refused."""
    path = "/api/dedup/v1/rules/account"
    _, rule = await system.call("GET", path)
    body = {"on_create": "alert", "on_edit": rule["on_edit"]}
    await system.call("PUT", path, json=body, headers={"If-Match": f'"{rule["version"]}"'})


def _note(measured: Measured, seen: float | None, since: float) -> None:
    if seen is None:
        measured.failed += 1
    else:
        measured.latencies.append(max(seen - since, 0.0))


async def _broker_round_trip(system: System) -> Measured:
    bootstrap, topic = system.supervisor.run.kafka, "crm.notifications.notification"
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="latest")
    await producer.start()
    await consumer.start()
    await consumer.seek_to_end()
    measured = Measured()
    for _ in range(PAIRS):
        sent = time.time()
        await producer.send_and_wait(topic, b"not an event", key=b"bench")
        await consumer.getone()
        measured.latencies.append(time.time() - sent)
    await producer.stop()
    await consumer.stop()
    return measured


async def reminders(system: System) -> list[Line]:
    """Calls that start in some seconds, reminded at their start; how late each reminder is on the stream."""
    await system.renew()
    measured, due = Measured(), {}
    async with streaming(system) as stream:
        first = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=12)
        for number in range(REMINDERS):
            at = first + timedelta(seconds=number % 10)
            due[await _call_at(system, at, number)] = at.timestamp()
        for activity, moment in due.items():
            wanted = lambda name, data, of=activity: name == "notification" and of in json.dumps(data)  # noqa: E731
            _note(measured, await stream.first(wanted, 40), moment)
    return [
        Line(
            f"reminder lateness, {REMINDERS} in 10 s, due moment to the stream: p50 / p99 (missing)",
            "p99 <= 1000 ms",
            f"{measured.percentile(0.5):.0f} / {measured.percentile(0.99):.0f} ms ({measured.failed})",
            is_met=measured.percentile(0.99) <= 1000 and not measured.failed,
        )
    ]


async def _call_at(system: System, at: datetime, number: int) -> str:
    body = {
        "kind": "call",
        "subject": f"Call {number}",
        "wall_time": at.strftime("%Y-%m-%dT%H:%M:%S"),
        "time_zone": "UTC",
        "reminders": [{"minutes_before": 0}],
    }
    status, made = await system.call("POST", "/api/activities/v1/activities", json=body)
    assert status == 201, made
    return str(made["id"])
