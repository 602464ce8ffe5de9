"""What members of a group promise, on a broker that misses a dead member after two seconds."""

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from chassis.kafka import Bus, Partition, Record
from libs.chassis.tests.broker import Broker

from .conftest import CLIENTS, Member, member, new_topic, numbered, read_all, send, until, values

pytestmark = pytest.mark.usefixtures("broker")


def everything(topic: str, partitions: int) -> set[Partition]:
    return {Partition(topic, number) for number in range(partitions)}


def is_shared(members: list[Member], topic: str, partitions: int) -> bool:
    """Each partition is held by exactly one of them, and nobody's share is more than one larger."""
    held = [at for each in members for at in each.held]
    shares = [len(each.held) for each in members]
    return len(held) == partitions and set(held) == everything(topic, partitions) and max(shares) - min(shares) <= 1


async def test_after_a_crash_the_next_member_goes_on_where_the_last_report_was(own: Bus, broker: Broker) -> None:
    topic, group = await new_topic(own), uuid4().hex
    await send(own, *numbered(topic, 100))
    script = str(Path(__file__).parent / "crashing_member.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, own.client, broker.bootstrap, topic, group, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 60) == b"reported\n"
    process.kill()
    await process.wait()
    async with member(own, topic, group) as heir:
        await until(lambda: len(heir.records) >= 50)
        assert values(heir.records) == list(range(50, 100))


async def test_one_member_becomes_four_and_one_again_and_every_record_is_read(own: Bus) -> None:
    topic, group = await new_topic(own, partitions=8), uuid4().hex
    sent = 0
    async with member(own, topic, group) as first, AsyncExitStack() as others:
        await until(lambda: is_shared([first], topic, 8))
        members = [first, *[await others.enter_async_context(member(own, topic, group)) for _ in range(3)]]
        await until(lambda: is_shared(members, topic, 8))
        sent = await send_numbered(own, topic, sent)
        await until(lambda: numbers(members) == set(range(sent)))
        await others.aclose()
        await until(lambda: is_shared([first], topic, 8))
        sent = await send_numbered(own, topic, sent)
        await until(lambda: numbers(members) == set(range(sent)))
        for at in everything(topic, 8):
            offsets = [record.offset for record in first.records if record.partition == at.number]
            assert offsets == sorted(offsets) or first.assignments > 1


async def send_numbered(bus: Bus, topic: str, start: int) -> int:
    await send(bus, *(Record(topic, str(n).encode(), str(n).encode(), []) for n in range(start, start + 200)))
    return start + 200


def numbers(members: list[Member]) -> set[int]:
    return {number for each in members for number in values(each.records)}


async def test_members_without_a_partition_take_over_when_others_leave(own: Bus) -> None:
    topic, group = await new_topic(own, partitions=2), uuid4().hex
    async with AsyncExitStack() as stay, AsyncExitStack() as leave:
        leaving = [await leave.enter_async_context(member(own, topic, group)) for _ in range(2)]
        await until(lambda: is_shared(leaving, topic, 2))
        staying = [await stay.enter_async_context(member(own, topic, group)) for _ in range(2)]
        await until(lambda: sorted(len(each.held) for each in [*leaving, *staying]) == [0, 0, 1, 1])
        await until(lambda: all(each.assignments for each in staying))
        await leave.aclose()
        await until(lambda: is_shared(staying, topic, 2))
        await send(own, *numbered(topic, 30))
        await until(lambda: numbers(staying) == set(range(30)))


async def test_members_know_what_they_hold(own: Bus) -> None:
    topic, group = await new_topic(own, partitions=4), uuid4().hex
    async with member(own, topic, group) as first:
        await until(lambda: first.consumer.held() == everything(topic, 4))
        async with member(own, topic, group) as second:
            await until(lambda: len(first.consumer.held()) == len(second.consumer.held()) == 2)
            assert first.consumer.held() | second.consumer.held() == everything(topic, 4)
        await until(lambda: first.consumer.held() == everything(topic, 4))


async def test_what_is_paused_stays_paused_when_a_rebalance_leaves_it_here(own: Bus) -> None:
    topic, group = await new_topic(own, partitions=2), uuid4().hex
    async with member(own, topic, group) as first:
        await until(lambda: len(first.held) == 2)
        first.consumer.pause(first.held)
        async with member(own, topic, group) as second:
            await until(lambda: is_shared([first, second], topic, 2))
            (kept,) = first.held
            await send(own, *(Record(topic, str(n).encode(), str(n).encode(), []) for n in range(60)))
            there = {r.partition: r for r in await read_all(own, topic, 2)}
            assert len(there) == 2
            theirs = [r for r in await read_all(own, topic, 2) if r.partition != kept.number]
            await until(lambda: len(second.records) == len(theirs))
            assert first.records == []
            first.consumer.resume([kept])
            await until(lambda: numbers([first, second]) == set(range(60)))


async def test_nothing_is_fetched_before_the_positions_are_set_and_a_failure_is_not_swallowed(own: Bus) -> None:
    topic, group = await new_topic(own, partitions=2), uuid4().hex
    await send(own, *numbered(topic, 100))
    seen: list[int] = []

    async def go_to_40(made: Member, partitions: set[Partition]) -> None:
        ends = await made.consumer.ends(partitions)
        await asyncio.wait({asyncio.create_task(asyncio.Event().wait())}, timeout=0.3)
        seen.append(len(made.records))
        for at in partitions:
            made.consumer.seek(at, min(40, ends[at]))

    async with member(own, topic, group, go_to_40) as there:
        await until(lambda: len(there.records) >= 60)
        assert (values(there.records), seen) == (list(range(40, 100)), [0])

    async def fail(made: Member, partitions: set[Partition]) -> None:
        raise LookupError("no positions today")

    with pytest.raises(LookupError, match="no positions today"):
        async with member(own, topic, group, fail) as broken:
            await until(lambda: broken.stopping.is_set(), 20)


async def test_members_of_both_clients_share_a_group(own: Bus, broker: Broker) -> None:
    topic, group = await new_topic(own, partitions=4), uuid4().hex
    (other,) = [Bus(broker.bootstrap, "other", member_timeout=2, client=name) for name in CLIENTS if name != own.client]
    async with member(own, topic, group) as first, AsyncExitStack() as leaves:
        second = await leaves.enter_async_context(member(other, topic, group))
        await until(lambda: is_shared([first, second], topic, 4))
        await send_numbered(own, topic, 0)
        await until(lambda: numbers([first, second]) == set(range(200)))
        await leaves.aclose()
        await until(lambda: is_shared([first], topic, 4))
