import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from devstack import child as module
from devstack.child import Child
from devstack.logs import SERVERS, SERVICES, LogWatch
from devstack.processes import ServerFailed, launch
from devstack.readiness import until


class Spoken(list[str]):
    def __call__(self, line: str) -> None:
        self.append(line)


def a_child(tmp_path: Path, script: str, spoken: Spoken, ready: Callable[[], bool] = lambda: True) -> Child:
    async def is_ready() -> bool:
        return ready()

    def start() -> "subprocess.Popen[bytes]":
        return launch([sys.executable, "-c", script], tmp_path / "log")

    return Child("leads", start, is_ready, tmp_path / "log", spoken)


async def test_a_dying_child_is_restarted_with_growing_pauses_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAUSES", (0.01, 0.05, 0.1))
    spoken = Spoken()
    child = a_child(tmp_path, "raise SystemExit(3)", spoken)
    child.start()
    keeping = asyncio.create_task(child.keep_alive())

    async def restarted_thrice() -> bool:
        return child.restarts >= 3

    assert await until(restarted_thrice, limit=20)
    await child.stop(1)
    await keeping
    pauses = [line.split(" in ")[1].split(" s")[0] for line in spoken if "stopped" in line]
    assert pauses[:3] == ["0.05", "0.1", "0.1"]
    assert spoken[0].startswith("leads stopped (exit code 3)")
    assert str(tmp_path / "log") in spoken[0]


async def test_a_child_that_lived_long_starts_without_delay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONG_LIFE", 0.0)
    spoken = Spoken()
    child = a_child(tmp_path, "raise SystemExit(3)", spoken)
    child.start()
    keeping = asyncio.create_task(child.keep_alive())

    async def restarted() -> bool:
        return child.restarts >= 2

    assert await until(restarted, limit=20)
    await child.stop(1)
    await keeping
    assert {line.split(" in ")[1].split(" s")[0] for line in spoken if "stopped" in line} == {"0.5"}


async def test_a_killed_child_is_named_with_its_signal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSES", (0.0, 0.0))
    spoken = Spoken()
    child = a_child(tmp_path, "import time; time.sleep(60)", spoken)
    child.start()
    keeping = asyncio.create_task(child.keep_alive())
    assert child.process is not None
    child.process.send_signal(signal.SIGKILL)

    async def restarted() -> bool:
        return child.restarts == 1

    assert await until(restarted, limit=20)
    await child.stop(1)
    await keeping
    assert "killed by SIGKILL" in spoken[0]


async def test_a_child_that_never_gets_ready_is_given_up_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAUSES", (0.0, 0.0))
    child = a_child(tmp_path, "raise SystemExit('wrong password')", Spoken(), ready=lambda: False)
    child.start()
    keeping = asyncio.create_task(child.keep_alive())
    with pytest.raises(ServerFailed, match="wrong password"):
        await child.wait_ready(limit=30)
    await child.stop(1)
    await keeping


async def test_a_deaf_child_is_killed_within_the_limit_and_said(tmp_path: Path) -> None:
    spoken = Spoken()
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"
    child = a_child(tmp_path, deaf, spoken)
    child.start()

    async def deaf_already() -> bool:
        return "on" in (tmp_path / "log").read_text()

    assert await until(deaf_already, limit=20)
    began = time.monotonic()
    await child.stop(0.3)
    assert time.monotonic() - began < 3
    assert spoken == ["leads does not stop: killed"]
    assert child.process is not None and child.process.returncode is not None


def test_only_warnings_and_errors_reach_the_terminal_and_not_without_end(tmp_path: Path) -> None:
    spoken, log = Spoken(), tmp_path / "leads.log"
    log.write_text("2026 [error    ] before this start\n")
    watch = LogWatch("leads", log, SERVICES, spoken)
    with log.open("a") as file:
        file.write("2026 [info     ] started\n2026 [warning  ] slow\nhalf a li")
    watch.look()
    assert spoken == ["leads         | 2026 [warning  ] slow"]
    with log.open("a") as file:
        file.write("ne\n" + "2026 [error    ] again\n" * 50)
    watch.look()
    assert len(spoken) == 6
    assert spoken[-1] == f"leads         | more of this in {log}"


def test_a_long_log_is_shortened_without_losing_what_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devstack.logs.SIZE_LIMIT", 100)
    spoken, log = Spoken(), tmp_path / "leads.log"
    watch = LogWatch("leads", log, SERVICES, spoken)
    with log.open("ab", buffering=0) as child:
        child.write(b"x" * 200 + b"\n")
        watch.look()
        child.write(b"2026 [error    ] after\n")
        watch.look()
    assert spoken == ["leads         | 2026 [error    ] after"]
    assert log.read_text() == "2026 [error    ] after\n"


def test_of_the_servers_only_their_own_trouble_counts() -> None:
    assert not SERVERS.search("2026-11-23 14:00:00 UTC [12] ERROR:  duplicate key value violates unique constraint")
    assert SERVERS.search("2026-11-23 14:00:00 UTC [12] PANIC:  could not write")
    assert not SERVERS.search("14:00:00.123 ERROR ControllerApis: Unexpected error handling request")
