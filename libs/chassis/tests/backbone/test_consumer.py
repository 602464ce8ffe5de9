import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import text

from chassis.consumer import ConsumerLoop
from chassis.kafka import Partition, Record, SourceRecord
from chassis.projector import Batch, Fenced
from chassis.reactor import DELAYS, ReactorLoop
from chassis.subscriptions import Received, Subscriptions
from contracts.identity import TeamChanged, TeamCreated

from .conftest import TOPIC, Bench, replica_subscriptions, wait_until

FAR = Partition(TOPIC, 99)


@asynccontextmanager
async def consuming(bench: Bench, subscriptions: Subscriptions) -> AsyncIterator[ConsumerLoop]:
    """A member of the bench's group with its reactor."""
    stopping, applied = asyncio.Event(), asyncio.Event()
    consumer = ConsumerLoop(bench.bus, bench.intake(subscriptions), stopping, applied)
    reactor = ReactorLoop(bench.database, subscriptions, stopping, applied)
    tasks = [asyncio.create_task(consumer.run()), asyncio.create_task(reactor.run())]
    try:
        yield consumer
    finally:
        stopping.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 15)


async def source(bench: Bench, offset: int = 0) -> list[SourceRecord]:
    """The outbox's rows as a broker would deliver them."""
    rows = await bench.rows("select aggregate_id, headers::text as headers, payload from outbox order by id")
    return [
        SourceRecord(
            TOPIC, FAR.number, offset + index, str(row["aggregate_id"]).encode(), row["payload"], _headers(row)
        )
        for index, row in enumerate(rows)
    ]


def _headers(row: Any) -> list[tuple[str, bytes]]:
    return [(name, value.encode()) for name, value in json.loads(row["headers"]).items()]


async def at_the_start(bench: Bench) -> None:
    await bench.rows(
        "insert into consumer_offset (grp, topic, partition, next, first_seen) values ($1, $2, 99, 0, 0)",
        bench.group,
        TOPIC,
    )


async def replicas(bench: Bench) -> dict[str, tuple[int, str]]:
    rows = await bench.rows("select id, version, name from team_replicas")
    return {str(row["id"]): (row["version"], row["name"]) for row in rows}


@pytest.mark.parametrize("client", ["aiokafka", "confluent"])
async def test_a_replica_follows_its_owner_through_the_broker(bench: Bench) -> None:
    async with bench.relaying(), consuming(bench, replica_subscriptions()), consuming(bench, replica_subscriptions()):
        ids = [await bench.create(f"t{number}") for number in range(12)]
        await asyncio.gather(*(bench.rename(identity, f"r{turn}") for identity in ids for turn in range(5)))
        owner = {str(row["id"]): (row["version"], row["name"]) for row in await bench.rows("select * from zz_teams")}

        async def equal() -> bool:
            found = await replicas(bench)
            return {key: found.get(key) for key in owner} == owner

        await wait_until(equal)


async def test_a_batch_delivered_twice_is_fenced_and_changes_nothing(bench: Bench) -> None:
    identity = await bench.create("once")
    await at_the_start(bench)
    intake, records = bench.intake(replica_subscriptions()), await source(bench)
    assert await intake.take(FAR, 0, records) == 1
    with pytest.raises(Fenced):
        await intake.take(FAR, 0, records)
    assert await replicas(bench) == {str(identity): (1, "once")}


async def test_an_older_state_never_replaces_a_newer_one(bench: Bench) -> None:
    identity = await bench.create("old")
    await bench.rename(identity, "new")
    await at_the_start(bench)
    intake, (old, new) = bench.intake(replica_subscriptions()), await source(bench)
    await intake.take(FAR, 0, [new])
    await intake.take(FAR, 2, [SourceRecord(TOPIC, 99, 2, old.key, old.value, old.headers)])
    assert await replicas(bench) == {str(identity): (2, "new")}


async def test_what_cannot_be_decoded_goes_to_the_quarantine_and_the_rest_goes_on(bench: Bench) -> None:
    identity = await bench.create("fine")
    await at_the_start(bench)
    (good,) = await source(bench, offset=3)
    broken = [
        SourceRecord(TOPIC, 99, 0, b"k", b"\xff\x00", []),
        SourceRecord(TOPIC, 99, 1, b"k", b"{}", good.headers),
        SourceRecord(TOPIC, 99, 2, b"k", None, [("ce_specversion", b"\xff")]),
    ]
    await bench.intake(replica_subscriptions()).take(FAR, 0, [*broken, good])
    assert await bench.count("quarantine") == 3
    assert str(identity) in await replicas(bench)


async def test_an_undecodable_record_in_the_broker_stops_nobody(bench: Bench) -> None:
    producer = await bench.bus.producer()
    async with bench.relaying(), consuming(bench, replica_subscriptions()):
        await producer.send_batch([Record(TOPIC, b"poison", b"\x00not json", [])] * 2, 10)
        identity = await bench.create("after the poison")

        async def arrived() -> bool:
            return str(identity) in await replicas(bench) and await bench.count("quarantine") >= 2

        await wait_until(arrived)
    await producer.close()


async def test_a_record_that_breaks_its_projector_waits_alone_with_its_key(bench: Bench) -> None:
    poison, fine = await bench.create("poison"), await bench.create("fine")
    await bench.rename(poison, "healed")
    await at_the_start(bench)
    subscriptions = Subscriptions()

    @subscriptions.project(TOPIC)
    async def keep_unless_poisoned(session: Any, batch: Any) -> None:
        for each in batch:
            if each.event.state.name == "poison":
                raise ValueError("poison")
        await replica_subscriptions().projectors[TOPIC][0](session, batch)

    first, second, third = await source(bench)
    intake = bench.intake(subscriptions)
    await intake.take(FAR, 0, [first, second])
    assert await replicas(bench) == {str(fine): (1, "fine")}
    await intake.take(FAR, 2, [third])
    waiting = await bench.rows("select key from inbox where state = 'pending' order by seq")
    assert [row["key"] for row in waiting] == [str(poison)] * 2


@dataclass
class Effects:
    """A reactor whose effect is a row, and which fails on demand."""

    subscriptions: Subscriptions
    failing: set[str]


def reactor_that_counts() -> Effects:
    effects = Effects(Subscriptions(), set())

    @effects.subscriptions.react(TeamCreated, TeamChanged)
    async def count_effect(session: Any, event: Any, received: Received) -> None:
        if event.state.name in effects.failing:
            raise ValueError(f"cannot handle {event.state.name}")
        await session.execute(
            text("insert into effects (event_id, key, version) values (:id, :key, :version)"),
            {"id": received.envelope.id, "key": received.envelope.subject, "version": event.state.version},
        )

    return effects


@pytest.fixture
async def effects_table(bench: Bench) -> None:
    # No unique constraint on purpose: an effect applied twice must show.
    await bench.rows(
        "create table effects (seq bigint generated always as identity, event_id uuid, key text, version bigint)"
    )


@pytest.mark.usefixtures("effects_table")
async def test_each_event_has_one_effect_in_the_order_of_its_key(bench: Bench) -> None:
    effects = reactor_that_counts()
    async with bench.relaying(), consuming(bench, effects.subscriptions), consuming(bench, effects.subscriptions):
        ids = [await bench.create(f"t{number}") for number in range(8)]
        await asyncio.gather(*(bench.rename(identity, f"r{turn}") for identity in ids for turn in range(6)))

        async def handled() -> bool:
            rows = await bench.rows("select count(*) from effects where key = any($1)", [str(each) for each in ids])
            return int(rows[0][0]) >= 56

        await wait_until(handled)
    for identity in ids:
        rows = await bench.rows("select version from effects where key = $1 order by seq", str(identity))
        assert [row["version"] for row in rows] == list(range(1, 8))


@pytest.mark.usefixtures("effects_table")
async def test_a_failing_key_is_parked_while_others_go_on(bench: Bench) -> None:
    effects = reactor_that_counts()
    effects.failing.add("bad")
    bad, good = await bench.create("bad"), await bench.create("good")
    await bench.rename(bad, "later")
    await at_the_start(bench)
    await bench.intake(effects.subscriptions).take(FAR, 0, await source(bench))
    stopping, applied = asyncio.Event(), asyncio.Event()
    worker = asyncio.create_task(ReactorLoop(bench.database, effects.subscriptions, stopping, applied).run())

    async def parked() -> bool:
        # The waits between the attempts are skipped, not the attempts.
        await bench.rows("update inbox set next_at = now() where state = 'pending'")
        applied.set()
        rows = await bench.rows("select attempts from inbox where state = 'parked'")
        return [row["attempts"] for row in rows] == [len(DELAYS) + 1]

    await wait_until(parked)
    stopping.set()
    await worker
    assert [row["key"] for row in await bench.rows("select key from effects")] == [str(good)]
    states = await bench.rows("select state from inbox where key = $1 order by seq", str(bad))
    assert [row["state"] for row in states] == ["parked", "pending"]


@pytest.mark.usefixtures("effects_table")
async def test_a_worker_that_lost_its_lease_leaves_no_effect(bench: Bench) -> None:
    effects = reactor_that_counts()
    await bench.create("contested")
    await at_the_start(bench)
    await bench.intake(effects.subscriptions).take(FAR, 0, await source(bench))
    loop = ReactorLoop(bench.database, effects.subscriptions, asyncio.Event(), asyncio.Event())
    (slow,) = await loop._claim(1)
    await bench.rows("update inbox set lease_until = now() - interval '1 second'")
    (quick,) = await loop._claim(1)
    await loop._work(quick)
    await loop._work(slow)
    assert await bench.count("effects") == 1


async def test_partitions_taken_together_are_taken_all_or_none(bench: Bench) -> None:
    first, second = await bench.create("first"), await bench.create("second")
    await at_the_start(bench)
    intake, (one, two) = bench.intake(replica_subscriptions()), await source(bench)
    elsewhere = Partition(TOPIC, 98)
    batches = [Batch(FAR, 0, [one]), Batch(elsewhere, 0, [replace(two, partition=98, offset=0)])]
    with pytest.raises(Fenced):  # nobody stands at the second position
        await intake.take_together(batches)
    assert await replicas(bench) == {}
    await bench.rows(
        "insert into consumer_offset (grp, topic, partition, next, first_seen) values ($1, $2, 98, 0, 0)",
        bench.group,
        TOPIC,
    )
    assert await intake.take_together(batches) == {FAR: 1, elsewhere: 1}
    assert set(await replicas(bench)) == {str(first), str(second)}
