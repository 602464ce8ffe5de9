"""Listening from now on, outside any group: for what a process shows to its own clients and keeps nowhere."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import structlog
from pydantic import ValidationError

from chassis.kafka import BrokerError, Bus
from chassis.projector import parse
from chassis.subscriptions import Received
from contracts.envelope import EnvelopeError

log = structlog.get_logger(__name__)


class Process(Protocol):
    """What listening needs of its process: chassis.service.Runtime has both."""

    bus: Bus
    stopping: asyncio.Event


async def tail(
    runtime: Process, topics: Sequence[str], *, listening: asyncio.Event | None = None
) -> AsyncIterator[Received]:
    """Every event of the topics from now on, until the process stops; `listening` is set when "now" has begun.

    A broker that is away is waited for; what happens in between is not delivered, so nothing may depend on it.
    """
    while not runtime.stopping.is_set():
        consumer = runtime.bus.consumer(topics, group=None)
        try:
            await consumer.start()
            if listening is not None:
                listening.set()
            while not runtime.stopping.is_set():
                fetched = await consumer.fetch(0.5)
                for records in fetched.values():
                    for record in records:
                        try:
                            received = parse(record)
                        except (EnvelopeError, ValidationError):
                            continue
                        if received is not None:
                            yield received
        except (BrokerError, OSError, TimeoutError) as error:
            log.warning("tail_interrupted", error=repr(error))
            await asyncio.sleep(1.0)
        finally:
            await consumer.close()
