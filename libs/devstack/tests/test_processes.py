"""No child outlives the one that started it."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from devstack.processes import ServerFailed, complete, launch, stop, wait_until

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"


def wait_for(condition: Callable[[], bool], limit: float = 10.0) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        threading.Event().wait(0.05)


def test_a_hanging_child_is_killed_after_its_grace(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = launch([sys.executable, "-c", DEAF], log)
    wait_for(lambda: "on" in log.read_text())
    began = time.monotonic()
    stop(process, grace=0.3)
    assert time.monotonic() - began < 3
    assert process.returncode == -signal.SIGKILL


def test_the_children_of_a_child_go_with_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {DEAF!r}])
print(child.pid, flush=True)
child.wait()
"""
    process = launch([sys.executable, "-c", script], log)
    wait_for(lambda: "on" in log.read_text())
    grandchild = psutil.Process(int(log.read_text().split()[0]))
    stop(process, grace=0.3)
    wait_for(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE)


def test_a_killed_parent_leaves_no_child(tmp_path: Path) -> None:
    log = tmp_path / "log"
    parent = f"""
import sys, time, pathlib
from devstack.processes import launch
print(launch([sys.executable, "-c", {DEAF!r}], pathlib.Path({str(log)!r})).pid, flush=True)
time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE)
    assert process.stdout is not None
    child = psutil.Process(int(process.stdout.readline()))
    wait_for(lambda: log.exists() and "on" in log.read_text())
    process.kill()
    process.wait()
    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_a_server_that_ends_at_once_is_reported_with_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = launch([sys.executable, "-c", "import sys; sys.exit('no room left')"], log)
    with pytest.raises(ServerFailed, match="no room left"):
        wait_until(lambda: False, process, "It", log, limit=10)


def test_a_short_command_that_fails_says_why() -> None:
    with pytest.raises(ServerFailed, match=r"It failed\.\nbecause"):
        complete([sys.executable, "-c", "import sys; sys.exit('because')"], "It failed.")
