"""A PostgreSQL with fsync and an Apache Kafka of the run's own; the sample reaches them through links that break."""

import asyncio
import signal
from contextlib import suppress
from pathlib import Path

import asyncpg
import psutil

from chaos.proxy import Link
from chaos.sample import OwnerBase, SubscriberBase, create_tables
from chassis.db import Database
from chassis.kafka import Bus
from contracts.catalogue import topics_of
from devstack import ports
from devstack.kafka import KafkaServer
from devstack.postgres import PostgresServer
from devstack.processes import kill_group
from devstack.readiness import until

PARTITIONS = 6
DATABASES = {"owner": OwnerBase, "subscriber": SubscriberBase}
# Which process reaches which server through which link: a fault hits one kind of client, as a partition does.
LINKS = {
    "writer-postgres": "postgres",
    "owner-postgres": "postgres",
    "subscriber-postgres": "postgres",
    "owner-kafka": "kafka",
    "subscriber-kafka": "kafka",
}


class LinkedKafka(KafkaServer):
    """A broker with a listener per link, each of which it advertises by the link's address."""

    def __init__(self, data_dir: Path, listeners: dict[str, tuple[int, int]]) -> None:
        super().__init__(data_dir)
        self._listeners = listeners

    def _configure(self) -> None:
        super()._configure()
        file = self._home / "server.properties"
        lines = [line.partition("=") for line in file.read_text().splitlines() if "=" in line]
        found = {name: value for name, _, value in lines}
        for name, (own, shown) in self._listeners.items():
            found["listeners"] += f",{name}://127.0.0.1:{own}"
            found["advertised.listeners"] += f",{name}://127.0.0.1:{shown}"
            found["listener.security.protocol.map"] += f",{name}:PLAINTEXT"
        found["inter.broker.listener.name"] = "PLAINTEXT"
        file.write_text("\n".join(f"{name}={value}" for name, value in found.items()) + "\n")


class Servers:
    """Both servers and the links; everything in `folder`, everything gone after `stop`."""

    def __init__(self, folder: Path) -> None:
        self.postgres = PostgresServer(folder / "postgres", durable=True)
        self._listening = {name: ports.any_free() for name, server in LINKS.items() if server == "kafka"}
        targets = {name: self._listening.get(name, self.postgres.port) for name in LINKS}
        self.links = {name: Link(name, target) for name, target in targets.items()}
        self._folder = folder
        self.kafka: KafkaServer

    async def start(self) -> None:
        for link in self.links.values():
            await link.start()
        shown = {_listener(name): (own, self.links[name].port) for name, own in self._listening.items()}
        self.kafka = LinkedKafka(self._folder / "kafka", shown)
        await asyncio.gather(asyncio.to_thread(self.postgres.prepare), asyncio.to_thread(self.kafka.prepare))
        self.postgres.launch()
        self.kafka.launch()
        await asyncio.gather(self.postgres_answers(), self.kafka_answers())
        await self._prepare_databases()
        bus = Bus(self.kafka.bootstrap, "chaos")
        topics = [topic for service in ("identity", "notifications") for topic in topics_of(service)]
        await bus.create_topics(topics, partitions=PARTITIONS, replication=1)

    async def _prepare_databases(self) -> None:
        admin = await asyncpg.connect(self.postgres.url)
        for name in DATABASES:
            await admin.execute(f"create database {name}")
        await admin.close()
        for name, base in DATABASES.items():
            database = Database(f"postgresql+asyncpg://{self.dsn(name).partition('://')[2]}", name)
            async with database.engine.begin() as connection:
                await create_tables(connection, base)
            await database.close()

    def dsn(self, database: str) -> str:
        """The direct way, for the rig itself."""
        return f"{self.postgres.url.rsplit('/', 1)[0]}/{database}"

    def database_url(self, database: str, role: str) -> str:
        """The way of a process of that role, through its link."""
        user = self.postgres.url.partition("://")[2].partition("@")[0]
        return f"postgresql+asyncpg://{user}@127.0.0.1:{self.links[f'{role}-postgres'].port}/{database}"

    def bootstrap(self, role: str) -> str:
        link = self.links.get(f"{role}-kafka")
        return f"127.0.0.1:{link.port}" if link else self.kafka.bootstrap

    async def postgres_answers(self, limit: float = 60) -> None:
        async def answers() -> bool:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                connection = await asyncpg.connect(self.postgres.url, timeout=5)
                await connection.close()
                return True
            return False

        if not await until(answers, limit):
            raise RuntimeError(f"PostgreSQL does not come back, see {self.postgres.log}")

    async def kafka_answers(self, limit: float = 90) -> None:
        if not await until(self.kafka.is_ready, limit):
            raise RuntimeError(f"Kafka does not come back, see {self.kafka.log}")

    async def revive(self) -> None:
        """Both answer again, whatever was under way when the faults ended: a server that is still dying, or dead."""

        async def alive() -> bool:
            for server in (self.postgres, self.kafka):
                if server.process.poll() is not None:
                    server.launch()
            try:
                await asyncio.gather(self.postgres_answers(2), self.kafka_answers(5))
            except RuntimeError:
                return False
            return True

        if not await until(alive, 120):
            raise RuntimeError(f"the servers do not come back, see {self._folder}")

    async def crash_postgres(self) -> None:
        """What `pg_ctl stop -m immediate` does, then a start with crash recovery."""
        self.postgres.process.send_signal(signal.SIGQUIT)
        await self._gone(self.postgres)
        self.postgres.launch()
        await self.postgres_answers()

    def backend(self, random_index: float) -> psutil.Process | None:
        """One of the server's processes that serve a client."""
        with suppress(psutil.Error):
            children = psutil.Process(self.postgres.process.pid).children()
            serving = [each for each in children if "meridian" in " ".join(each.cmdline())]
            return serving[int(random_index * len(serving))] if serving else None
        return None

    async def kill_kafka(self, away: float) -> None:
        """kill -9, `away` seconds of nothing, and a start on the same data."""
        kill_group(self.kafka.process.pid, signal.SIGKILL)
        await self._gone(self.kafka)
        await asyncio.sleep(away)
        self.kafka.launch()
        await self.kafka_answers()

    async def _gone(self, server: PostgresServer | KafkaServer) -> None:
        async def ended() -> bool:
            return server.process.poll() is not None

        if not await until(ended, 20, every=0.05):
            raise RuntimeError(f"a server does not end, see {server.log}")

    async def stop(self) -> None:
        for link in self.links.values():
            await link.stop()
        if hasattr(self, "kafka"):
            await asyncio.to_thread(self.kafka.stop, 2.0)
        await asyncio.to_thread(self.postgres.stop, 2.0)


def _listener(link: str) -> str:
    return link.partition("-")[0].upper()
