"""I8: four kinds of poison; each stops its own key at most, and a mended key goes on in its order."""

from collections import Counter
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from chassis.kafka import Record
from chassis.projector import headers_of
from chassis.reactor import DELAYS
from chassis.subscriptions import Received, Subscriptions
from chassis.testing.events import envelope_of
from contracts.event import Event
from contracts.identity import TeamChanged, TeamCreated

from .conftest import TOPIC, Bench, team_created, wait_until
from .test_consumer import consuming

GOOD = 30


def record(event: Any, payload: bytes | None = None) -> Record:
    headers = [(name, value.encode()) for name, value in headers_of(envelope_of(event)).items()]
    value = event.model_dump_json().encode() if payload is None else payload
    return Record(TOPIC, str(event.state.id).encode(), value, headers)


class Handler:
    """Keeps what it handled; `broken` are names that it cannot handle, `tried` says how often it was asked per key."""

    def __init__(self) -> None:
        self.subscriptions, self.broken, self.tried = Subscriptions(), {"bug"}, Counter[str]()

        @self.subscriptions.react(TeamCreated, TeamChanged)
        async def handle_all_but_the_broken(session: Any, event: Any, received: Received) -> None:
            self.tried[received.envelope.subject] += 1
            if event.state.name in self.broken:
                raise ZeroDivisionError(event.state.name)
            values = {"key": received.envelope.subject, "version": event.state.version}
            await session.execute(text("insert into done (key, version) values (:key, :version)"), values)


def version(event: TeamCreated, number: int, name: str) -> Event:
    return TeamChanged(state=event.state.model_copy(update={"version": number, "name": name}))


async def versions(bench: Bench, key: UUID) -> list[int]:
    rows = await bench.rows("select version from done where key = $1 order by n", str(key))
    return [row["version"] for row in rows]


async def without_waiting(bench: Bench) -> None:
    """The waits between the attempts are skipped, not the attempts."""
    await bench.rows("update inbox set next_at = now() where state = 'pending'")


@pytest.mark.timeout(180)
async def test_poison_stops_its_own_key_and_a_mended_key_goes_on_in_order(bench: Bench) -> None:
    await bench.rows("create table done (n bigint generated always as identity, key text, version bigint)")
    handler, bug = Handler(), team_created("bug")
    large, good = team_created("g" * 900_000), [team_created("good") for _ in range(GOOD)]
    producer = await bench.bus.producer()
    poison = [
        Record(TOPIC, uuid4().bytes, b"\xff\xfe", []),
        record(team_created("schema"), b'{"state": {"id": 1}}'),
        record(bug),
        record(version(bug, 2, "fine")),
        record(large),
    ]
    outcomes = await producer.send_batch([*poison, *map(record, good)], 30)
    assert outcomes == [None] * len(outcomes)
    async with consuming(bench, handler.subscriptions):
        fine = [str(event.state.id) for event in (large, *good)]

        async def good_is_done() -> bool:
            return len(await bench.rows("select 1 from done where key = any($1)", fine)) >= len(fine)

        await wait_until(good_is_done, 60)
        assert await versions(bench, large.state.id) == [1]
        for event in good:
            assert await versions(bench, event.state.id) == [1]
        mine = "select count(*) from quarantine where key = any($1)"
        assert (await bench.rows(mine, [poison[0].key, poison[1].key]))[0][0] == 2

        async def parked() -> bool:
            await without_waiting(bench)
            rows = await bench.rows("select key, attempts from inbox where state = 'parked'")
            return (str(bug.state.id), len(DELAYS) + 1) in [(row["key"], row["attempts"]) for row in rows]

        await wait_until(parked, 60)
        assert await versions(bench, bug.state.id) == [], "what follows the failed one waits"
        # Others were tried once more at most, in one transaction with the poison; while it is parked, never.
        assert max(handler.tried[key] for key in fine) <= 2
        more = [team_created("good") for _ in range(GOOD)]
        assert await producer.send_batch([record(event) for event in more], 30) == [None] * GOOD
        fine = [str(event.state.id) for event in more]
        await wait_until(good_is_done, 60)
        assert [handler.tried[key] for key in fine] == [1] * GOOD
        await producer.close()
        handler.broken.clear()
        # As `meridian parked retry` does.
        await bench.rows("update inbox set state = 'pending', attempts = 0 where state = 'parked'")

        async def mended() -> bool:
            await without_waiting(bench)
            return len(await versions(bench, bug.state.id)) == 2

        await wait_until(mended, 60)
    assert await versions(bench, bug.state.id) == [1, 2]
