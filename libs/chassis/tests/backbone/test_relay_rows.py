"""Rows that cannot be published, topics that are missing, and what leaves the outbox when."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from chassis.kafka import SourceRecord
from chassis.kafka.port import NewTopic
from chassis.relay import ATTEMPTS, Relay
from contracts.envelope import decode

from .conftest import TOPIC, Bench, wait_until
from .teams import Team
from .test_relay import first_versions, read_topic, write_concurrently

CLIENTS = ["aiokafka", "confluent"]


async def three_versions(bench: Bench, name: str) -> UUID:
    identity = await bench.create(name)
    await bench.rename(identity, f"{name} 2")
    await bench.rename(identity, f"{name} 3")
    return identity


def versions(records: list[SourceRecord], identity: UUID) -> list[int]:
    return first_versions(records).get(str(identity).encode(), [])


TOO_LARGE = (
    "update outbox set payload = convert_to(jsonb_set(convert_from(payload, 'UTF8')::jsonb, '{state,name}',"
    " to_jsonb(repeat('x', 1100000)))::text, 'UTF8') where aggregate_id = $1 and version = 2"
)
UNREADABLE = "update outbox set payload = 'not json' where aggregate_id = $1 and version = 2"


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("damage", [TOO_LARGE, UNREADABLE], ids=["too large", "unreadable"])
async def test_a_row_that_cannot_be_sent_is_parked_with_what_follows_it_while_others_flow(
    bench: Bench, damage: str
) -> None:
    bad, good = await three_versions(bench, "bad"), await three_versions(bench, "good")
    await bench.rows(damage, bad)
    async with bench.relaying():
        await wait_until(bench.drained)
        # What comes later waits beside it too.
        await bench.rename(bad, "later")
        await wait_until(bench.drained)
    parked = await bench.rows("select version, reason from outbox_parked where aggregate_id = $1 order by id", bad)
    assert [row["version"] for row in parked] == [2, 3, 4]
    assert [row["reason"].partition("(")[0] for row in parked][0] in ("RecordTooLarge", "Unpublishable")
    assert parked[-1]["reason"] == "follows a parked event"
    published = await read_topic(bench, TOPIC, {bad, good})
    assert (versions(published, bad), versions(published, good)) == ([1], [1, 2, 3])


async def test_a_row_is_tried_five_times_and_meanwhile_nothing_of_its_aggregate_passes_it(bench: Bench) -> None:
    identity = await three_versions(bench, "bad")
    await bench.rows(UNREADABLE, identity)
    relay = Relay("", bench.bus, asyncio.Event())
    connection = await asyncpg.connect(bench.dsn)
    await relay.leases.begin(connection)
    await connection.set_type_codec("jsonb", encoder=str, decoder=json.loads, schema="pg_catalog")
    await relay.leases.keep(connection)
    for attempt in range(1, ATTEMPTS + 1):
        await relay._round(connection)
        left = await bench.rows("select version from outbox order by id")
        assert [row["version"] for row in left] == ([2, 3] if attempt < ATTEMPTS else [])
    await relay._drop_producer()
    await connection.close()
    assert versions(await read_topic(bench, TOPIC, {identity}), identity) == [1]


@pytest.mark.parametrize("client", CLIENTS)
async def test_rows_of_a_missing_topic_wait_for_it_and_hold_up_no_other(bench: Bench) -> None:
    missing = f"crm.missing.{bench.group}"
    early, good = await three_versions(bench, "early"), await three_versions(bench, "good")
    await bench.rows("update outbox set topic = $1, state_topic = null where aggregate_id = $2", missing, early)
    async with bench.relaying():

        async def only_the_others_left() -> bool:
            left = await bench.rows("select distinct topic from outbox")
            return [row["topic"] for row in left] == [missing]

        await wait_until(only_the_others_left)
        await bench.bus.create([NewTopic(missing, 6, 1, {})])
        await wait_until(bench.drained)
    assert versions(await read_topic(bench, missing, {early}), early) == [1, 2, 3]
    assert versions(await read_topic(bench, TOPIC, {good}), good) == [1, 2, 3]
    assert await bench.count("outbox_parked") == 0


async def test_a_deleted_aggregate_leaves_a_tombstone_in_the_state_topic(bench: Bench) -> None:
    identity = await three_versions(bench, "short-lived")
    await bench.rows("update outbox set tombstone = true where version = 3")
    async with bench.relaying():
        await wait_until(bench.drained)
    states = await read_topic(bench, f"{TOPIC}.state", {identity})
    assert [record.value is None for record in states] == [False, False, True]
    facts = await read_topic(bench, TOPIC, {identity})
    assert facts[-1].value is not None
    assert decode(states[-1].headers, None)[0].sequence == 3


async def test_a_second_writer_of_the_same_version_fails_and_leaves_nothing(bench: Bench) -> None:
    identity = await bench.create("contested")
    before = await bench.rows("select * from outbox")
    with pytest.raises(Exception, match="uq_outbox_aggregate_type_aggregate_id_version_type"):
        async with bench.database.transaction() as session:
            await session.connection()
            session.sync_session.info["unit"].events.append(second_row(before[0]))
            session.add(Team(name="beside it"))
    assert await bench.rows("select * from outbox") == before
    assert [row["id"] for row in await bench.rows("select id from zz_teams")] == [identity]


def second_row(row: Any) -> dict[str, Any]:
    """The same version once more, as a writer without the lock would make it."""
    same = {name: value for name, value in dict(row).items() if name not in ("id", "created_at")}
    return {**same, "headers": {}, "event_id": uuid4()}


async def test_a_stop_in_the_middle_waits_for_the_acknowledgements_and_frees_the_leases(bench: Bench) -> None:
    stopping = asyncio.Event()
    relay = Relay(bench.dsn, bench.bus, stopping)
    running = asyncio.create_task(relay.run())
    writing = asyncio.create_task(write_concurrently(bench, aggregates=10, changes=20))

    async def has_begun() -> bool:
        return bool(await bench.rows("select 1 from outbox where id > 20 limit 1"))

    await wait_until(has_begun)
    stopping.set()
    began = asyncio.get_running_loop().time()
    await running
    assert asyncio.get_running_loop().time() - began < 10
    assert not await bench.rows("select 1 from outbox_shard where lease_until > now()")
    assert await bench.count("relay_member") == 0
    ids = await writing
    left = await bench.count("outbox")
    # Whatever was acknowledged is gone from the outbox: nothing is published twice.
    assert len(await read_topic(bench, TOPIC, ids)) + left == 10 * 21
