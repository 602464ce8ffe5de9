"""The stream over a real socket, fed by a real broker."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx2
import orjson
import pytest
import pytest_asyncio

from chassis.kafka import Record
from chassis.service import Runtime
from chassis.testing.events import envelope_of
from chassis.testing.tokens import user_of
from contracts.catalogue import topic_named
from contracts.envelope import encode
from contracts.notifications import NotificationCreated, NotificationState
from notifications.api.hub import TOPICS
from notifications.api.stream import hub_of

from .builders import NOW, account_assigned, activity, contact

URL = "/api/notifications/v1/stream"
ME = user_of("sales")


@pytest.fixture
def settings_overrides(kafka: str) -> dict[str, Any]:
    return {"kafka": kafka, "stream_heartbeat_seconds": 0.2, "stream_queue": 50}


@pytest_asyncio.fixture
async def produce(runtime: Runtime) -> AsyncIterator[Callable[..., Any]]:
    """Puts events on their topics, as the relays of their services do."""
    topics = [topic_named(name) for name in TOPICS]
    await runtime.bus.create_topics(topics, partitions=1, replication=1)
    producer = await runtime.bus.producer()

    async def send(*events: Any) -> None:
        records = [_record(event) for event in events]
        assert await producer.send_batch(records, 10) == [None] * len(events)

    yield send
    await producer.close()


def _record(event: Any) -> Record:
    key, value = str(event.state.id).encode(), event.model_dump_json().encode()
    return Record(event.TOPIC, key, value, encode(envelope_of(event)))


class Stream:
    """The events of one connection, parsed."""

    def __init__(self, response: httpx2.Response) -> None:
        self._lines = response.aiter_lines()

    async def next(self, *, comments: bool = False) -> dict[str, Any]:
        found: dict[str, Any] = {}
        async with asyncio.timeout(15):
            async for line in self._lines:
                if line.startswith(":"):
                    if comments:
                        return {"comment": line}
                elif line:
                    name, _, value = line.partition(": ")
                    found[name] = orjson.loads(value) if name == "data" else value
                elif found:
                    return found
        raise EOFError

    async def ended(self) -> bool:
        async with asyncio.timeout(15):
            async for _ in self._lines:
                pass
        return True


@asynccontextmanager
async def connected(client: httpx2.AsyncClient, headers: dict[str, str]) -> AsyncIterator[Stream]:
    async with client.stream("GET", URL, headers=headers, timeout=20) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        stream = Stream(response)
        assert (await stream.next())["event"] == "ready"
        yield stream


def notice(recipient_id: Any, title: str = "News", **values: Any) -> NotificationCreated:
    known = {"id": uuid4(), "version": 1, "created_at": NOW, "updated_at": NOW, "kind": "reminder"}
    state = {**known, "recipient_id": recipient_id, "title": title, "channels": ["app"], **values}
    return NotificationCreated(state=NotificationState(**state))


async def test_a_person_hears_of_own_notices_and_of_changes(live_client, as_role, produce):
    async with connected(live_client, as_role("sales")) as stream:
        mine, firm = notice(ME, "Mine"), account_assigned(uuid4())
        await produce(notice(uuid4(), "Not mine"), mine)
        heard = await stream.next()
        assert (heard["event"], heard["data"]["title"], heard["id"]) == ("notification", "Mine", str(mine.state.id))
        await produce(firm)
        change = await stream.next()
        assert change["event"] == "change"
        assert change["data"] == {"type": firm.TYPE, "object": "account", "id": str(firm.state.id), "version": 1}
        assert "id" not in change


async def test_a_private_contacts_changes_are_heard_by_its_owner_and_the_administrator_only(
    live_client, as_role, produce, publish
):
    person = contact(ME)
    await publish(person)
    call = activity(uuid4(), links=[{"object": "contact", "id": person.state.id}])
    marker = account_assigned(uuid4())
    async with (
        connected(live_client, as_role("sales")) as owner,
        connected(live_client, as_role("admin")) as admin,
        connected(live_client, as_role("sales_manager")) as manager,
    ):
        for event in (person, call, marker):
            await produce(event)
            wanted = str(event.state.id)
            assert (await owner.next())["data"]["id"] == wanted
            assert (await admin.next())["data"]["id"] == wanted
        assert (await manager.next())["data"]["id"] == str(marker.state.id)


async def test_who_comes_back_gets_what_was_missed(live_client, as_role, produce, publish, client):
    await publish(*[account_assigned(ME, name=f"Firm {index}") for index in range(3)])
    feed = await client.get("/api/notifications/v1/notifications?sort=id", headers=as_role("sales"))
    ids = [item["id"] for item in feed.json()["items"]]
    async with connected(live_client, {**as_role("sales"), "Last-Event-ID": ids[0]}) as stream:
        assert [(await stream.next())["id"] for _ in range(2)] == ids[1:]
    async with connected(live_client, {**as_role("sales"), "Last-Event-ID": "nonsense"}) as stream:
        await produce(notice(ME, "Live"))
        assert (await stream.next())["data"]["title"] == "Live"


async def test_a_quiet_stream_beats(live_client, as_role, produce):
    async with connected(live_client, as_role("sales")) as stream:
        assert (await stream.next(comments=True))["comment"] == ": alive"


async def test_who_leaves_is_forgotten(live_client, as_role, produce, runtime):
    async with connected(live_client, as_role("sales")):
        assert len(hub_of(runtime)._listeners) == 1
    async with asyncio.timeout(15):
        while hub_of(runtime)._listeners:
            await asyncio.sleep(0.02)


async def test_a_stream_ends_when_the_process_stops(live_client, as_role, produce, runtime):
    async with connected(live_client, as_role("sales")) as stream:
        runtime.stopping.set()
        assert await stream.ended()


async def test_a_listener_that_does_not_keep_up_is_dropped(runtime, produce):
    from chassis.auth import Principal

    hub = hub_of(runtime)
    listener = hub.join(Principal(ME, "user", "Slow", frozenset({"sales"})))
    async with asyncio.timeout(15):
        await hub.listening.wait()
    await produce(*[notice(ME) for _ in range(60)])
    async with asyncio.timeout(15):
        while listener in hub._listeners:
            await asyncio.sleep(0.02)
    assert listener.queue.get_nowait() is None
    runtime.stopping.set()
