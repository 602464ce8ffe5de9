"""Free TCP ports on the loopback, without two checkouts that start at the same time getting the same one."""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from devstack import account


class PortBusy(Exception):
    """A port was asked for explicitly and somebody listens there."""


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def next_free(preferred: int) -> int:
    """The preferred port or the next one above it that is neither used nor promised."""
    with _promises() as promises:
        port = next(p for p in range(preferred, 65536) if str(p) not in promises and is_free(p))
        promises[str(port)] = os.getpid()
        return port


def exactly(port: int) -> int:
    if not is_free(port):
        raise PortBusy(f"Port {port} was asked for and is in use.")
    return port


def any_free() -> int:
    """A port below the range from which the kernel serves outgoing connections."""
    return next_free(20000 + os.getpid() % 10000)


@contextmanager
def _promises() -> Iterator[dict[str, int]]:
    """Port -> the process it was given to; valid until that process ends, as its server may not listen yet."""
    with (account.cache() / "ports.json").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        kept = {port: pid for port, pid in _parsed(file.read()).items() if psutil.pid_exists(pid)}
        yield kept
        file.seek(0)
        file.truncate()
        json.dump(kept, file)


def _parsed(text: str) -> dict[str, int]:
    try:
        return dict(json.loads(text))
    except ValueError:  # empty at first, or half written by a process that was killed
        return {}
