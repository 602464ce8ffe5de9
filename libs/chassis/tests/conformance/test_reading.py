"""What a consumer without a group promises; one with a group promises it too."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.kafka import Bus, Partition, Record, UnknownTopic
from chassis.projector import parse
from chassis.testing.events import envelope_of
from contracts.catalogue import topic_of
from contracts.envelope import encode
from contracts.examples import example
from contracts.identity import TeamCreated

from .conftest import new_topic, numbered, read_all, send, values


async def test_without_a_group_one_reads_every_partition_from_its_present_end(bus: Bus) -> None:
    topic = await new_topic(bus, partitions=4)
    await send(bus, *(Record(topic, str(n).encode(), b"-1", []) for n in range(40)))
    consumer = bus.consumer([topic], group=None)
    await consumer.start()
    await send(bus, *(Record(topic, str(n).encode(), str(n).encode(), []) for n in range(40)))
    found: list[int] = []
    async with asyncio.timeout(20):
        while len(found) < 40:
            for records in (await consumer.fetch(0.5)).values():
                found += values(records)
    await consumer.close()
    assert sorted(found) == list(range(40))
    nothing = bus.consumer([f"{topic}.missing"], group=None)
    with pytest.raises(UnknownTopic):
        await nothing.start()
    await nothing.close()


async def test_one_can_go_back_to_any_offset_and_ask_for_the_first_and_the_last(bus: Bus) -> None:
    topic = await new_topic(bus, partitions=2)
    await send(bus, *numbered(topic, 500))
    consumer = bus.consumer([topic], group=None)
    await consumer.start()
    places = [Partition(topic, 0), Partition(topic, 1)]
    starts, ends = await consumer.starts(places), await consumer.ends(places)
    assert (sorted(starts.values()), sorted(ends.values())) == ([0, 0], [0, 500])
    (at,) = [place for place in places if ends[place]]
    for offset in (0, 499, 250, 0, 100):
        consumer.seek(at, offset)
        found = await first_fetched(consumer)
        assert found[at][0].offset == offset
        assert values(found[at]) == list(range(offset, offset + len(found[at])))
    await consumer.close()


async def test_the_first_offset_at_or_after_a_moment_is_found(bus: Bus) -> None:
    topic = await new_topic(bus, partitions=2)
    consumer = bus.consumer([topic], group=None)
    await consumer.start()
    before = datetime.now(UTC)
    await send(bus, *numbered(topic, 3))
    moment = await next_millisecond()
    await send(bus, *numbered(topic, 3))
    places = {Partition(topic, 0), Partition(topic, 1)}
    ends = await consumer.ends(places)
    (filled,), (empty,) = ({at for at in places if ends[at] == count} for count in (6, 0))
    for since, offset in (
        (before - timedelta(days=1), 0),
        (before, 0),
        (moment, 3),
        (moment + timedelta(days=1), None),
    ):
        assert await consumer.at_time(places, since) == {filled: offset, empty: None}
    await consumer.close()


async def next_millisecond() -> datetime:
    """Later than what was written until now: brokers keep times in milliseconds."""
    began = datetime.now(UTC)
    while (now := datetime.now(UTC)) < began + timedelta(milliseconds=2):
        await asyncio.sleep(0.001)
    return now


async def test_every_partition_is_held_without_a_group(bus: Bus) -> None:
    topic = await new_topic(bus, partitions=3)
    consumer = bus.consumer([topic], group=None)
    assert consumer.held() == set()
    await consumer.start()
    assert consumer.held() == {Partition(topic, number) for number in range(3)}
    await consumer.close()


async def first_fetched(consumer: Any) -> Any:
    async with asyncio.timeout(20):
        while not (found := await consumer.fetch(0.5)):
            pass
    return found


async def test_what_is_paused_stays_away_and_comes_from_where_it_was_sought(bus: Bus) -> None:
    topic = await new_topic(bus, partitions=2)
    consumer = bus.consumer([topic], group=None)
    await consumer.start()
    keys: dict[int, bytes] = {}
    for record in await sent_to_both(bus, topic):
        keys[record.partition] = record.key or b""
    await first_fetched(consumer)
    paused, flowing = Partition(topic, 0), Partition(topic, 1)
    consumer.pause([paused])
    await send(bus, *numbered(topic, 50, keys[0]), *numbered(topic, 50, keys[1]))
    found: list[Any] = []
    async with asyncio.timeout(20):
        while len(found) < 50:
            got = await consumer.fetch(0.5)
            assert not any(record.offset for record in got.get(paused, []))
            found += [record for record in got.get(flowing, []) if record.offset]
    assert values(found) == list(range(50))
    consumer.seek(paused, 31)
    consumer.resume([paused])
    assert (await first_fetched(consumer))[paused][0].offset == 31
    await consumer.close()


async def sent_to_both(bus: Bus, topic: str) -> Any:
    """One record in each partition."""
    found: dict[int, Any] = {}
    number = 0
    while len(found) < 2:
        await send(bus, Record(topic, f"key {number}".encode(), b"-1", []))
        number += 1
        for record in await read_all(bus, topic, 2):
            found.setdefault(record.partition, record)
    return found.values()


async def test_a_fetch_that_is_cancelled_loses_nothing(bus: Bus) -> None:
    topic = await new_topic(bus)
    consumer = bus.consumer([topic], group=None)
    await consumer.start()
    found: list[int] = []
    sending = asyncio.create_task(sent_slowly(bus, topic))
    async with asyncio.timeout(30):
        while len(found) < 100:
            fetching = asyncio.create_task(consumer.fetch(5))
            await asyncio.wait({fetching}, timeout=0.01)
            fetching.cancel()
            got = (await asyncio.gather(fetching, return_exceptions=True))[0]
            if not isinstance(got, BaseException):
                found += [number for records in got.values() for number in values(records)]
    await sending
    await consumer.close()
    assert found == list(range(100))


async def sent_slowly(bus: Bus, topic: str) -> None:
    producer = await bus.producer()
    for number in range(50):
        await producer.send_batch(numbered(topic, 2, start=2 * number), 10)
    await producer.close()


async def test_the_first_record_is_delivered_at_once(bus: Bus) -> None:
    topic = await new_topic(bus)
    consumer, producer = bus.consumer([topic], group=None), await bus.producer()
    await consumer.start()
    await producer.send_batch(numbered(topic, 1), 10)
    await first_fetched(consumer)
    waits = []
    for _ in range(5):
        fetching = asyncio.create_task(consumer.fetch(20))
        await producer.send_batch(numbered(topic, 1), 10)
        acknowledged = time.monotonic()
        assert await fetching
        waits.append(time.monotonic() - acknowledged)
    await consumer.close()
    await producer.close()
    # Far from what the machine can do, and from the 20 s of a client that first fills its batch.
    assert sorted(waits)[2] < 1


async def test_structured_events_are_read_like_binary_ones(bus: Bus) -> None:
    topic = await new_topic(bus)
    event = example(TeamCreated, topic_of(TeamCreated))
    headers = encode(envelope_of(event))
    attributes = {name[3:]: value.decode() for name, value in headers if name.startswith("ce_")}
    document = {**attributes, "datacontenttype": "application/json", "data": event.model_dump(mode="json")}
    key = str(event.state.id).encode()
    structured = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
    await send(
        bus,
        Record(topic, key, event.model_dump_json().encode(), headers),
        Record(topic, key, json.dumps(document).encode(), structured),
    )
    binary, other = [parse(record) for record in await read_all(bus, topic)]
    assert binary is not None and other is not None
    assert binary.event == other.event == event
    assert binary.envelope == other.envelope
