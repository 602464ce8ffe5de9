"""What is sent: facts about a team of about 800 bytes with all of our headers, and tables that they live in."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column
from uuid_utils.compat import uuid7

from chassis.outbox import shard_of
from contracts.catalogue import topic_of
from contracts.envelope import Envelope, encode
from contracts.identity import TeamChanged, TeamState
from libs.chassis.tests.backbone.teams import Base

PAYLOAD = 800
TOPIC = TeamChanged.TOPIC
STATE_TOPIC = topic_of(TeamChanged).state_name

_ID, _EVENT, _VERSION = UUID(int=0xA << 120), UUID(int=0xB << 120), 1_234_567_890
MARKS = (str(_ID), str(_EVENT), str(_VERSION))
"""What stands in the template for the aggregate's id, the event's id and the version."""


class Effect(Base):
    """One row per handled event; no unique constraint on purpose, so that an effect applied twice would show."""

    __tablename__ = "effects"
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    event_id: Mapped[UUID]
    version: Mapped[int] = mapped_column(BigInteger)


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact as the outbox holds it; `headers` is JSON text."""

    aggregate_id: UUID
    version: int
    event_id: UUID
    headers: str
    payload: bytes

    def row(self, topic: str = TOPIC, state_topic: str | None = None) -> tuple[Any, ...]:
        """In the order of OUTBOX_COLUMNS."""
        return (
            *(shard_of(self.aggregate_id), topic, state_topic, False, "team", self.aggregate_id, self.version),
            *(self.event_id, TeamChanged.TYPE, self.headers, self.payload),
        )

    def record_headers(self) -> list[tuple[str, bytes]]:
        return [(name, value.encode()) for name, value in orjson.loads(self.headers).items()]


OUTBOX_COLUMNS = (
    *("shard", "topic", "state_topic", "tombstone", "aggregate_type", "aggregate_id", "version"),
    *("event_id", "type", "headers", "payload"),
)


def fact(aggregate_id: UUID, version: int, event_id: UUID | None = None) -> Fact:
    """Made from a template: what a writer costs is not what is measured here."""
    event_id = event_id or uuid7()
    headers, payload = template()
    told = {str(_ID): str(aggregate_id), str(_EVENT): str(event_id), f"{_VERSION:020d}": f"{version:020d}"}
    for mark, value in told.items():
        headers = headers.replace(mark, value)
    text = payload.replace(str(_ID), str(aggregate_id)).replace(str(_VERSION), f"{version:>10d}")
    return Fact(aggregate_id, version, event_id, headers, text.encode())


@cache
def template() -> tuple[str, str]:
    """Headers as JSON text and payload, with MARKS where the values go."""
    event = _event("")
    event = _event("x" * (PAYLOAD - len(event.model_dump_json())))
    headers = {name: value.decode() for name, value in encode(_envelope())}
    return orjson.dumps(headers).decode(), event.model_dump_json()


def _event(filling: str) -> TeamChanged:
    now = datetime.now(UTC)
    state = TeamState(id=_ID, version=_VERSION, created_at=now, updated_at=now, created_by=_ID, name=filling)
    return TeamChanged(state=state, previous={"name": "Corporate Sales"})


def _envelope() -> Envelope:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    return Envelope(
        id=_EVENT,
        type=TeamChanged.TYPE,
        source="/crm/identity",
        subject=str(_ID),
        time=datetime.now(UTC),
        sequence=_VERSION,
        correlation_id=str(_EVENT),
        causation_id=None,
        traceparent=trace,
        actor_type="user",
        actor_id=str(_ID),
        classification="none",
        dataschema=TeamChanged.SCHEMA,
    )
