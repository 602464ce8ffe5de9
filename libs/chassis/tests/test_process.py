"""A service as a process: its commands, its health, its logs, and that it stops when it is told."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError
from sqlalchemy import text

from chassis.cli import run
from chassis.service import create_app
from chassis.settings import ServiceSettings
from chassis.testing import databases

from .test_metrics import complaints

SAMPLE = Path(__file__).parent / "sample"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Process:
    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process = process
        self.url = url
        self.output = b""

    async def get(self, path: str) -> httpx2.Response | None:
        try:
            async with httpx2.AsyncClient(base_url=self.url) as client:
                return await client.get(path)
        except httpx2.HTTPError:
            return None

    async def until(self, path: str, status: int, seconds: float = 90) -> httpx2.Response:
        async with asyncio.timeout(seconds):
            while True:
                answer = await self.get(path)
                if answer is not None and answer.status_code == status:
                    return answer
                assert self.process.returncode is None, await self.rest()
                await asyncio.sleep(0.05)

    async def rest(self) -> str:
        self.output += (await self.process.communicate())[0]
        return self.output.decode()


@asynccontextmanager
async def started(command: str, environment: dict[str, str]) -> AsyncIterator[Process]:
    port = free_port()
    settings = {"MERIDIAN_PORT": str(port), "MERIDIAN_LOG": "json", "PYTHONPATH": str(SAMPLE), **environment}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "workshop",
        command,
        env={**{k: v for k, v in os.environ.items() if not k.startswith("MERIDIAN_")}, **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield Process(process, f"http://127.0.0.1:{port}")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def logged(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


async def test_api_answers_is_ready_and_stops_on_sigterm(database: databases.TestDatabase) -> None:
    async with started("api", {"MERIDIAN_DATABASE_URL": database.url}) as process:
        ready = await process.until("/readyz", 200)
        assert ready.json() == {"status": "ready", "service": "identity", "checks": {"database": "ok"}}
        assert (await process.until("/livez", 200)).json()["status"] == "ok"
        refused = await process.get("/api/workshop/v1/me?secret=canary")
        assert refused is not None and refused.status_code == 401
        metrics = await process.until("/metrics", 200)
        series = 'crm_request_seconds_count{method="GET",route="/api/workshop/v1/me",status="401"} 1.0'
        assert series in metrics.text
        async with httpx2.AsyncClient(base_url=process.url, timeout=60) as client:
            in_flight = asyncio.create_task(client.get("/api/workshop/v1/slow"))
            await asyncio.wait({in_flight}, timeout=0.3)
            process.process.send_signal(signal.SIGTERM)
            assert (await in_flight).json() == {"slept": 1.0}, "what was begun is finished"
        async with asyncio.timeout(60):
            lines = logged(await process.rest())
    assert process.process.returncode == 0
    assert all(line["service"] == "identity" and line["timestamp"] for line in lines), "libraries' lines too"
    request = next(line for line in lines if line["event"] == "request")
    assert request["route"] == "/api/workshop/v1/me" and request["status"] == 401 and request["correlation_id"]
    assert "canary" not in str(lines), "query strings may carry what nobody else should read"
    assert not [line for line in lines if line.get("path") in ("/readyz", "/livez")]


async def test_one_process_does_everything(postgres_url: str, kafka: str, service: Any) -> None:
    fresh = await databases.created(postgres_url, service)
    settings = {
        "MERIDIAN_DATABASE_URL": fresh.url,
        "MERIDIAN_KAFKA": kafka,
        "MERIDIAN_PARTITIONS": "2",
    }
    async with started("migrate", settings) as migrating:
        lines = logged(await migrating.rest())
    assert migrating.process.returncode == 0
    assert next(line for line in lines if line["event"] == "topics_ready")
    async with started("all", settings) as process:
        ready = await process.until("/readyz", 200)
        assert ready.json()["checks"]["consumer"] == "ok"
        process.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(60):
            await process.rest()
    assert process.process.returncode == 0


async def test_a_worker_has_health_but_no_api(database: databases.TestDatabase) -> None:
    async with started("worker", {"MERIDIAN_DATABASE_URL": database.url, "MERIDIAN_KAFKA": "127.0.0.1:9"}) as process:
        await process.until("/livez", 200)
        answer = await process.get("/api/workshop/v1/me")
        assert answer is not None and answer.status_code == 404
        ready = await process.until("/readyz", 503)
        assert ready.json()["checks"]["consumer"] != "ok", "no broker, no group"
        assert complaints((await process.until("/metrics", 200)).text) == []
        process.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            await process.rest()
    assert process.process.returncode == 0


async def test_a_busy_port_ends_the_process(database: databases.TestDatabase) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = {"MERIDIAN_DATABASE_URL": database.url, "MERIDIAN_PORT": str(taken.getsockname()[1])}
        async with started("api", settings) as process:
            async with asyncio.timeout(90):
                assert "address already in use" in await process.rest()
        assert process.process.returncode != 0


def test_an_unknown_command_is_refused(service: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(service, ["dance"])
    assert caught.value.code == 2
    assert "invalid choice" in capsys.readouterr().err


def test_production_takes_no_default_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MERIDIAN_ENVIRONMENT", "production")
    with pytest.raises(ValidationError, match="MERIDIAN_CLIENT_SECRET"):
        ServiceSettings()
    monkeypatch.setenv("MERIDIAN_CLIENT_SECRET", "a-real-one")
    monkeypatch.setenv("MERIDIAN_SERVICE_URLS", '{"identity": "http://identity:8000"}')
    monkeypatch.setenv("MERIDIAN_DATABASE_URL", "postgresql+asyncpg://app:a-real-one@db/leads")
    settings = ServiceSettings()
    assert settings.service_urls == {"identity": "http://identity:8000"}
    assert "a-real-one" not in repr(settings)


async def readiness(service: Any, settings: ServiceSettings) -> httpx2.Response:
    app = create_app(service, settings)
    transport = httpx2.ASGITransport(app=app)
    async with app.router.lifespan_context(app), httpx2.AsyncClient(transport=transport, base_url="http://t") as client:
        assert (await client.get("/livez")).status_code == 200
        return await client.get("/readyz")


async def test_without_its_database_a_service_lives_but_is_not_ready(service: Any) -> None:
    settings = ServiceSettings(database_url="postgresql+asyncpg://nobody@127.0.0.1:9/none")
    answer = await readiness(service, settings)
    assert answer.status_code == 503
    assert "unreachable" in answer.json()["checks"]["database"]


async def test_a_database_that_is_not_migrated_is_not_ready(service: Any, postgres_url: str) -> None:
    answer = await readiness(service, ServiceSettings(database_url=postgres_url))
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == "migrations at None, wanted 0002"


async def test_a_service_without_any_database_is_ready(service: Any) -> None:
    assert (await readiness(service, ServiceSettings(database_url=""))).status_code == 200


@pytest.mark.parametrize("state", ["ok", "joining its group", "stuck"])
async def test_a_stuck_part_is_dead_a_waiting_one_is_not_ready(client: Any, runtime: Any, state: str) -> None:
    runtime.health["consumer"] = state
    assert (await client.get("/livez")).status_code == (503 if state == "stuck" else 200)
    assert (await client.get("/readyz")).status_code == (200 if state == "ok" else 503)


async def test_a_database_that_comes_back_makes_ready_again(client: Any, db: Any) -> None:
    assert (await client.get("/readyz")).status_code == 200
    async with db.read() as session:
        mine = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'meridian-identity'"
        await session.execute(text(f"{mine} and pid <> pg_backend_pid()"))
    async with asyncio.timeout(10):
        while (await client.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.02)
