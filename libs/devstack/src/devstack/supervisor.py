"""`make up`: servers, migrations, services, in this order; kept alive until a signal, then stopped within 15 s."""

import asyncio
import os
import re
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from devstack import databases, environment, kafka, logs, mail, ports, state
from devstack.child import Child, Say
from devstack.discovery import Found
from devstack.nursery import Nursery, Process
from devstack.postgres import PostgresServer
from devstack.processes import ServerFailed, kill_group, tail
from devstack.readiness import http_ok, together, until
from devstack.state import Local, Run, Secrets

GATEWAY_PORT, SERVICE_PORT, SMTP_PORT = 8000, 8100, 1025
READY_LIMIT, GIVEN_LIMIT = 120.0, 15.0
# What killing takes included, all ends within the 15 s that `make down` promises
SERVICE_GRACE, WHOLE_GRACE = 7.0, 12.5


class Supervisor:
    """One stack of one checkout. `up` starts it, `keep` lets it live, `down` ends it; all in one event loop."""

    def __init__(
        self,
        local: Local,
        found: list[Found],
        environ: Mapping[str, str],
        say: Say,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        """`prepare` runs in a thread beside the start of the servers, and is done before the services start."""
        self.local, self.found, self.say, self._prepare = local, found, say, prepare
        self.given = state.overrides(dict(environ))
        self.secrets = Secrets(local)
        self.run = Run(os.getpid())
        self.nursery = Nursery()
        self.servers: list[Child] = []
        self.services: list[Child] = []
        self._watches: list[logs.LogWatch] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._closing: list[Callable[[], None]] = []

    async def up(self) -> None:
        """Raises ServerFailed or PortBusy with a message for the person at the terminal."""
        self._choose_ports()
        self.run.save(self.local)
        self.nursery.open(self.local.log("nursery"), self.local.root)
        common_imports = asyncio.to_thread(self.nursery.wait_open)
        prepared = asyncio.create_task(asyncio.to_thread(self._prepare))
        await together(self._start_postgres(), self._start_kafka(), self._start_mail(), common_imports)
        await self._migrate()
        await prepared
        await self._start_services()
        self.run.address = f"http://127.0.0.1:{self.run.ports['gateway']}" if "gateway" in self.run.ports else ""
        self.run.ready = True
        self._tasks.append(asyncio.create_task(self._watch_logs()))
        self._note()

    def _choose_ports(self) -> None:
        for offset, service in enumerate(found for found in self.found if found.name != "gateway"):
            self.run.ports[service.name] = ports.next_free(SERVICE_PORT + offset)
        if any(found.name == "gateway" for found in self.found):
            self.run.ports["gateway"] = self._gateway_port()

    def _gateway_port(self) -> int:
        if self.given["port"]:
            return ports.exactly(self.given["port"])
        port = ports.next_free(GATEWAY_PORT)
        if port != GATEWAY_PORT:
            self.say(f"Port {GATEWAY_PORT} is in use, taking {port}.")
        return port

    async def _start_postgres(self) -> None:
        self.run.postgres_url = self.given["postgres"] or await self._own_postgres()
        passwords = {found.name: self.secrets[f"database_{found.name}"] for found in self.found if found.has_database}
        await databases.create(self.run.postgres_url, passwords)

    async def _own_postgres(self) -> str:
        server = PostgresServer(
            self.local.data / "postgres",
            durable=True,
            password=self.secrets["postgres"],
            log=self.local.log("postgres"),
        )
        await asyncio.to_thread(server.prepare)
        await self._start_server("PostgreSQL", server, signal.SIGINT)
        return server.url

    async def _start_kafka(self) -> None:
        self.run.kafka = self.given["kafka"] or await self._own_kafka()
        if self.given["kafka"] and not await until(lambda: kafka.answers(self.run.kafka), GIVEN_LIMIT):
            raise ServerFailed(f"Kafka at {self.run.kafka} does not answer.")

    async def _own_kafka(self) -> str:
        server = kafka.KafkaServer(self.local.data / "kafka", say=self.say, log=self.local.log("kafka"))
        await asyncio.to_thread(server.prepare)
        await self._start_server("Kafka", server, signal.SIGTERM)
        return server.bootstrap

    async def _start_server(self, name: str, server: PostgresServer | kafka.KafkaServer, sign: signal.Signals) -> None:
        def start() -> Process:
            server.launch()
            return server.process

        child = Child(name, start, server.is_ready, server.log, self.say, stop_signal=sign, on_change=self._note)
        self.servers.append(child)
        self._supervise(child, logs.SERVERS)
        await child.wait_ready(READY_LIMIT)
        self.say(f"{name} is ready")

    async def _start_mail(self) -> None:
        if self.given["smtp"]:
            self.run.smtp_url = self.given["smtp"]
            return
        port = ports.next_free(SMTP_PORT)
        self._closing.append((await mail.catch_mail(self.local.mail, port)).close)
        self.run.smtp_url = f"smtp://127.0.0.1:{port}"

    async def _migrate(self) -> None:
        wanted = [found for found in self.found if found.has_database]
        self.say(f"Migrating {len(wanted)} databases")
        log = self.local.log("migrate")
        log.write_bytes(b"")
        codes = await asyncio.gather(*(self._migrate_one(found, log) for found in wanted))
        if failed := [found.name for found, code in zip(wanted, codes, strict=True) if code]:
            raise ServerFailed(f"Could not be migrated: {', '.join(failed)}. The end of {log}:\n{tail(log)}")

    async def _migrate_one(self, found: Found, log: Path) -> int:
        process = self.nursery.start(found.name, "migrate", self.environment_of(found), log, self.local.root)
        try:
            while (code := process.poll()) is None:  # noqa: ASYNC110 - the end of a process sets no event
                await asyncio.sleep(0.05)
            return code
        finally:
            kill_group(process.pid, signal.SIGKILL)

    async def _start_services(self) -> None:
        for found in self.found:
            child = self._service(found)
            self.services.append(child)
            self._supervise(child, logs.SERVICES)
        self.say(f"Starting {', '.join(found.name for found in self.found)}")
        await together(*(child.wait_ready(READY_LIMIT) for child in self.services))

    def _service(self, found: Found) -> Child:
        log = self.local.log(found.name)
        settings = self.environment_of(found)

        def start() -> Process:
            return self.nursery.start(found.name, "all", settings, log, self.local.root)

        async def ready() -> bool:
            return await http_ok(self.run.ports[found.name])

        return Child(found.name, start, ready, log, self.say, on_change=self._note)

    def environment_of(self, found: Found) -> dict[str, str]:
        """What the service's process finds in its environment."""
        return environment.of_service(found, self.found, self.run, self.secrets)

    def _supervise(self, child: Child, notable: re.Pattern[str]) -> None:
        self._watches.append(logs.LogWatch(child.name, child.log, notable, self.say))
        child.start()
        self._tasks.append(asyncio.create_task(child.keep_alive()))

    async def _watch_logs(self) -> None:
        for watch in self._watches:
            watch.skip()
        while True:
            for watch in self._watches:
                watch.look()
            await asyncio.sleep(0.5)

    def _note(self) -> None:
        everyone = self.servers + self.services
        self.run.pids = {child.name: child.process.pid for child in everyone if child.process is not None}
        self.run.restarts = {child.name: child.restarts for child in everyone}
        self.run.save(self.local)

    async def down(self) -> None:
        for task in self._tasks:
            task.cancel()
        began = time.monotonic()
        await asyncio.gather(*(child.stop(SERVICE_GRACE) for child in self.services))
        left = WHOLE_GRACE - (time.monotonic() - began)
        await asyncio.gather(*(child.stop(left) for child in self.servers))
        self.nursery.close()
        for close in self._closing:
            close()

    def kill(self) -> None:
        """The second Ctrl-C: nobody is asked any more."""
        for child in self.services + self.servers:
            if child.process is not None:
                kill_group(child.process.pid, signal.SIGKILL)


async def supervise(supervisor: Supervisor, on_ready: Callable[[Run], Awaitable[None]]) -> None:
    """Up, ready, until SIGINT, SIGTERM or SIGHUP, down. Raises what made the start fail, after stopping the rest."""
    stopping = _stop_on_signals(supervisor)
    starting = asyncio.create_task(_start(supervisor, on_ready))
    signalled = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait((starting, signalled), return_when=asyncio.FIRST_COMPLETED)
        starting.cancel()
        if starting.done():
            starting.result()
            await signalled
        supervisor.say("Stopping")
    finally:
        signalled.cancel()
        await supervisor.down()


async def _start(supervisor: Supervisor, on_ready: Callable[[Run], Awaitable[None]]) -> None:
    await supervisor.up()
    await on_ready(supervisor.run)


def _stop_on_signals(supervisor: Supervisor) -> asyncio.Event:
    stopping = asyncio.Event()

    def stop() -> None:
        if stopping.is_set():
            supervisor.kill()
        stopping.set()

    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(sign, stop)
    return stopping
