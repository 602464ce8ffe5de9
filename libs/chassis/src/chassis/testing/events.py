"""Events in and out of a service without a broker: the consumers' own code reads them, the outbox shows them."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select
from uuid_utils.compat import uuid7

from chassis.context import current_correlation_id
from chassis.db import Database
from chassis.kafka import Partition, SourceRecord
from chassis.projector import Intake, stored_positions
from chassis.reactor import ReactorLoop
from chassis.subscriptions import Subscriptions
from chassis.tables import OUTBOX
from contracts.catalogue import event_class, topic_of
from contracts.envelope import Envelope, encode
from contracts.event import Fact

FactT = TypeVar("FactT", bound=Fact)


class Publisher:
    """`await publish(LeadCaptured(state=…), times=2)`: the service takes it as its consumers do, reactors included."""

    def __init__(self, database: Database, service: str, subscriptions: Subscriptions) -> None:
        self._database = database
        self._intake = Intake(database, service, subscriptions)
        self._subscriptions = subscriptions

    async def __call__(
        self,
        *events: Fact,
        times: int = 1,
        actor_id: UUID | str | None = None,
        actor_type: str | None = None,
        **envelope: Any,
    ) -> None:
        """Applies each event `times` times with the same id; what a reactor raises, the test gets.

        `actor_id` is the acting user unless `actor_type` says otherwise; `envelope` overrides attributes.
        """
        who = {"actor_type": actor_type or ("user" if actor_id else "system"), "actor_id": actor_id and str(actor_id)}
        for event in events:
            sent = replace(envelope_of(event), **{**who, **envelope})
            for _ in range(times):
                await self._take(event, sent)
        await self.react()

    async def _take(self, event: Fact, envelope: Envelope) -> None:
        topic = topic_of(type(event)).name
        start = await self._position(topic)
        payload = event.model_dump_json().encode()
        key = str(event.state.id).encode()
        record = SourceRecord(topic, 0, start, key, payload, encode(envelope))
        await self._intake.take(Partition(topic, 0), start, [record])

    async def _position(self, topic: str) -> int:
        at = Partition(topic, 0)
        async with self._database.transaction() as session:
            return (await stored_positions(session, self._intake.group, {at: 0}))[at]

    async def react(self) -> None:
        """Works the inbox until nothing is due."""
        loop = ReactorLoop(self._database, self._subscriptions, asyncio.Event(), asyncio.Event())
        while rows := await loop._claim(1):
            for row in rows:
                await loop._handle(row)


def envelope_of(event: Fact) -> Envelope:
    """What the producer's outbox would write around the event."""
    topic = topic_of(type(event))
    return Envelope(
        id=uuid7(),
        type=event.TYPE,
        source=f"/crm/{topic.producer}",
        subject=str(event.state.id),
        time=datetime.now(UTC),
        sequence=event.state.version,
        correlation_id=current_correlation_id(),
        causation_id=None,
        traceparent=None,
        actor_type="system",
        actor_id=None,
        classification=topic.classification,
        dataschema=event.SCHEMA,
    )


class Outbox:
    """`await emitted(AccountCreated)` -> what waits to be published, in order."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, event: type[FactT] | None = None) -> list[Any]:
        async with self._database.read() as session:
            rows = (await session.execute(select(OUTBOX.c.type, OUTBOX.c.payload).order_by(OUTBOX.c.id))).all()
        found = [known.model_validate_json(row.payload) for row in rows if (known := event_class(row.type))]
        return [each for each in found if event is None or isinstance(each, event)]

    async def headers(self) -> list[dict[str, str]]:
        """The envelopes' headers, in the same order."""
        async with self._database.read() as session:
            return list((await session.execute(select(OUTBOX.c.headers).order_by(OUTBOX.c.id))).scalars())
