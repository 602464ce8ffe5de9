"""The servers as production has them: roles for every service in PostgreSQL, access lists in Kafka."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import asyncpg
import pytest

from chassis import migrations
from chassis.security import __main__ as command
from chassis.security import rights
from chassis.security.acls import MIGRATOR, services
from chassis.service import Service
from devstack.postgres import PostgresServer, binaries, installation
from devstack.secured import ADMIN, SecuredKafka

from . import broker
from .secured import PRINCIPALS, Secured, certificate, topics_with

SERVICES = ("accounts", "activities", "dedup", "identity", "leads", "notifications")
KINDS = ("migrator", "app", "relay", "report")


def service_named(name: str) -> Service:
    found: Service = import_module(f"{name}.service").service
    return found


@dataclass(frozen=True)
class Cluster:
    """The server, and who signs in with what."""

    server: PostgresServer

    def password(self, service: str, kind: str) -> str:
        return f"secret-of-{service}-{kind}"

    def url(self, service: str, kind: str, database: str = "", password: str = "") -> str:
        secret = password or self.password(service, kind)
        return f"postgresql://{service}_{kind}:{secret}@127.0.0.1:{self.server.port}/{database or service}"

    def alchemy(self, service: str, kind: str) -> str:
        return self.url(service, kind).replace("postgresql://", "postgresql+asyncpg://")

    def make_roles(self, service: str) -> None:
        """With psql, as an operator does and as the container does when its volume is empty."""
        command = [str(binaries(installation()) / "psql"), "--no-psqlrc", "--quiet", "--dbname", self.server.url]
        command += ["-v", f"service={service}"]
        for kind in KINDS:
            command += ["-v", f"{kind}={self.password(service, kind)}"]
        script = files("chassis.security") / "roles.sql"
        done = subprocess.run([*command, "-f", str(script)], capture_output=True, text=True, env={**os.environ})
        assert (done.returncode, done.stderr) == (0, ""), done.stderr

    def migrate(self, service: str) -> None:
        made = service_named(service)
        migrations.upgrade(made, made.settings.model_construct(database_url=self.alchemy(service, "migrator")))
        assert asyncio.run(rights.set_rights(service, self.url(service, "migrator"), made.metadata))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder: Path = tmp_path_factory.mktemp("cluster")
    server = PostgresServer(folder / "postgres", password="the-superuser's")
    server.start()
    try:
        made = Cluster(server)
        for service in SERVICES:
            made.make_roles(service)
            made.migrate(service)
        yield made
    finally:
        server.stop(2)


async def connected(url: str) -> asyncpg.Connection:
    return await asyncpg.connect(url, timeout=30)


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """Users and lists by the command, the topics by the migrator, one record in each topic by its owner."""
    folder = tmp_path_factory.mktemp("secured")
    made = Secured(SecuredKafka(folder / "kafka", "secret-of-admin", certificate()), folder / "ca.pem")
    made.ca.write_text(made.server.certificate.authority)
    made.server.start()
    with pytest.MonkeyPatch.context() as environ:
        try:
            for name, value in made.environment(ADMIN).items():
                environ.setenv(name, value)
            for name in PRINCIPALS:
                environ.setenv(f"{command.PASSWORD}{name.upper()}", f"secret-of-{name}")
            assert command.main(["kafka", "users"]) == 0
            assert command.main(["kafka", "apply"]) == 0
            yield made
        finally:
            made.server.stop(4)


@pytest.fixture(scope="session")
async def filled(secured: Secured) -> Secured:
    for name in services():
        made = service_named(name)
        await migrations.create_topics(made, secured.settings(made, MIGRATOR))
    for name in services():
        own = topics_with(name, "WRITE")
        assert set(broker.writes(secured.config(name), own, is_idempotent=True).values()) == {"done"}, name
    return secured
