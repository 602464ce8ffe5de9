"""An operator's session on the whole system: poison arrives, the alert fires, the key is inspected, mended, retried.

The same session stands in docs/operations.md; what the commands say here is compared with what stands there.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml
from typer.testing import CliRunner

from devstack.scratch import System
from meridian.app import app
from meridian.client import words
from meridian.operator import bootstrap
from tests.promql import Vector, evaluate, scraped

from .conftest import ask, create_account, rows, until

ROOT = Path(__file__).parents[2]
TOO_LONG = "Northern Steel and Sheet Metal Works of Upper Silesia, Limited Partnership"
BY_HAND = "alter table record_replicas add constraint short_label check (length(label) <= 60) not valid"
MENDED = "alter table record_replicas drop constraint if exists short_label"
# The order in which versions reach the replica, which the replica itself does not keep.
WATCHED = """
create table reached (seq bigint generated always as identity, id uuid, version bigint);
create function note_version() returns trigger language plpgsql as $$
begin insert into reached (id, version) values (new.id, new.version); return new; end $$;
create trigger note_version after insert or update on record_replicas for each row execute function note_version()"""
UNWATCHED = "drop trigger note_version on record_replicas; drop function note_version(); drop table reached"


async def execute(system: System, statements: str) -> None:
    connection = await asyncpg.connect(system.database("notifications"))
    try:
        await connection.execute(statements)
    finally:
        await connection.close()


@pytest.fixture
async def a_check_by_hand(system: System) -> AsyncIterator[None]:
    """Somebody has forbidden long labels in the replica of notifications."""
    await execute(system, f"{WATCHED}; {BY_HAND}")
    yield
    await execute(system, f"{MENDED}; {UNWATCHED}")


async def rename(system: System, identity: str, name: str) -> None:
    path = f"/api/accounts/v1/accounts/{identity}"
    current = await ask(system, "GET", path, 200)
    await ask(system, "PATCH", path, 200, json={"name": name}, headers={"If-Match": f'"{current["version"]}"'})


async def inbox(system: System, key: str) -> list[tuple[str, int]]:
    statement = "select state, attempts from inbox where key = $1 order by seq"
    return [tuple(row) for row in await rows(system, "notifications", statement, key)]


async def known(system: System, identity: str) -> Any:
    return await rows(system, "notifications", "select version from record_replicas where id = $1", identity)


async def poison(system: System, mark: str) -> str:
    """An account whose second version notifications cannot take; two more versions wait behind it."""
    account = await create_account(system, name=f"{mark} Steel")
    identity = str(account["id"])
    await until(lambda: known(system, identity))
    for count, name in enumerate((f"{mark} {TOO_LONG}", f"{mark} Steel Works", f"{mark} Steel & Sons"), 1):
        await rename(system, identity, name)

        async def set_aside(expected: int = count) -> bool:
            return len(await inbox(system, identity)) == expected

        await until(set_aside)
    return identity


async def parked(system: System, key: str) -> bool:
    # The waits between the attempts are skipped, not the attempts.
    await rows(system, "notifications", "update inbox set next_at = now() where key = $1 and state = 'pending'", key)
    return await inbox(system, key) == [("parked", 5), ("pending", 0), ("pending", 0)]


async def fired(system: System, alert: str) -> Vector:
    """The alert's own expression over what the process shows."""
    rules = yaml.safe_load((ROOT / "deploy" / "observability" / "alerts.yaml").read_text("utf-8"))
    rule = next(rule for group in rules["groups"] for rule in group["rules"] if rule["alert"] == alert)
    return evaluate(rule["expr"], scraped(await shown(system), service="notifications"))


async def shown(system: System) -> str:
    port = system.supervisor.run.ports["notifications"]
    async with system.client.get(f"http://127.0.0.1:{port}/metrics", headers={"Authorization": ""}) as page:
        return await page.text()


class Session:
    """What the operator types and sees."""

    def __init__(self, system: System, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MERIDIAN_URL", system.address)
        monkeypatch.setenv("MERIDIAN_TOKEN", system.client.headers["Authorization"].removeprefix("Bearer "))
        # A console made under COLUMNS has its width for good, and a worker of a parallel run is started under it.
        monkeypatch.setattr(words.out, "width", 170)
        self.lines: list[str] = []

    async def type(self, *words: str, code: int = 0) -> str:
        result = await asyncio.to_thread(CliRunner().invoke, app, list(words))
        assert result.exit_code == code, (words, result.output, result.exception)
        typed = " ".join(f'"{word}"' if " " in word else word for word in words)
        self.note(f"meridian {typed}", result.output)
        return result.output

    def note(self, command: str, output: str) -> None:
        self.lines += [f"$ {command}", *output.strip("\n").splitlines(), ""]

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines)


def alike(text: str) -> list[str]:
    """Without what is another one each time: ids, ages, moments, and the width of columns."""
    ids: dict[str, str] = {}
    named = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", lambda m: ids.setdefault(m[0], f"id-{len(ids)}"), text)
    named = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", "moment", named)
    named = re.sub(r"\b[\d.]+ (s|min|h)\b", "age", named)
    lines = [" ".join(line.replace("─", "").split()) for line in named.splitlines()]
    return [line for line in lines if line]


def written() -> str:
    """The session as docs/operations.md shows it."""
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    part = page[page.index("## An operator's session") :]
    blocks = re.findall(r"(?ms)^```\n(.*?)^```", part[: part.index("\n## ", 5)])
    return "\n".join(blocks)


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("a_check_by_hand")
async def test_a_parked_key_is_found_mended_and_goes_on_in_its_order(
    system: System, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await fired(system, "KeyParked") == {}
    key = await poison(system, mark)
    await until(lambda: parked(system, key), 60)
    other = await create_account(system, name=f"{mark} Copper")
    await until(lambda: known(system, str(other["id"])))

    firing = await until(lambda: fired(system, "KeyParked"), 60)
    assert firing == {frozenset({("service", "notifications"), ("handler", "keep_accounts")}): 1.0}

    session = Session(system, monkeypatch)
    lines = [line for line in (await shown(system)).splitlines() if re.match(r"crm_inbox_parked_keys.* 1", line)]
    session.note("curl -s http://notifications:8000/metrics | grep '^crm_inbox_parked_keys.* 1'", "\n".join(lines))
    assert mark not in await session.type("parked", "list"), "whose account it is, is not told"
    assert TOO_LONG not in await session.type("parked", "show", key)
    await execute(system, MENDED)
    session.note(f'psql "$NOTIFICATIONS_DATABASE" -c "{MENDED.replace(" if exists", "")}"', "ALTER TABLE")
    await session.type("parked", "retry", key, "--reason", "the check added by hand is gone")

    async def gone_on() -> bool:
        return await inbox(system, key) == []

    await until(gone_on, 60)
    reached = await rows(system, "notifications", "select version from reached where id = $1 order by seq", key)
    assert [row["version"] for row in reached] == [1, 2, 3, 4], "in the order of the record, none twice"

    async def silent() -> bool:
        return await fired(system, "KeyParked") == {}

    await until(silent, 60)
    await session.type("parked", "list")
    await session.type("audit", "--service", "notifications", "--limit", "1")
    assert alike(written()) == alike(session.text), (
        f"docs/operations.md shows another session than this:\n{session.text}"
    )


@pytest.mark.timeout(300)
async def test_a_replica_is_compared_rebuilt_and_rewritten(
    system: System, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [str((await create_account(system, name=f"{mark} {metal}"))["id"]) for metal in ("Iron", "Tin", "Zinc")]

    async def all_known() -> bool:
        return all([await known(system, identity) for identity in ids])

    await until(all_known)
    lost, changed, fine = ids
    session = Session(system, monkeypatch)
    compare = ("bootstrap", "notifications", "--check-only")
    shadow = ("replay", "--service", "notifications", "--topic", "crm.accounts.account", "--into", "shadow")
    assert "0 differences" in await session.type(*compare)
    await rows(system, "notifications", "delete from record_replicas where id = $1", lost)
    await rows(system, "notifications", "update record_replicas set label = 'by hand' where id = $1", changed)

    with monkeypatch.context() as hurried:
        hurried.setattr(bootstrap, "PATIENCE", 2.0)
        said = await session.type(*compare, code=3)
    assert "1 differences" in said and lost in said
    said = await session.type(*shadow, "--from", "1h", "--reason", "what is wrong?", code=3)
    assert lost in said and changed in said and "label" in said and fine not in said

    rebuild = ("bootstrap", "notifications", "--rewrite", "--reason", "somebody wrote to the replica by hand")
    assert "0 differences" in await session.type(*rebuild)
    labels = "select label from record_replicas where id = any($1) order by id"
    assert [row["label"] for row in await rows(system, "notifications", labels, ids)] == [
        f"{mark} {metal}" for metal in ("Iron", "Tin", "Zinc")
    ]
    said = await session.type(*shadow, "--from", "1h", "--reason", "is it right now?")
    assert "The live rows are what the records say." in said
    said = await session.type("jobs", "list", "--service", "notifications")
    assert said.count("done") == 3
