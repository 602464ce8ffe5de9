"""Events that the broker refuses: parked with what follows them, sent in their order once an operator lets them go."""

from uuid import UUID

import pytest

from chassis.operations import parked

from .conftest import TOPIC, Bench, wait_until
from .test_relay import first_versions, read_topic

# Longer than any broker takes by default.
ENLARGED = """
update outbox set payload = convert_to('{"padding":"' || repeat('y', 1200000) || '",' ||
  substr(convert_from(payload, 'UTF8'), 2), 'UTF8') where aggregate_id = $1 and version = 2"""
MENDED = """
update outbox_parked
set payload = convert_to('{' || substr(convert_from(payload, 'UTF8'), length('{"padding":"') + 1200000 + 3), 'UTF8')
where aggregate_id = $1 and version = 2"""


async def three_versions(bench: Bench) -> UUID:
    identity = await bench.create("first")
    for name in ("second", "third"):
        await bench.rename(identity, name)
    await bench.rows(ENLARGED, identity)
    return identity


async def versions_on_topic(bench: Bench, identity: UUID) -> list[int]:
    found = first_versions(await read_topic(bench, TOPIC, {identity}))
    return found.get(str(identity).encode(), [])


async def change(bench: Bench, identity: UUID, *, drop: bool = False) -> None:
    async with bench.database.transaction() as session:
        found = await parked.only_parked(session, str(identity), None)
        if drop:
            await parked.drop(session, found, "no longer needed", whole=False)
        else:
            await parked.retry(session, found)


@pytest.mark.parametrize(("is_dropped", "arrived"), [(False, [1, 2, 3, 4]), (True, [1, 3, 4])])
async def test_a_refused_key_goes_on_in_its_order_while_the_relay_runs(
    bench: Bench, is_dropped: bool, arrived: list[int]
) -> None:
    identity = await three_versions(bench)
    async with bench.relaying(relays=2):

        async def set_aside() -> bool:
            return await bench.count("outbox_parked") == 2 and await bench.drained()

        await wait_until(set_aside, 60)
        assert await versions_on_topic(bench, identity) == [1]
        await bench.rename(identity, "fourth")

        async def follows() -> bool:
            return await bench.count("outbox_parked") == 3

        await wait_until(follows)
        await bench.rows(MENDED, identity)
        await change(bench, identity, drop=is_dropped)

        async def sent() -> bool:
            return await bench.drained() and await bench.count("outbox_parked") == 0

        await wait_until(sent)
    assert await versions_on_topic(bench, identity) == arrived
