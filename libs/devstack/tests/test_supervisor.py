"""The supervisor as a process, with real servers and two stand-in services."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

HERE = Path(__file__).parent
LIMIT = 15.0


class Stack:
    """`make up` of a stand-in checkout, its output read line by line."""

    def __init__(self, root: Path, **environ: str) -> None:
        paths = [str(root / "services" / name / "src") for name in ("gateway", "leads")]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MERIDIAN_")}
        self.root = root
        self.process = subprocess.Popen(
            [sys.executable, HERE / "standin.py", str(root)],
            env=clean | environ | {"PYTHONPATH": ":".join(paths)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []

    def read_until(self, word: str) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if word in line:
                return line.rstrip()
        raise AssertionError("\n".join(["never said " + word, *self.lines]))

    def note(self) -> dict[str, Any]:
        return dict(json.loads((self.root / ".local" / "run.json").read_text()))

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, sign: signal.Signals = signal.SIGTERM) -> float:
        began = time.monotonic()
        self.process.send_signal(sign)
        self.process.wait(30)
        return time.monotonic() - began


@pytest.fixture
def start(tmp_path: Path, servers: Any) -> Iterator[Callable[..., Stack]]:
    started = []

    def start(deaf: str = "", **environ: str) -> Stack:
        from_session = {"MERIDIAN_POSTGRES_URL": servers.postgres_url, "MERIDIAN_KAFKA": servers.bootstrap}
        if not (tmp_path / "services").exists():
            make(tmp_path, deaf)
        started.append(Stack(tmp_path, **{**from_session, **environ}))
        return started[-1]

    yield start
    for stack in started:
        stack.process.kill()
        stack.process.wait()


def make(root: Path, deaf: str) -> None:
    script = "import pathlib, standin, sys; standin.make(pathlib.Path(sys.argv[1]), sys.argv[2])"
    subprocess.run([sys.executable, "-c", script, root, deaf], cwd=HERE, check=True)


def wait_for(condition: Callable[[], bool], limit: float = 20.0) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        threading.Event().wait(0.05)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def test_it_starts_everything_on_own_servers_and_leaves_nothing(start: Callable[..., Stack]) -> None:
    stack = start(MERIDIAN_POSTGRES_URL="", MERIDIAN_KAFKA="")
    address = stack.read_until("READY").split()[1]
    assert urllib.request.urlopen(address, timeout=5).status == 200
    urllib.request.urlopen(f"{address}/trouble", timeout=5)
    assert stack.read_until("gateway  ") == "gateway       | 2026 [warning  ] trouble"
    assert not [line for line in stack.lines if "nobody answers yet" in line]
    assert set(stack.note()["pids"]) == {"PostgreSQL", "Kafka", "gateway", "leads"}
    family = stack.family()
    assert len(family) >= 4
    assert stack.end(signal.SIGINT) < LIMIT
    assert stack.process.returncode == 0
    assert not alive(family)


def test_a_deaf_service_does_not_hold_up_the_end(start: Callable[..., Stack]) -> None:
    stack = start(deaf="leads")
    stack.read_until("READY")
    family = stack.family()
    assert stack.end() < LIMIT
    assert not alive(family)


def test_kill_9_of_the_supervisor_leaves_nothing(start: Callable[..., Stack]) -> None:
    stack = start(deaf="leads")
    stack.read_until("READY")
    family = stack.family()
    stack.end(signal.SIGKILL)
    wait_for(lambda: not alive(family))


def test_a_dead_service_comes_back_and_is_named(start: Callable[..., Stack]) -> None:
    stack = start()
    stack.read_until("READY")
    os.kill(stack.note()["pids"]["leads"], signal.SIGKILL)
    assert "killed by SIGKILL" in stack.read_until("leads stopped")
    stack.read_until("leads started again")
    wait_for(lambda: stack.note()["restarts"]["leads"] == 1)


def test_a_second_start_says_where_the_first_one_is(start: Callable[..., Stack]) -> None:
    address = start_ready(start).split()[1]
    second = start()
    assert address in second.read_until("is running")
    assert second.process.wait(10) == 1


def start_ready(start: Callable[..., Stack]) -> str:
    return start().read_until("READY")


def test_a_busy_port_is_replaced_and_said_unless_it_was_asked_for(start: Callable[..., Stack]) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = str(busy.getsockname()[1])
        refused = start(MERIDIAN_PORT=port)
        assert f"Port {port}" in refused.read_until("in use")
        assert refused.process.wait(10) == 1
    chosen = start(MERIDIAN_PORT=port)
    assert chosen.read_until("READY").endswith(f":{port}")


def test_a_failing_migration_stops_the_start_and_shows_its_reason(start: Callable[..., Stack], tmp_path: Path) -> None:
    make(tmp_path, "")
    (tmp_path / "services/leads/src/leads/__main__.py").write_text("raise ValueError('no such column')")
    stack = start()
    stack.read_until("no such column")
    assert stack.process.wait(20) == 1
