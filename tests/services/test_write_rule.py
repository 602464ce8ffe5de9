"""The outbox is written last: every aggregate's row is flushed, and so locked, before an id of the outbox is drawn.

Tried on real PostgreSQL with every mapped class of every service, because the unit of work flushes unrelated classes in
the order of their names: an outbox that was mapped too would be written before whatever comes after it.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import Column, event
from sqlalchemy.orm import DeclarativeBase, Mapper

from chassis.db import Database
from chassis.tables import CHASSIS
from chassis.unit import Unit, unit_of
from chassis.worker import plain_dsn
from tests.architecture.tree import SERVICES, python_modules

WITH_DATABASE = [name for name in SERVICES if name != "gateway"]
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
SAMPLES: dict[type, tuple[Any, Any]] = {
    str: ("a", "b"),
    int: (1, 2),
    bool: (False, True),
    float: (1.0, 2.0),
    Decimal: (Decimal(1), Decimal(2)),
    bytes: (b"a", b"b"),
    object: ({}, {"a": 1}),  # JSONB
    list: ([], ["a"]),
    datetime: (NOW, NOW + timedelta(hours=1)),
    date: (NOW.date(), NOW.date() + timedelta(days=1)),
    timedelta: (timedelta(1), timedelta(2)),
}


def mappers(service: str) -> list[Mapper[Any]]:
    """Every mapped class of a service."""
    import_module(f"{service}.service")
    bases = [each for each in DeclarativeBase.__subclasses__() if each.__module__.partition(".")[0] == service]
    found = [mapper for base in bases for mapper in base.registry.mappers]
    return sorted(found, key=lambda mapper: mapper.class_.__name__)


def table_of(mapper: Mapper[Any]) -> str:
    table: Any = mapper.local_table
    return str(table.name)


def sample(column: "Column[Any]", which: int) -> Any:
    kind = column.type.python_type
    if kind is UUID:
        return uuid4()
    value = SAMPLES[kind][which]
    return value.replace(tzinfo=None) if kind is datetime and not getattr(column.type, "timezone", True) else value


def is_drawn(mapper: Mapper[Any], column: Any) -> bool:
    """Filled by the database or by the unit of work."""
    return column.computed is not None or column.identity is not None or column is mapper.version_id_col


def instance_of(mapper: Mapper[Any]) -> Any:
    """A row with a value in every column that needs one."""
    made = mapper.class_()
    for attribute in mapper.column_attrs:
        column: Any = attribute.columns[0]
        if isinstance(column, Column) and not column.nullable and not is_drawn(mapper, column):
            setattr(made, attribute.key, sample(column, 0))
    return made


def change(mapper: Mapper[Any], instance: Any) -> None:
    """Another value in some column; a class of nothing but keys stays as it is."""
    for attribute in mapper.column_attrs:
        column: Any = attribute.columns[0]
        is_key = column.primary_key or column.foreign_keys or column.type.python_type is UUID
        if not is_key and not is_drawn(mapper, column):
            setattr(instance, attribute.key, sample(column, 1))
            return


def outbox_row() -> dict[str, Any]:
    identity = uuid4()
    return {"shard": 0, "topic": "t", "state_topic": None, "tombstone": False, "aggregate_type": "a", "version": 1,
            "aggregate_id": identity, "event_id": identity, "type": "t", "headers": {}, "payload": b"{}"}  # fmt: skip


@dataclass
class Recorded:
    """A service's database without its constraints, and the writes that reached it."""

    database: Database
    service: str
    writes: list[str] = field(default_factory=list)

    def note(self, statement: str) -> None:
        found = re.match(r"\s*(insert into|update|delete from)\s+\"?(\w+)", statement, re.IGNORECASE)
        if found:
            self.writes.append(f"{found[1].split()[0].lower()} {found[2]}")
        assert "notify" not in statement.lower()


@pytest.fixture
async def recorded(
    request: pytest.FixtureRequest, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Recorded]:
    service = request.param
    # The rows are made up, so they have no public state; the order of writing does not depend on it.
    monkeypatch.setattr(Unit, "remember", lambda unit, instance: None)
    admin = await asyncpg.connect(plain_dsn(postgres_url))
    name = f"rule_{uuid4().hex[:10]}"
    await admin.execute(f"create database {name} template template0")
    database = Database(f"{postgres_url.rsplit('/', 1)[0]}/{name}", service, pool_size=2)
    await prepare(database, service)
    made = Recorded(database, service)
    listening = (database.engine.sync_engine, "before_cursor_execute", lambda _c, _cursor, text, *_: made.note(text))
    event.listen(*listening)
    yield made
    await database.close()
    await admin.execute(f"drop database {name} with (force)")
    await admin.close()


async def prepare(database: Database, service: str) -> None:
    metadata = import_module(f"{service}.service").service.metadata
    connection = await asyncpg.connect(plain_dsn(database.url))
    await connection.execute("create extension if not exists pg_trgm")
    async with database.engine.begin() as made:
        await made.run_sync(metadata.create_all)
    constraints = await connection.fetch(
        "select conrelid::regclass::text t, conname from pg_constraint where contype in ('c', 'f')"
        " and connamespace = 'public'::regnamespace and conrelid <> 0 and coninhcount = 0"
    )
    for row in constraints:
        await connection.execute(f'alter table {row["t"]} drop constraint if exists "{row["conname"]}" cascade')
    await connection.close()


@pytest.mark.parametrize("recorded", WITH_DATABASE, indirect=True)
async def test_whatever_is_written_the_outbox_is_written_last(recorded: Recorded) -> None:
    found = mappers(recorded.service)
    assert found
    for mapper in found:
        table, made = table_of(mapper), instance_of(mapper)
        async with recorded.database.transaction() as session:
            # Earlier than anybody would: even then nothing is drawn before the flush.
            unit_of(session).events.append(outbox_row())
            session.add(made)
        assert recorded.writes[-2:] == [f"insert {table}", "insert outbox"], mapper
        recorded.writes.clear()
        async with recorded.database.transaction() as session:
            unit_of(session).events.append(outbox_row())
            again = await session.get_one(mapper.class_, mapper.primary_key_from_instance(made))
            change(mapper, again)
        assert recorded.writes in ([f"update {table}", "insert outbox"], ["insert outbox"]), mapper
        if mapper.version_id_col is not None:
            assert recorded.writes[0] == f"update {table}"
        recorded.writes.clear()


@pytest.mark.parametrize("service", WITH_DATABASE)
def test_no_class_is_mapped_to_a_table_of_the_outbox(service: str) -> None:
    tables = {table_of(mapper) for mapper in mappers(service)}
    assert tables and not tables & {"outbox", "outbox_parked", "outbox_shard", "relay_member"}
    assert {"outbox", "outbox_parked", "outbox_shard", "relay_member"} <= set(CHASSIS.tables)


WRITES = re.compile(r"insert\(OUTBOX\)|insert into outbox\b(?!_)", re.IGNORECASE)


def test_only_the_outbox_and_the_operators_hands_write_rows_of_the_outbox() -> None:
    writers = {module.name for module in python_modules() if WRITES.search(module.text)}
    assert "libs/chassis/src/chassis/outbox.py" in writers
    assert {name for name in writers if not name.startswith(("libs/chassis/src/chassis/outbox.py", OPERATORS))} == set()


OPERATORS = "libs/chassis/src/chassis/operations/"
"""What was parked goes back with the ids it had."""


def test_nothing_notifies_in_a_transaction() -> None:
    """NOTIFY takes a lock of the whole cluster until the commit."""
    loud = re.compile(r"pg_notify\s*\(|\bnotify [a-z_]+[,;'\"]", re.IGNORECASE)
    assert loud.search("select pg_notify('x', '')") and loud.search('execute("NOTIFY outbox")')
    assert [module.name for module in python_modules() if loud.search(module.text)] == []
