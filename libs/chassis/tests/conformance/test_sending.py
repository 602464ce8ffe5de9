"""What a producer promises."""

from collections import defaultdict

from chassis.kafka import Bus, Client, Record, RecordTooLarge, UnknownTopic, Withheld
from chassis.kafka.port import NewTopic
from libs.chassis.tests.broker import Broker

from .conftest import CLIENTS, new_topic, numbered, read_all, send, values


async def test_records_of_a_key_keep_their_order(bus: Bus) -> None:
    topic = await new_topic(bus, partitions=6)
    producer = await bus.producer()
    for turn in range(5):
        batch = [
            Record(topic, f"k{key}".encode(), str(turn * 20 + n).encode(), []) for n in range(20) for key in range(25)
        ]
        assert await producer.send_batch(batch, 20) == [None] * 500
    await producer.close()
    by_key: dict[bytes | None, list[int]] = defaultdict(list)
    for record in await read_all(bus, topic, 6):
        by_key[record.key] += values([record])
    assert by_key == {f"k{key}".encode(): list(range(100)) for key in range(25)}


async def test_a_key_goes_to_the_same_partition_whoever_sends_it(bus: Bus, kafka: str) -> None:
    topic = await new_topic(bus, partitions=24)
    keys = [f"{number:08x}-{'é' * (number % 3)}".encode() for number in range(300)] + [b"\x00", b"\xff\xfe"]
    for name in CLIENTS:
        await send(Bus(kafka, "conformance", client=name), *(Record(topic, key, name.encode(), []) for key in keys))
    places: dict[bytes | None, set[int]] = defaultdict(set)
    found = await read_all(bus, topic, 24)
    for record in found:
        places[record.key].add(record.partition)
    assert len(found) == 2 * len(keys)
    assert {len(each) for each in places.values()} == {1}
    assert len(set.union(*places.values())) == 24


async def test_headers_arrive_as_they_were_sent(bus: Bus) -> None:
    topic = await new_topic(bus)
    sent = [
        [],
        [("empty", b"")],
        [("name", "Žluťoučký kůň 企業".encode()), ("größe", b"\x00\xff")],
        [("again", b"1"), ("other", b"2"), ("again", b"1"), ("again", b"3")],
    ]
    await send(bus, *(Record(topic, b"k", b"v", headers) for headers in sent))
    assert [[tuple(each) for each in record.headers] for record in await read_all(bus, topic)] == sent


async def test_a_tombstone_is_not_an_empty_value(bus: Bus) -> None:
    topic = await new_topic(bus, cleanup_policy="compact")
    await send(bus, Record(topic, b"a", None, []), Record(topic, b"b", b"", []))
    assert [(record.key, record.value) for record in await read_all(bus, topic)] == [(b"a", None), (b"b", b"")]


async def test_a_record_of_900_kilobytes_arrives_whole(bus: Bus) -> None:
    topic = await new_topic(bus)
    large = bytes(range(256)) * 3_600
    small = numbered(topic, 3)
    assert await send(bus, *small, Record(topic, b"k", large, []), *small) == [None] * 7
    found = await read_all(bus, topic)
    assert [record.value for record in found] == [b"0", b"1", b"2", large, b"0", b"1", b"2"]


async def test_a_record_that_is_too_large_is_refused_alone_and_what_follows_it_withheld(bus: Bus) -> None:
    topic = await new_topic(bus, partitions=3)
    large = Record(topic, b"poison", bytes(1_100_000), [])
    before, after = Record(topic, b"poison", b"1", []), Record(topic, b"poison", b"3", [])
    others = numbered(topic, 100, b"other")
    results = await send(bus, before, *others[:50], large, after, *others[50:])
    assert [type(error) for error in results if error is not None] == [RecordTooLarge, Withheld]
    assert (results[51].__class__, results[52].__class__) == (RecordTooLarge, Withheld)
    found = await read_all(bus, topic, 3)
    assert values([record for record in found if record.key == b"other"]) == list(range(100))
    assert values([record for record in found if record.key == b"poison"]) == [1]


async def test_a_record_that_the_topic_refuses_is_refused_alone(bus: Bus) -> None:
    topic = await new_topic(bus, max_message_bytes="300000")
    first, second = numbered(topic, 50), numbered(topic, 50, start=50)
    results = await send(bus, *first, Record(topic, b"large", bytes(400_000), []), *second)
    assert [index for index, error in enumerate(results) if error is not None] == [50]
    assert isinstance(results[50], RecordTooLarge)
    assert await send(bus, *numbered(topic, 1, start=100)) == [None]
    assert values(await read_all(bus, topic)) == list(range(101))


async def test_a_topic_that_is_missing_holds_up_no_other_and_works_once_it_is_there(bus: Bus) -> None:
    topic = await new_topic(bus)
    missing = f"{topic}.missing"
    producer = await bus.producer()
    results = await producer.send_batch([*numbered(missing, 2), *numbered(topic, 20)], 20)
    assert isinstance(results[0], UnknownTopic)
    assert isinstance(results[1], UnknownTopic | Withheld)
    assert results[2:] == [None] * 20
    await bus.create([NewTopic(missing, 1, 1, {})])
    while any(await producer.send_batch(numbered(missing, 1), 20)):
        pass
    assert values(await read_all(bus, missing)) == [0]
    await producer.close()


async def test_a_lost_answer_repeats_nothing(broker: Broker, client: Client) -> None:
    bus = Bus(broker.proxied, "conformance", client=client)
    topic = await new_topic(bus)
    producer = await bus.producer()
    assert await producer.send_batch(numbered(topic, 3), 20) == [None] * 3
    for turn in range(1, 4):
        broker.proxy.lose_answer()
        assert await producer.send_batch(numbered(topic, 3, start=turn * 3), 30) == [None] * 3
        assert broker.proxy.lost == 1
    await producer.close()
    assert values(await read_all(bus, topic)) == list(range(12))
