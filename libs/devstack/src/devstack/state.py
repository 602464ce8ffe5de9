"""The folder .local: data, logs, mails, secrets, and the note about the stack that runs now."""

import fcntl
import json
import os
import secrets
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from devstack.processes import ServerFailed


@dataclass(frozen=True)
class Local:
    """Paths below `.local` of a checkout. Removing the folder starts afresh."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / ".local"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def mail(self) -> Path:
        return self.folder / "mail"

    @property
    def demo_mark(self) -> Path:
        return self.folder / "demo-loaded"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"


@dataclass
class Run:
    """The note that a running stack keeps, for `meridian status`, `down` and the client commands."""

    pid: int
    address: str = ""
    ready: bool = False
    postgres_url: str = ""
    kafka: str = ""
    smtp_url: str = ""
    ports: dict[str, int] = field(default_factory=dict)
    pids: dict[str, int] = field(default_factory=dict)
    restarts: dict[str, int] = field(default_factory=dict)

    def save(self, local: Local) -> None:
        write_private(local.folder / "run.json", json.dumps(asdict(self), indent=1))


class AlreadyRunning(Exception):
    def __init__(self, run: Run | None) -> None:
        self.run = run
        where = f"at {run.address}" if run and run.ready else "and is starting"
        super().__init__(f"Meridian is running {where} (process {run.pid})." if run else "Meridian is starting.")


def lock(local: Local) -> IO[str]:
    """Held as long as the stack runs, gone with the process that holds it. Raises AlreadyRunning."""
    local.folder.mkdir(parents=True, exist_ok=True)
    file = (local.folder / "run.lock").open("w")
    if not any(_locked(file) for _ in range(5)):
        raise AlreadyRunning(_note(local))
    (local.folder / "run.json").unlink(missing_ok=True)
    return file


def _locked(file: IO[str]) -> bool:
    """Several attempts, as `running` holds the lock for a moment whenever somebody asks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(0.1)
        return False
    return True


def running(local: Local) -> Run | None:
    """The stack that runs from this checkout, if one does."""
    if not (local.folder / "run.lock").exists():
        return None
    with (local.folder / "run.lock").open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _note(local)
    return None


def _note(local: Local) -> Run | None:
    try:
        return Run(**json.loads((local.folder / "run.json").read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return None


class Secrets:
    """Passwords made once per checkout, in a file that only its owner reads."""

    def __init__(self, local: Local) -> None:
        self._path = local.folder / "secrets.json"
        self._values: dict[str, str] = json.loads(self._path.read_text("utf-8")) if self._path.exists() else {}

    def __getitem__(self, name: str) -> str:
        if name not in self._values:
            self._values[name] = secrets.token_urlsafe(18)
            write_private(self._path, json.dumps(self._values, indent=1))
        return self._values[name]


def write_private(path: Path, text: str) -> None:
    """Replaces the file as a whole, readable by its owner only."""
    half = path.with_suffix(".half")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    half.replace(path)


def overrides(environment: dict[str, str]) -> dict[str, Any]:
    """Existing servers named by the environment: postgres, kafka, smtp; and an explicit port of the gateway."""
    port = environment.get("MERIDIAN_PORT")
    if port and not (port.isdecimal() and 0 < int(port) < 65536):
        raise ServerFailed(f"MERIDIAN_PORT={port} is not a port.")
    return {
        "postgres": environment.get("MERIDIAN_POSTGRES_URL"),
        "kafka": environment.get("MERIDIAN_KAFKA"),
        "smtp": environment.get("MERIDIAN_SMTP_URL"),
        "port": int(port) if port else None,
    }
