"""I21, the half of the services: what any release sent, and what a later one may send, is handled by every consumer.

The golden corpus goes through the consumers' own code as bytes from Kafka would: decoded, projected into the replicas,
worked by the reactors. A record that is quarantined, set aside or left in the inbox was not handled.
"""

import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import Database
from chassis.kafka import SourceRecord
from chassis.operations.states import BY_STATE, snapshot
from chassis.projector import Intake
from chassis.service import Runtime, Service
from chassis.testing import Answers, Publisher
from contracts.catalogue import TOPICS
from contracts.examples import examples
from contracts.jsonschema import schemas
from contracts.newer import newer
from contracts.schemas import CONTRACTS

Record = dict[str, Any]
CONSUMERS = sorted({name for topic in TOPICS for name in topic.consumers})
SCHEMAS = schemas()


@pytest.fixture(scope="session", params=CONSUMERS)
def service(request: pytest.FixtureRequest) -> Service:
    found: Service = import_module(f"{request.param}.service").service
    return found


def corpus() -> Iterator[tuple[str, Record]]:
    """(where it is from, record): every example of every release, today's, and what may come."""
    for path in sorted((CONTRACTS / "released").glob("*/examples/*.json")):
        yield path.parts[-3], json.loads(path.read_text("utf-8"))
    for type_, example in examples():
        yield "today", example
        yield from newer(example, SCHEMAS[type_])


def as_sent(record: Record, number: int) -> SourceRecord:
    """The record as the next version of its aggregate, so that no guard takes it for an old one."""
    newer_version = {"version": number}
    data = record["data"] | (newer_version if is_state(record) else {"state": record["data"]["state"] | newer_version})
    headers = record["headers"] | {"ce_id": str(uuid4()), "ce_sequence": f"{number:020d}"}
    encoded = [(name, value.encode()) for name, value in headers.items()]
    return SourceRecord(record["topic"], 0, number, record["key"].encode(), json.dumps(data).encode(), encoded)


def is_state(record: Record) -> bool:
    return record["topic"] in BY_STATE


def heard_by(service: Service) -> list[tuple[str, Record]]:
    """Facts it subscribes to, and the states from which its replicas are built anew."""
    rebuilt = {f"{topic}.state" for topic in service.subscriptions.projectors}
    return [
        (where, record) for where, record in corpus() if record["topic"] in {*service.subscriptions.topics, *rebuilt}
    ]


async def handle(session: AsyncSession, intake: Intake, sent: SourceRecord) -> None:
    if sent.topic not in BY_STATE:
        await intake.effect(session, [sent], one_by_one=False)
        return
    received = snapshot(sent)
    assert received is not None
    for projector in intake.subscriptions.projectors[BY_STATE[sent.topic].name]:
        await projector(session, [received])


async def counted(db: Database, statement: str) -> int:
    async with db.read() as session:
        return int((await session.execute(text(statement))).scalar_one())


async def test_every_event_of_every_release_and_of_later_ones_is_handled(
    service: Service, runtime: Runtime, publish: Publisher, answer: Answers
) -> None:
    answer("dedup", "/api/dedup/v1/claims", {"results": []})
    heard = heard_by(service)
    intake = Intake(runtime.db, service.name, service.subscriptions)
    expected = 0
    for number, (where, record) in enumerate(heard, start=1):
        type_ = record["headers"]["ce_type"]
        try:
            async with runtime.db.transaction() as session:
                await handle(session, intake, as_sent(record, number))
            await publish.react()
        except Exception as error:
            raise AssertionError(f"{service.name} does not handle {type_} ({where})") from error
        expected += len(service.subscriptions.reactors.get(type_, []))
        assert await counted(runtime.db, "select count(*) from quarantine") == 0, (type_, where)
        assert await counted(runtime.db, "select count(*) from inbox") == 0, (type_, where)
    assert len(heard) > 3 * len(service.subscriptions.topics)
    assert await counted(runtime.db, "select count(*) from inbox_done") == expected
    if service.subscriptions.projectors:
        assert await replicated(runtime.db) > 0


async def replicated(db: Database) -> int:
    """Rows of the replicas; whatever is in them came from the corpus."""
    names = "select string_agg(relname, ',') from pg_class where relname like '%replicas' and relkind = 'r'"
    async with db.read() as session:
        tables = str((await session.execute(text(names))).scalar_one()).split(",")
        return sum([(await session.execute(text(f'select count(*) from "{table}"'))).scalar_one() for table in tables])
