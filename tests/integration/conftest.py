"""What the tests ask of the whole system; tests/conftest.py starts it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from devstack.scratch import System

PASSWORD = "correct horse battery"

Condition = Callable[[], Awaitable[Any]]


@pytest.fixture(autouse=True)
async def signed_in(system: System) -> None:
    """A fresh token for each test: a session of tests outlives one."""
    await system.renew()


@pytest.fixture
def mark() -> str:
    """A word that no other test's records contain."""
    return f"Q{uuid4().hex[:9]}"


async def until(condition: Condition, seconds: float = 30) -> Any:
    """The first truthy answer of the condition; fails after `seconds`."""
    async with asyncio.timeout(seconds):
        while not (answer := await condition()):
            await asyncio.sleep(0.1)
        return answer


async def ask(system: System, method: str, path: str, expected: int, **options: Any) -> Any:
    """The body of an answer that must have the expected status."""
    status, body = await system.call(method, path, **options)
    assert status == expected, (method, path, status, body)
    return body


async def create_account(system: System, expected: int = 201, **fields: Any) -> Any:
    return await ask(system, "POST", "/api/accounts/v1/accounts", expected, json={"kind": "business", **fields})


async def rows(system: System, service: str, statement: str, *values: Any) -> list[Any]:
    """Reads a service's own database: the last word on what exists."""
    connection = await asyncpg.connect(system.database(service))
    try:
        return list(await connection.fetch(statement, *values))
    finally:
        await connection.close()


@asynccontextmanager
async def rule(system: System, object_: str, **changes: str) -> AsyncIterator[None]:
    """Another duplicate rule for the time of a test."""
    path = f"/api/dedup/v1/rules/{object_}"
    before = await ask(system, "GET", path, 200)
    await _put_rule(system, path, {**_actions(before), **changes})
    try:
        yield
    finally:
        await _put_rule(system, path, _actions(before))


def _actions(rule_: dict[str, Any]) -> dict[str, Any]:
    return {name: rule_[name] for name in ("on_create", "on_edit")}


async def _put_rule(system: System, path: str, body: dict[str, Any]) -> None:
    current = await ask(system, "GET", path, 200)
    await ask(system, "PUT", path, 200, json=body, headers={"If-Match": f'"{current["version"]}"'})


class Stream:
    """What the browser's event stream has delivered."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    async def read(self, system: System) -> None:
        async with system.client.get(f"{system.address}/api/notifications/v1/stream", timeout=None) as answer:
            name = ""
            async for raw in answer.content:
                line = raw.decode().strip()
                if line.startswith("event:"):
                    name = line[6:].strip()
                elif line.startswith("data:"):
                    self.events.append((name, json.loads(line[5:])))

    async def mentions(self, kind: str, *words: str) -> bool:
        return any(name == kind and all(word in json.dumps(data) for word in words) for name, data in self.events)


@asynccontextmanager
async def streaming(system: System) -> AsyncIterator[Stream]:
    stream = Stream()
    reader = asyncio.create_task(stream.read(system))
    try:
        yield stream
    finally:
        reader.cancel()
        with suppress(asyncio.CancelledError):
            await reader


def mails(system: System, word: str) -> list[Path]:
    """Delivered mails that contain the word anywhere."""
    import email
    from email import policy

    found = []
    for path in sorted(system.supervisor.local.mail.glob("*.eml")):
        message = email.message_from_bytes(path.read_bytes(), policy=policy.default)
        body = message.get_body(("plain",))
        if word in str(message["subject"]) or (body is not None and word in body.get_content()):
            found.append(path)
    return found
