"""I11: a consumer whose database has no room left waits, in its group and at its place, and loses nothing."""

from uuid import UUID

import pytest
from sqlalchemy import text

from chassis import metrics

from .conftest import TOPIC, Bench, team_created, wait_until
from .lanes import Lane, lanes
from .test_i08_poison import record

FULL = """
create function full_disk() returns trigger language plpgsql as $$ begin
raise exception 'could not extend file "base/5/16384": No space left on device' using errcode = 'disk_full'; end $$"""

QUARANTINED = "select key from quarantine"


async def execute(lane: Lane, *statements: str) -> None:
    async with lane.database.engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))


async def is_full(lane: Lane, table: str) -> None:
    """PostgreSQL answers with 53100 to every row for the table, as it does when a file cannot grow."""
    await execute(lane, f"create trigger full_disk before insert on {table} for each row execute function full_disk()")


async def is_freed(lane: Lane, table: str) -> None:
    await execute(lane, f"drop trigger full_disk on {table}")


async def waiting(lane: Lane, keys: list[UUID]) -> list[tuple[str, int, bool]]:
    """State, attempts, and whether it was put off, of each event in the inbox; nothing may be in the quarantine."""
    mine = {str(key) for key in keys}
    assert not mine & {bytes(row["key"] or b"").decode(errors="replace") for row in await lane.rows(QUARANTINED)}
    found = await lane.rows("select key, state, attempts, postponed from inbox")
    return [(row["state"], row["attempts"], row["postponed"] > 0) for row in found if row["key"] in mine]


@pytest.mark.timeout(180)
async def test_a_consumer_goes_on_where_it_was_when_there_is_room_again(
    bench: Bench, postgres_url: str, kafka: str
) -> None:
    producer, events = await bench.bus.producer(), [team_created("waits") for _ in range(20)]
    keys: list[UUID] = [event.state.id for event in events]
    async with lanes(postgres_url, kafka) as (lane,), lane.member():
        await execute(lane, FULL)
        # First where records are taken over, then where their effect is.
        await is_full(lane, "projected")
        before = metrics.batch_retries.labels(TOPIC)._value.get()
        await producer.send_batch([record(event) for event in events], 20)

        async def postponed() -> bool:
            return metrics.batch_retries.labels(TOPIC)._value.get() >= before + 3

        await wait_until(postponed, 60)
        members = metrics.rebalances._value.get()
        assert await waiting(lane, keys) == []
        await is_full(lane, "handled")
        await is_freed(lane, "projected")

        async def reactors_wait() -> bool:
            return [put_off for _, _, put_off in await waiting(lane, keys)] == [True] * len(keys)

        await wait_until(reactors_wait, 60)
        assert {(state, attempts) for state, attempts, _ in await waiting(lane, keys)} == {("pending", 0)}
        assert await lane.handled(keys) == 0
        await is_freed(lane, "handled")

        async def all_done() -> bool:
            return await lane.handled(keys) == len(keys)

        await wait_until(all_done, 60)
        await lane.assert_once(keys, 1)
        assert metrics.rebalances._value.get() == members, "it never left its group"
    await producer.close()
