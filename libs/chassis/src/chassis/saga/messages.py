"""Commands and replies leave a transaction as rows of the outbox, like facts, with the saga as their key."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.outbox import MAX_PAYLOAD, EventTooLarge, WrongProducer, envelope_of, shard_of
from chassis.unit import unit_of
from contracts.catalogue import topic_of
from contracts.envelope import encode
from contracts.event import Message


def send(session: AsyncSession, message: Message, number: int) -> None:
    """Queues one message. The caller holds the lock on the row that counts: `number` grows with every message that the
    row's owner sends for this step or saga, so the order of outbox ids is the order of sending.

    Raises WrongProducer, EventTooLarge.
    """
    unit, topic = unit_of(session), topic_of(type(message))
    if unit.service not in topic.writers:
        raise WrongProducer(f"{unit.service} may not write {message.TYPE}")
    payload = message.model_dump_json().encode()
    if len(payload) > MAX_PAYLOAD:
        raise EventTooLarge(f"{message.TYPE} of {message.saga_id}: {len(payload)} bytes")
    envelope = envelope_of(message, topic, message.saga_id, number)
    unit.events.append(
        {
            "shard": shard_of(message.saga_id),
            "topic": topic.name,
            "state_topic": None,
            "tombstone": False,
            # The numbers of two steps may meet.
            "aggregate_type": f"{topic.aggregate}:{message.step}",
            "aggregate_id": message.saga_id,
            "version": number,
            "event_id": envelope.id,
            "type": message.TYPE,
            "headers": {name: value.decode() for name, value in encode(envelope)},
            "payload": payload,
        }
    )


@asynccontextmanager
async def attempt(session: AsyncSession) -> AsyncIterator[None]:
    """A savepoint: what fails inside leaves neither rows nor events, and what went before stays."""
    unit = unit_of(session)
    events, changes = len(unit.events), len(unit.changes)
    try:
        async with session.begin_nested():
            yield
            await session.flush()
    except BaseException:
        del unit.events[events:], unit.changes[changes:]
        raise
