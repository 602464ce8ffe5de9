"""I29: one trace from the HTTP request to the effect in the third service, and every cause on the way is named.

accounts takes the request, dedup suspects a duplicate when it has heard of the account, notifications tells the owner.
Their own code, their own databases, the relay of each and a real broker; only identity's keys are the test's.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from sqlalchemy import text

from chassis import migrations, tracing
from chassis.auth import StaticKeys
from chassis.kafka import Record
from chassis.projector import headers_of
from chassis.service import Runtime, Service, attach, create_app, open_runtime
from chassis.tail import tail
from chassis.testing import SIGNING_KEY, Answers, databases, headers_for
from chassis.testing.events import envelope_of
from chassis.testing.tokens import user_of
from chassis.worker import run_worker
from contracts.catalogue import topic_of
from contracts.envelope import Envelope
from contracts.examples import example
from contracts.identity import UserCreated
from tests.services.test_every_service import clear

NAMES = ("accounts", "dedup", "notifications")
TOPICS = ("crm.accounts.account", "crm.dedup.duplicate_set", "crm.notifications.notification")
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.install(provider)
    yield exporter
    tracing.install(None)


@asynccontextmanager
async def working(name: str, postgres_url: str, kafka: str, answers: Answers) -> AsyncIterator[Runtime]:
    """A service with its relay, consumers and loops."""
    service: Service = import_module(f"{name}.service").service
    database = await databases.created(postgres_url, service)
    given: dict[str, Any] = {"database_url": database.url, "kafka": kafka, "service_urls": answers.service_urls}
    settings = service.settings(**given, partitions=2, member_timeout=8)
    await migrations.create_topics(service, settings)
    async with open_runtime(service, settings) as runtime:
        if service.on_start is not None:
            await service.on_start(runtime)
        worker = asyncio.create_task(run_worker(runtime))
        yield runtime
        runtime.stopping.set()
        await asyncio.wait_for(worker, 30)


@pytest.fixture
async def runtimes(postgres_url: str, kafka: str, answer: Answers) -> AsyncIterator[dict[str, Runtime]]:
    answer("dedup", "/api/dedup/v1/claims", clear)
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(working(name, postgres_url, kafka, answer)) for name in NAMES}


@asynccontextmanager
async def at_the_door(runtime: Runtime) -> AsyncIterator[httpx2.AsyncClient]:
    app = create_app(runtime.service, runtime.settings, runtime=runtime)
    attach(app, runtime, StaticKeys(SIGNING_KEY))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://meridian.test") as client:
        yield client


async def until(condition: Callable[[], Awaitable[Any]], seconds: float = 60) -> Any:
    async with asyncio.timeout(seconds):
        while not (found := await condition()):
            await asyncio.sleep(0.1)
        return found


async def rows(runtime: Runtime, statement: str, **values: Any) -> list[Any]:
    async with runtime.db.read() as session:
        return list((await session.execute(text(statement), values)).all())


async def make_known(runtimes: dict[str, Runtime]) -> None:
    """Everybody hears from identity of the person who will own the accounts."""
    event = example(UserCreated, topic_of(UserCreated))
    event = event.model_copy(update={"state": event.state.model_copy(update={"id": user_of("sales"), "version": 1})})
    headers = [(name, value.encode()) for name, value in headers_of(envelope_of(event)).items()]
    record = Record(event.TOPIC, str(event.state.id).encode(), event.model_dump_json().encode(), headers)
    producer = await runtimes["accounts"].bus.producer()
    assert await producer.send_batch([record], 30) == [None]
    await producer.close()

    async def heard() -> bool:
        statement = "select 1 from user_replicas where id = :id"
        return all([await rows(each, statement, id=user_of("sales")) for each in runtimes.values()])

    await until(heard)


@asynccontextmanager
async def following(runtime: Runtime, correlation_id: str) -> AsyncIterator[dict[str, Envelope]]:
    """The envelopes of one correlation id by topic, as any subscriber sees them."""
    seen: dict[str, Envelope] = {}
    listening = asyncio.Event()

    async def listen() -> None:
        async for received in tail(runtime, TOPICS, listening=listening):
            if received.envelope.correlation_id == correlation_id:
                seen[received.event.TOPIC] = received.envelope

    task = asyncio.create_task(listen())
    await asyncio.wait_for(listening.wait(), 60)
    yield seen
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def create_account(client: httpx2.AsyncClient, name: str, **headers: str) -> str:
    place = {"city": "Kraków", "country": "PL", "street": "Rynek 1"}
    body = {"kind": "business", "name": name, "billing": place}
    answer = await client.post("/api/accounts/v1/accounts", json=body, headers={**headers_for("sales"), **headers})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def path_to(last: ReadableSpan, spans: Sequence[ReadableSpan]) -> list[ReadableSpan]:
    """From the root of the trace down to the span."""
    by_id = {each.context.span_id: each for each in spans}
    path = [last]
    while path[0].parent is not None and path[0].parent.span_id in by_id:
        path.insert(0, by_id[path[0].parent.span_id])
    return path


@pytest.mark.timeout(300)
async def test_i29_one_trace_from_the_request_to_the_third_service(
    runtimes: dict[str, Runtime], spans: InMemorySpanExporter
) -> None:
    await make_known(runtimes)
    name, visit = f"Zażółć Gęślą {uuid4().hex[:8]} Jaźń", f"visit-{uuid4()}"
    async with at_the_door(runtimes["accounts"]) as client, following(runtimes["accounts"], visit) as seen:
        twin = await create_account(client, name)
        await until(lambda: rows(runtimes["dedup"], "select 1 from records where id = :id", id=twin))
        await create_account(client, name, **{"traceparent": TRACE, "X-Correlation-Id": visit})

        async def told() -> bool:
            return len(seen) == len(TOPICS)

        await until(told)

    created, suspected, notified = (seen[topic] for topic in TOPICS)
    assert created.causation_id is None, "a person began it"
    assert (suspected.causation_id, notified.causation_id) == (str(created.id), str(suspected.id))
    assert {str(each.traceparent).split("-")[1] for each in seen.values()} == {TRACE.split("-")[1]}

    finished = spans.get_finished_spans()
    of_trace = [each for each in finished if each.context.trace_id == int(TRACE.split("-")[1], 16)]
    last = next(each for each in of_trace if each.name == "tell_owners_of_duplicate_set")
    path = path_to(last, of_trace)
    assert [each.name for each in path] == ["POST /api/accounts/v1/accounts", "keep_accounts", last.name]
    assert path[0].parent is not None and path[0].parent.span_id == int(TRACE.split("-")[2], 16)
    linked = {link.context.span_id for each in finished if each.kind is SpanKind.PRODUCER for link in each.links}
    assert {each.context.span_id for each in path} <= linked, "the relay of each service says whose events it sent"
