import asyncio
from collections import defaultdict
from uuid import UUID

from chassis.kafka import Partition, SourceRecord
from contracts.catalogue import topic_named
from contracts.envelope import decode

from .conftest import TOPIC, Bench, wait_until


async def read_topic(bench: Bench, topic: str, ids: set[UUID]) -> list[SourceRecord]:
    """All records about the given aggregates, in the order of the log."""
    consumer = bench.bus.consumer([topic], group=None)
    await consumer.start()
    try:
        ends = await consumer.ends([Partition(topic, number) for number in range(6)])
        for at, start in (await consumer.starts(ends)).items():
            consumer.seek(at, start)
        seen: dict[Partition, list[SourceRecord]] = defaultdict(list)
        missing = {at for at, end in ends.items() if end > 0}
        async with asyncio.timeout(20):
            while missing:
                for at, records in (await consumer.fetch(0.2)).items():
                    seen[at] += records
                    if records[-1].offset >= ends[at] - 1:
                        missing.discard(at)
    finally:
        await consumer.close()
    wanted = {str(identity).encode() for identity in ids}
    return [record for at in sorted(seen, key=lambda at: at.number) for record in seen[at] if record.key in wanted]


def first_versions(records: list[SourceRecord]) -> dict[bytes, list[int]]:
    """Per aggregate the versions in the order of their first occurrence."""
    versions: dict[bytes, list[int]] = defaultdict(list)
    for record in records:
        sequence = decode(record.headers, record.value)[0].sequence
        if sequence not in versions[record.key or b""]:
            versions[record.key or b""].append(sequence)
    return versions


async def write_concurrently(bench: Bench, aggregates: int, changes: int) -> set[UUID]:
    ids = [await bench.create(f"team {number}") for number in range(aggregates)]
    await asyncio.gather(*(bench.rename(identity, f"v{turn}") for turn in range(changes) for identity in ids))
    return set(ids)


async def test_every_committed_event_arrives_in_the_order_of_versions(bench: Bench) -> None:
    async with bench.relaying(relays=2):
        ids = await write_concurrently(bench, aggregates=10, changes=12)
        await wait_until(bench.drained)
    records = await read_topic(bench, TOPIC, ids)
    assert first_versions(records) == {str(identity).encode(): list(range(1, 14)) for identity in ids}
    # With leases that hold, repeats are rare: less than one in a hundred.
    assert len(records) - 130 <= 1


async def test_the_state_topic_holds_the_newest_state(bench: Bench) -> None:
    async with bench.relaying():
        identity = await bench.create("old")
        await bench.rename(identity, "new")
        await wait_until(bench.drained)
    last = (await read_topic(bench, f"{TOPIC}.state", {identity}))[-1]
    envelope, data = decode(last.headers, last.value)
    assert envelope.type == topic_named(TOPIC).state_type
    assert topic_named(TOPIC).state_model.model_validate_json(data or b"").version == 2


async def test_two_relays_share_the_shards_and_hand_over_when_one_leaves(bench: Bench) -> None:
    async with bench.relaying() as (stays,):
        async with bench.relaying() as (leaves,):

            async def shared() -> bool:
                return len(stays.shards) == 8 and len(leaves.shards) == 8 and not set(stays.shards) & set(leaves.shards)

            await wait_until(shared)

        async def taken_over() -> bool:
            return len(stays.shards) == 16

        await wait_until(taken_over)


async def kill_relays(bench: Bench) -> bool:
    killed = await bench.rows(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
        " and application_name = '' and pid <> pg_backend_pid()"
    )
    return len(killed) > 0


async def test_losing_every_connection_loses_nothing(bench: Bench) -> None:
    async with bench.relaying(relays=2):
        writing = asyncio.create_task(write_concurrently(bench, aggregates=8, changes=10))
        for _ in range(4):
            # Each time it is a new connection that dies.
            await wait_until(lambda: kill_relays(bench))
        ids = await writing
        await wait_until(bench.drained)
    versions = first_versions(await read_topic(bench, TOPIC, ids))
    assert versions == {str(identity).encode(): list(range(1, 12)) for identity in ids}
