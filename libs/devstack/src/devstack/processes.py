"""Starting and stopping child processes so that none outlives the one that started it."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def dying_with_parent(sign: signal.Signals, parent: int = 0) -> Callable[[], None]:
    """A preexec_fn: the kernel sends `sign` to the child when its parent's thread is gone, also after kill -9.

    Start such children from a thread that lives as long as they shall.
    """
    parent = parent or os.getpid()

    def ask_kernel() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, int(sign), 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return ask_kernel


def launch(
    command: list[str], log: Path, *, on_orphaned: signal.Signals = signal.SIGKILL, **options: Any
) -> subprocess.Popen[bytes]:
    """Starts `command` in a process group of its own (a Ctrl-C in the terminal is for the parent), output to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": subprocess.STDOUT}
        streams |= {"start_new_session": True, "preexec_fn": dying_with_parent(on_orphaned)}
        process: subprocess.Popen[bytes] = subprocess.Popen(command, **(streams | options))
        return process


def complete(command: list[str], failure: str, **options: Any) -> None:
    """Runs a short command to its end; raises ServerFailed with its output when it fails."""
    ended = subprocess.run(
        command,
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=dying_with_parent(signal.SIGKILL),
        **options,
    )
    if ended.returncode:
        raise ServerFailed(f"{failure}\n{ended.stdout[-2000:]}")


def kill_group(pid: int, sign: signal.Signals) -> None:
    try:
        os.killpg(pid, sign)
    except (ProcessLookupError, PermissionError):
        pass


def stop(process: subprocess.Popen[bytes], sign: signal.Signals = signal.SIGTERM, grace: float = 5.0) -> None:
    """Asks with `sign`, kills the whole group after `grace` seconds. Returns when the process is gone."""
    if process.poll() is None:
        process.send_signal(sign)
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            pass
    kill_group(process.pid, signal.SIGKILL)
    process.wait(5)


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], what: str, log: Path, limit: float) -> None:
    """Raises ServerFailed with the end of the log when the process ends or `limit` seconds pass."""
    deadline = time.monotonic() + limit
    while not ready():
        if process.poll() is not None:
            raise ServerFailed(f"{what} ended with code {process.returncode}.\n{tail(log)}")
        if time.monotonic() > deadline:
            raise ServerFailed(f"{what} was not ready after {limit:.0f} s.\n{tail(log)}")
        time.sleep(0.05)


def tail(log: Path, lines: int = 15) -> str:
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 8192))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


class ServerFailed(Exception):
    """The message is meant for the person who typed the command."""
