"""Starts Python processes quickly: what every service imports is imported once here, then each process is a fork.

Seven services spend nearly all their start in the same imports, and forks share that memory. A started process is the
supervisor's own child (the supervisor adopts orphans), in a session of its own, and looks like `python -m <module>`.
Nothing depends on the nursery: without it, or on another system than Linux, processes are started the slow way.
"""

import ctypes
import gc
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, Protocol

from devstack.processes import dying_with_parent, launch

# Named and not imported: the devstack stands beside the chassis. A service's own modules are always read afresh.
COMMON_IMPORTS = ("chassis.cli", "chassis.migrations")
_PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 15, 36


class Process(Protocol):
    """What subprocess.Popen and an adopted process have in common."""

    pid: int
    returncode: int | Any

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...


class Nursery:
    """The supervisor's side."""

    def __init__(self, imports: Sequence[str] = COMMON_IMPORTS) -> None:
        self._imports = imports
        self._process: subprocess.Popen[bytes] | None = None

    def open(self, log: Path, cwd: Path) -> None:
        """Returns at once; `wait_open` waits until the imports are done."""
        if sys.platform != "linux":
            return
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        command = [sys.executable, "-u", "-m", "devstack.nursery", *self._imports]
        self._process = launch(command, log, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def wait_open(self) -> None:
        """Blocks until the imports are done, or have failed."""
        if self._process is not None and not self._answer():
            self._process = None

    def start(self, module: str, argument: str, environment: dict[str, str], log: Path, cwd: Path) -> Process:
        """`python -m <module> <argument>`, its output appended to the log. Call it from the main thread."""
        wish: dict[str, Any] = {"module": module, "argument": argument, "environment": environment}
        wish |= {"log": str(log), "cwd": str(cwd), "parent": os.getpid()}
        if pid := self._fulfilled(wish):
            return Adopted(pid)
        return launch([sys.executable, "-m", module, argument], log, env=environment, cwd=cwd)

    def _fulfilled(self, wish: dict[str, Any]) -> int | None:
        """The process id, or None when the nursery is gone."""
        if self._process is None or self._process.stdin is None:
            return None
        with suppress(OSError, ValueError):
            self._process.stdin.write(json.dumps(wish).encode() + b"\n")
            self._process.stdin.flush()
            return int(self._answer())
        return None

    def _answer(self) -> bytes:
        return self._process.stdout.readline() if self._process and self._process.stdout else b""

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class Adopted:
    """A child that somebody else forked for us."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            with suppress(ChildProcessError):
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        deadline = time.monotonic() + (timeout if timeout is not None else 1e9)
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
            time.sleep(0.02)
        return code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)


def main() -> None:
    """The nursery's side: one wish per line on stdin, the process id of its fulfilment per line on stdout."""
    for module in sys.argv[1:]:
        with suppress(ImportError):
            importlib.import_module(module)
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        _fulfil(json.loads(line))


def _fulfil(wish: dict[str, Any]) -> None:
    """Forks twice: the one in between ends at once, and the supervisor becomes the parent."""
    sys.stdout.flush()
    between = os.fork()
    if between:
        os.waitpid(between, 0)
        return
    if os.fork():
        os._exit(0)
    _become(wish)


def _become(wish: dict[str, Any]) -> NoReturn:
    os.setsid()
    ctypes.CDLL(None).prctl(_PR_SET_NAME, wish["module"].encode()[:15], 0, 0, 0)
    _await_adoption(wish["parent"])
    with open(os.devnull, "rb") as nothing, open(wish["log"], "ab") as log:
        for target, source in ((0, nothing), (1, log), (2, log)):
            os.dup2(source.fileno(), target)
    os.chdir(wish["cwd"])
    os.environ.clear()
    os.environ.update(wish["environment"])
    sys.argv = [wish["module"], wish["argument"]]
    runpy.run_module(wish["module"], run_name="__main__", alter_sys=True)
    sys.exit()


def _await_adoption(parent: int, limit: float = 5.0) -> None:
    """Tells our id once the supervisor is our parent: only then may it wait for us, and only then do we die with it."""
    deadline = time.monotonic() + limit
    while os.getppid() != parent and time.monotonic() < deadline:
        time.sleep(0.001)
    if os.getppid() != parent:
        os.write(1, b"0\n")
    dying_with_parent(signal.SIGKILL, parent)()
    os.write(1, f"{os.getpid()}\n".encode())


if __name__ == "__main__":
    main()
