"""Servers and processes that go away in the middle of work: nothing is lost, nothing happens twice."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from devstack.scratch import System
from meridian.demo.file import demo_csv

from .conftest import ask, create_account, mails, rows, until

DYING = ("accounts", "gateway", "notifications"), ("dedup", "activities", "identity", "leads")
"""Who dies at the same moment: first who reads the import, then whom it asks."""
TOTALS = ("created", "duplicate", "failed")
ROWS = 500


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """The process hangs inside, like one that was cut off from the network."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def _import(system: System, text: str) -> Any:
    form = aiohttp.FormData()
    form.add_field("file", text.encode(), filename="organisations.csv", content_type="text/csv")
    form.add_field("object", "accounts")
    form.add_field("duplicates", "rule")
    return await ask(system, "POST", "/api/accounts/v1/imports", 202, data=form)


async def test_writing_goes_on_while_the_broker_hangs(system: System, mark: str) -> None:
    with stopped(system.supervisor.run.pids["Kafka"]):
        made = [await create_account(system, name=f"{mark} {number}") for number in range(20)]
        waiting = await rows(system, "accounts", "select count(*) n from outbox")
        assert waiting[0]["n"] >= 20

    async def arrived() -> bool:
        ids = [account["id"] for account in made]
        found = await rows(
            system, "activities", "select count(*) n from record_replicas where id = any($1::uuid[])", ids
        )
        return int(found[0]["n"]) == 20

    await until(arrived, 60)


@pytest.mark.timeout(500)
async def test_killing_each_service_during_an_import_changes_no_row(system: System) -> None:
    text = demo_csv(ROWS, seed=31)
    undisturbed = await until(partial(_finished, system, (await _import(system, text))["id"]), 110)
    expected = await _outcomes(system, undisturbed["id"])
    await _forget(system, undisturbed["id"])
    before = (await rows(system, "accounts", "select count(*) n from accounts"))[0]["n"]
    made = await _import(system, text)
    await until(lambda: _progressed(system, made["id"]))
    for names in DYING:
        assert await _is_running(system, made["id"])
        await _killed(system, names)
    done = await until(lambda: _finished(system, made["id"]), 110)
    assert await _outcomes(system, made["id"]) == expected
    assert len(expected) == ROWS and {outcome for outcome, _ in expected.values()} == set(TOTALS)
    assert [done[name] for name in TOTALS] == [undisturbed[name] for name in TOTALS]
    after = (await rows(system, "accounts", "select count(*) n from accounts"))[0]["n"]
    assert after - before == done["created"]
    await until(lambda: _replicas_equal(system), 60)


async def _outcomes(system: System, identity: str) -> dict[int, tuple[str, str | None]]:
    """By the row's number: what became of it, and the name of the account it made."""
    query = """select number, outcome, name from import_rows left join accounts on accounts.id = record_id
                where import_id = $1"""
    return {row["number"]: (row["outcome"], row["name"]) for row in await rows(system, "accounts", query, identity)}


async def _forget(system: System, identity: str) -> None:
    """Deletes what an import made, and waits until its keys are free again."""
    query = "select record_id from import_rows where import_id = $1 and record_id is not null"
    made = [row["record_id"] for row in await rows(system, "accounts", query, identity)]
    await system.renew()
    await asyncio.gather(*(_delete(system, made[lane::16]) for lane in range(16)))

    async def are_free() -> bool:
        held = await rows(system, "dedup", "select 1 from claims where record_id = any($1::uuid[]) limit 1", made)
        return not held

    await until(are_free, 60)


async def _delete(system: System, accounts: list[UUID]) -> None:
    """At the service itself: the gateway counts how many requests somebody sends in a second."""
    base = f"http://127.0.0.1:{system.supervisor.run.ports['accounts']}/api/accounts/v1/accounts"
    for account in accounts:
        async with system.client.delete(f"{base}/{account}") as answer:
            assert answer.status == 204, await answer.text()


async def _progressed(system: System, identity: str) -> bool:
    found = await rows(system, "accounts", "select count(*) n from import_rows where import_id = $1", identity)
    return int(found[0]["n"]) > 0


async def _is_running(system: System, identity: str) -> bool:
    query = "select status from imports where id = $1"
    return (await rows(system, "accounts", query, identity))[0]["status"] == "running"


async def _killed(system: System, names: tuple[str, ...]) -> None:
    """At the same moment; the supervisor starts them again."""
    pids = {name: system.supervisor.run.pids[name] for name in names}
    for pid in pids.values():
        os.kill(pid, signal.SIGKILL)
    await asyncio.gather(*(until(partial(_back, system, name, pid), 60) for name, pid in pids.items()))
    if "accounts" in names:
        # The end of the dead one's lease is not waited for.
        await rows(system, "accounts", "update import_leases set until = clock_timestamp() where holder is not null")


async def _back(system: System, name: str, pid: int) -> bool:
    """Started anew and ready, which the gateway tells by answering."""
    if system.supervisor.run.pids.get(name) == pid:
        return False
    port = system.supervisor.run.ports[name]
    try:
        async with system.client.get(f"http://127.0.0.1:{port}/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def _finished(system: System, identity: str) -> Any:
    try:
        view = await ask(system, "GET", f"/api/accounts/v1/imports/{identity}", 200)
    except (aiohttp.ClientError, AssertionError):
        return None
    return view if view["status"] in ("completed", "failed", "cancelled") else None


async def _replicas_equal(system: System) -> bool:
    """Every replica of every account has the owner's version."""
    owner = {row["id"]: row["version"] for row in await rows(system, "accounts", "select id, version from accounts")}
    replica = {
        r["id"]: r["version"]
        for r in await rows(system, "activities", "select id, version from record_replicas where object = 'account'")
    }
    return owner == replica


async def test_a_reminder_waits_for_the_mail_server_and_comes_once(system: System, mark: str) -> None:
    await system.close_mail()
    at = datetime.now(UTC) + timedelta(seconds=2)
    call = {"kind": "call", "subject": mark, "wall_time": at.strftime("%Y-%m-%dT%H:%M:%S"), "time_zone": "UTC"}
    await ask(system, "POST", "/api/activities/v1/activities", 201, json={**call, "reminders": [{"minutes_before": 0}]})

    async def tried() -> bool:
        query = "select count(*) n from deliveries where attempts > 0 and state = 'pending'"
        return int((await rows(system, "notifications", query))[0]["n"]) > 0

    await until(tried)
    await system.open_mail()

    async def delivered() -> list[Any]:
        return mails(system, mark)

    assert len(await until(delivered, 60)) == 1


@pytest.fixture
def without_dedup(system: System) -> Iterator[None]:
    with stopped(system.supervisor.run.pids["dedup"]):
        yield


@pytest.mark.usefixtures("without_dedup")
async def test_a_create_is_refused_while_nobody_can_say_whether_it_is_a_duplicate(system: System, mark: str) -> None:
    problem = await create_account(system, expected=503, name=mark)
    assert problem["code"] == "duplicate_check_unavailable"
    assert not await rows(system, "accounts", "select 1 from accounts where name = $1", mark)


@pytest.mark.usefixtures("without_dedup")
async def test_a_lead_is_accepted_while_nobody_can_say_whether_it_is_a_duplicate(system: System, mark: str) -> None:
    lead = {"last_name": mark, "company": f"{mark} Srl", "email": f"{mark}@example.com"}
    made = await ask(system, "POST", "/api/leads/v1/leads", 201, json=lead)
    assert made["queue_id"] or made["owner_id"]


async def test_losing_the_database_connections_is_over_in_a_moment(system: System, mark: str) -> None:
    await rows(
        system,
        "accounts",
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
        " and datname = current_database() and usename = current_user",
    )

    async def works() -> bool:
        status, _ = await system.call("POST", "/api/accounts/v1/accounts", json={"kind": "business", "name": mark})
        return status == 201

    await until(works, 10)
