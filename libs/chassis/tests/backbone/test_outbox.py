import pytest
from sqlalchemy import event

from chassis.context import Actor, acting
from chassis.outbox import EventTooLarge, UnwrittenAggregate, WrongProducer, emit
from contracts.accounts import AccountCreated
from contracts.identity import TeamChanged, TeamCreated

from .conftest import Bench
from .teams import Team


async def test_the_event_carries_the_new_version_and_the_old_values(bench: Bench) -> None:
    identity = await bench.create("West")
    await bench.rename(identity, "West Region")
    first, second = await bench.rows("select version, type, payload, headers from outbox order by id")
    assert (first["version"], second["version"]) == (1, 2)
    changed = TeamChanged.model_validate_json(second["payload"])
    assert changed.state.name == "West Region"
    assert changed.previous == {"name": "West"}


async def test_changed_fields_enter_the_history_with_their_actor(bench: Bench) -> None:
    identity = await bench.create("West")
    with acting(Actor("user", "0198c0de-0000-7000-8000-000000000001"), correlation="c-1"):
        await bench.rename(identity, "East")
    (row,) = await bench.rows("select * from field_history")
    assert (row["field"], row["old"], row["new"], row["actor_id"][-1]) == ("name", '"West"', '"East"', "1")
    assert row["correlation_id"] == "c-1"


async def test_the_aggregate_is_locked_before_an_outbox_id_is_drawn(bench: Bench) -> None:
    identity = await bench.create()
    seen: list[str] = []
    event.listen(
        bench.database.engine.sync_engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_: seen.append(statement.split("(")[0].lower()),
    )
    await bench.rename(identity, "East")
    writes = [each for each in seen if each.startswith(("update", "insert"))]
    assert writes[0].startswith("update zz_teams")
    assert writes[-1].startswith("insert into outbox")


async def test_nothing_leaves_a_transaction_that_fails(bench: Bench) -> None:
    with pytest.raises(RuntimeError, match="on purpose"):
        async with bench.database.transaction() as session:
            team = Team(name="never")
            session.add(team)
            await emit(session, TeamCreated, team)
            raise RuntimeError("on purpose")
    assert await bench.count("outbox") == 0
    assert await bench.count("zz_teams") == 0


async def test_a_service_cannot_publish_another_ones_fact(bench: Bench) -> None:
    with pytest.raises(WrongProducer):
        async with bench.database.transaction() as session:
            await emit(session, AccountCreated, Team(name="x"))


async def test_an_aggregate_that_was_not_written_has_no_event(bench: Bench) -> None:
    identity = await bench.create()
    with pytest.raises(UnwrittenAggregate):
        async with bench.database.transaction() as session:
            await emit(session, TeamChanged, await session.get_one(Team, identity))


async def test_an_event_that_is_too_large_is_refused_where_the_writer_can_be_told(bench: Bench) -> None:
    with pytest.raises(EventTooLarge):
        await bench.create("x" * 70_000)
    assert await bench.count("zz_teams") == 0
