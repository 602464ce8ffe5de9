"""Replay and bootstrap on a real broker: bounded, beside the live group, into a shadow or behind the versions."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from chassis.kafka import Record
from chassis.operations import bootstrap, replay
from chassis.operations.jobs import Job, JobRefused
from chassis.operations.replay import Replay
from chassis.subscriptions import Subscriptions

from .conftest import TOPIC, Bench, replica_subscriptions, wait_until
from .test_consumer import consuming, reactor_that_counts, replicas

STATES = f"{TOPIC}.state"


@dataclass
class Reports:
    """Stands in for the job's row: what was reported."""

    parameters: dict[str, Any] = field(default_factory=dict)
    seen: list[dict[str, Any]] = field(default_factory=list)

    async def report(self, **progress: Any) -> None:
        self.seen.append(progress)


def asked(bench: Bench, into: str = "shadow", **wanted: Any) -> Job:
    parameters = Replay(topic=wanted.pop("topic", TOPIC), into=cast(Any, into), **wanted).model_dump(mode="json")
    return cast(Job, Reports(parameters))


def runtime_of(bench: Bench, subscriptions: Subscriptions) -> Any:
    service = SimpleNamespace(name=bench.group, subscriptions=subscriptions)
    return SimpleNamespace(db=bench.database, bus=bench.bus, service=service)


@dataclass
class Teams:
    """Some teams that are published and replicated."""

    bench: Bench
    ids: list[UUID]

    async def owner(self) -> dict[str, tuple[int, str]]:
        rows = await self.bench.rows("select id, version, name from zz_teams")
        return {str(row["id"]): (row["version"], row["name"]) for row in rows}

    async def equal(self) -> bool:
        found = await replicas(self.bench)
        return all(found.get(key) == value for key, value in (await self.owner()).items())


@asynccontextmanager
async def replicated(bench: Bench, count: int = 8) -> AsyncIterator[Teams]:
    async with bench.relaying(), consuming(bench, replica_subscriptions()):
        teams = Teams(bench, [await bench.create(f"team {number}") for number in range(count)])
        for identity in teams.ids:
            await bench.rename(identity, "renamed")
        await wait_until(teams.equal)
        yield teams


async def positions(bench: Bench) -> list[tuple[int, int]]:
    rows = await bench.rows("select partition, next from consumer_offset where grp = $1 order by 1", bench.group)
    return [(row["partition"], row["next"]) for row in rows]


def own(result: dict[str, Any], ids: list[UUID]) -> dict[str, Any]:
    """The differences that concern this test's teams: other tests use the topic too."""
    found = result["differences"].get("team_replicas", {})
    names = {str(each) for each in ids}
    return {kind: each for kind, each in found.items() if kind != "rows" and names & set(each["keys"])}


async def test_a_shadow_that_equals_the_live_rows_shows_no_difference(bench: Bench) -> None:
    async with replicated(bench) as teams:
        before = await positions(bench)
        since = (await bench.rows("select min(created_at) as at from zz_teams"))[0]["at"]
        job = asked(bench, first=since - timedelta(minutes=1))
        result = await replay.run(runtime_of(bench, replica_subscriptions()), job)
        assert result["chosen"] >= 16 and result["differences"]["team_replicas"]["rows"] >= 8
        assert own(result, teams.ids) == {}
        assert await positions(bench) == before, "the live group stands where it stood"
    assert await bench.rows("select 1 from pg_class where relname = 'team_replicas' and relpersistence = 't'") == []


async def test_a_shadow_shows_what_is_wrong_with_the_live_rows(bench: Bench) -> None:
    async with replicated(bench, 4) as teams:
        lost, old, wrong, newer = teams.ids
        await bench.rows("delete from team_replicas where id = $1", lost)
        await bench.rows("update team_replicas set version = 1, name = 'before' where id = $1", old)
        await bench.rows("update team_replicas set name = 'by hand' where id = $1", wrong)
        await bench.rows("update team_replicas set version = 9 where id = $1", newer)
        since = datetime.now(UTC) - timedelta(minutes=5)
        for topic in (TOPIC, STATES):
            job = asked(bench, topic=topic, first=since)
            found = own(await replay.run(runtime_of(bench, replica_subscriptions()), job), teams.ids)
            kinds = {kind: set(each["keys"]) & {str(each) for each in teams.ids} for kind, each in found.items()}
            assert kinds.pop("missing_live") == {str(lost)}
            assert kinds == {"older_live": {str(old)}, "different": {str(wrong)}, "newer_live": {str(newer)}}
            assert found["different"]["columns"] == ["name"]
        assert str(lost) not in await replicas(bench), "a shadow mends nothing"


async def test_only_what_is_chosen_is_replayed(bench: Bench) -> None:
    async with replicated(bench, 3) as teams:
        one = str(teams.ids[0])
        job = asked(bench, key=one, types=["crm.identity.team.created.v1"])
        result = await replay.run(runtime_of(bench, replica_subscriptions()), job)
        assert result["chosen"] == 1 and own(result, teams.ids)["newer_live"]["keys"] == [one]
        later = asked(bench, first=datetime.now(UTC) + timedelta(minutes=1))
        nothing = await replay.run(runtime_of(bench, replica_subscriptions()), later)
        assert (nothing["read"], nothing["chosen"]) == (0, 0)


async def test_a_replay_into_live_mends_what_is_missing_and_takes_nothing_back(bench: Bench) -> None:
    async with replicated(bench, 3) as teams:
        lost, newer, _ = teams.ids
        await bench.rows("delete from team_replicas where id = $1", lost)
        await bench.rows("update team_replicas set version = 9, name = 'newest' where id = $1", newer)
        await replay.run(runtime_of(bench, replica_subscriptions()), asked(bench, "live"))
        found = await replicas(bench)
        assert found[str(lost)] == (2, "renamed") and found[str(newer)] == (9, "newest")


async def test_a_projector_that_refuses_is_counted_in_a_shadow(bench: Bench) -> None:
    async with replicated(bench, 3) as teams:
        refusing = Subscriptions()

        @refusing.project(TOPIC)
        async def keep_unless_poisoned(session: Any, batch: Any) -> None:
            if any(each.envelope.subject == str(teams.ids[0]) for each in batch):
                raise ValueError("poison")
            await replica_subscriptions().projectors[TOPIC][0](session, batch)

        # The topic is shared: what cannot be decoded in it is refused by everybody.
        usual = await replay.run(runtime_of(bench, replica_subscriptions()), asked(bench))
        result = await replay.run(runtime_of(bench, refusing), asked(bench))
        assert result["refused"] == usual["refused"] + 1
        assert await bench.rows("select 1 from inbox") == [], "nothing is set aside on behalf of a shadow"


async def test_reactors_get_what_they_remember_only_once(bench: Bench) -> None:
    await bench.rows(
        "create table effects (seq bigint generated always as identity, event_id uuid, key text, version bigint)"
    )
    effects = reactor_that_counts()
    async with bench.relaying(), consuming(bench, effects.subscriptions):
        identity = await bench.create("counted")

        async def counted() -> bool:
            return bool(await bench.rows("select 1 from effects where key = $1", str(identity)))

        await wait_until(counted)
        since = datetime.now(UTC) - timedelta(minutes=10)
        wanted = asked(bench, "live", first=since, handlers=["count_effect"], key=str(identity))
        await replay.run(runtime_of(bench, effects.subscriptions), wanted)

        async def finished() -> bool:
            return await bench.count("inbox") == 0

        await wait_until(finished)
        assert len(await bench.rows("select 1 from effects where key = $1", str(identity))) == 1


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"handlers": ["nobody"]}, "nobody does not listen"),
        ({"handlers": ["count_effect"]}, "no rows to compare"),
        ({"handlers": ["count_effect"], "into": "live"}, "remember 7 days"),
        ({"topic": STATES, "into": "live"}, "bootstrap"),
        ({"topic": "crm.identity.user"}, "No projector does not listen"),
    ],
)
async def test_what_makes_no_sense_is_refused(bench: Bench, wanted: dict[str, Any], said: str) -> None:
    subscriptions = replica_subscriptions()
    subscriptions.reactors = reactor_that_counts().subscriptions.reactors
    with pytest.raises(JobRefused, match=said):
        await replay.run(runtime_of(bench, subscriptions), asked(bench, **{"into": "shadow", **wanted}))


async def test_i23_a_replica_built_from_the_state_topic_equals_the_owner_while_writes_continue(bench: Bench) -> None:
    async with replicated(bench, 30) as teams:
        writing = True

        async def write() -> int:
            turn = 0
            while writing:
                turn += 1
                await bench.rename(teams.ids[turn % 30], f"turn {turn}")
                if turn % 10 == 0:
                    teams.ids.append(await bench.create(f"born in turn {turn}"))
            return turn

        writer = asyncio.create_task(write())
        await bench.rows("delete from team_replicas where id = any($1)", teams.ids[:20])
        job = cast(Job, Reports())
        result = await bootstrap.run(runtime_of(bench, replica_subscriptions()), job)
        writing = False
        assert await writer > 10, "somebody wrote meanwhile"
        assert result["states"] >= 30 and result["refused"] == 0
        assert {each["phase"] for each in cast(Reports, job).seen} >= {"states"}
        await wait_until(teams.equal)


async def test_a_tombstone_brings_nobody_back(bench: Bench) -> None:
    producer = await bench.bus.producer()
    gone = uuid4()
    headers = [("ce_specversion", b"1.0"), ("ce_id", str(uuid4()).encode()), ("ce_type", f"{STATES}.v1".encode())]
    headers += [
        ("ce_source", b"/crm/identity"),
        ("ce_subject", str(gone).encode()),
        ("ce_time", b"2026-11-23T09:00:00Z"),
    ]
    assert await producer.send_batch([Record(STATES, str(gone).encode(), None, headers)], 20) == [None]
    await producer.close()
    async with replicated(bench, 2):
        result = await bootstrap.run(runtime_of(bench, replica_subscriptions()), cast(Job, Reports()))
    assert result["tombstones"] >= 1 and str(gone) not in await replicas(bench)


async def test_bytes_that_are_no_state_are_counted(bench: Bench) -> None:
    producer = await bench.bus.producer()
    assert await producer.send_batch([Record(STATES, b"poison", b"\x00", [])], 20) == [None]
    await producer.close()
    async with replicated(bench, 2):
        result = await bootstrap.run(runtime_of(bench, replica_subscriptions()), cast(Job, Reports()))
    assert result["refused"] >= 1
