"""Migrations: models and tables agree, there is a way back, and the topics are the catalogue's."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import asyncpg
from alembic.script import ScriptDirectory

from chassis import migrations
from chassis.kafka import Bus
from chassis.settings import ServiceSettings
from chassis.testing import databases
from chassis.worker import plain_dsn
from contracts.catalogue import topics_of

SAMPLE = Path(__file__).parent / "sample"


async def tables(url: str) -> set[str]:
    connection = await asyncpg.connect(plain_dsn(url))
    try:
        rows = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
        return {row[0] for row in rows}
    finally:
        await connection.close()


async def test_models_and_migrations_agree_and_go_back(service: Any, postgres_url: str) -> None:
    found = await databases.created(postgres_url, service)
    settings = ServiceSettings(database_url=found.url)
    await asyncio.to_thread(migrations.check, service, settings)
    assert {"teams", "outbox", "inbox", "idempotency_keys", "field_history"} <= await tables(found.url)
    await asyncio.to_thread(migrations.downgrade, service, settings, "base")
    assert await tables(found.url) == {"alembic_version"}
    await asyncio.to_thread(migrations.upgrade, service, settings)
    await asyncio.to_thread(migrations.upgrade, service, settings)
    assert "teams" in await tables(found.url)


async def test_a_database_of_the_first_release_gets_what_came_later(service: Any, postgres_url: str) -> None:
    found = await databases.created(postgres_url, service)
    settings = ServiceSettings(database_url=found.url)
    connection = await asyncpg.connect(plain_dsn(found.url))
    for table in (await tables(found.url)) - {"teams", "user_replicas"}:
        await connection.execute(f'drop table if exists "{table}" cascade')
    await connection.execute((Path(__file__).parent / "first_tables.sql").read_text())
    await connection.execute("create table alembic_version (version_num varchar(32) primary key)")
    await connection.execute("insert into alembic_version values ('0001')")
    await connection.execute(
        "insert into inbox (handler, event_id, topic, key, type, headers, state)"
        " values ('h', gen_random_uuid(), 't', 'k', 'x', '{}', 'parked')"
    )
    await asyncio.to_thread(migrations.upgrade, service, settings)
    await asyncio.to_thread(migrations.check, service, settings)
    kept = await connection.fetchrow("select state, postponed from inbox")
    assert (kept["state"], kept["postponed"]) == ("parked", 0)
    await connection.close()


async def test_every_shard_of_the_outbox_has_its_row(database: databases.TestDatabase) -> None:
    connection = await asyncpg.connect(plain_dsn(database.url))
    assert await connection.fetchval("select count(*) from outbox_shard") == 16
    await connection.close()


async def test_two_at_once_take_turns(service: Any, postgres_url: str) -> None:
    admin = await asyncpg.connect(plain_dsn(postgres_url))
    await admin.execute("create database two_migrate_at_once template template0")
    await admin.close()
    url = f"{postgres_url.rsplit('/', 1)[0]}/two_migrate_at_once"
    # Alembic keeps its state in the module, so two at once means two processes.
    assert await asyncio.gather(*(upgraded_by_a_process(url) for _ in range(2))) == [0, 0]
    assert "teams" in await tables(url)


async def upgraded_by_a_process(url: str) -> int | None:
    code = "from workshop.service import service as s; from chassis import migrations as m; m.upgrade(s, s.settings())"
    environment = {**os.environ, "MERIDIAN_DATABASE_URL": url, "PYTHONPATH": str(SAMPLE)}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, env=environment)
    return await process.wait()


def test_the_head_is_found_without_alembic(service: Any) -> None:
    config = migrations.config(service, ServiceSettings())
    assert migrations.head(service) == ScriptDirectory.from_config(config).get_current_head() == "0002"


async def test_topics_are_created_once(service: Any, kafka: str) -> None:
    settings = ServiceSettings(kafka=kafka, partitions=2, replication=1)
    for _ in range(2):
        await migrations.create_topics(service, settings)
    again = await Bus(kafka, "test").create_topics(topics_of("identity"), partitions=2, replication=1)
    assert again == [], "all of them exist"
