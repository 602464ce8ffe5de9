"""The servers of a test session: one PostgreSQL and one Kafka, started when first asked for.

    with shared() as servers:
        servers.postgres_url, servers.bootstrap

MERIDIAN_POSTGRES_URL and MERIDIAN_KAFKA name servers that run already. MERIDIAN_TEST_CONTAINERS=1 takes the official
images instead, when a Docker engine has them.
"""

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path

from devstack import containers
from devstack.kafka import KafkaServer
from devstack.postgres import PostgresServer
from devstack.processes import ServerFailed, tail

__all__ = ["KafkaServer", "PostgresServer", "ServerFailed", "SharedServers", "shared"]


class SharedServers:
    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._kafka: KafkaServer | None = None

    def death(self) -> str | None:
        """What became of the session's own broker, with the end of its log, when it takes no connection any more."""
        broker = self._kafka
        if broker is None or not hasattr(broker, "process") or _accepts(broker.port):
            return None
        code = broker.process.poll()
        fate = "takes no connections" if code is None else f"ended with code {code}"
        return f"Kafka of this session {fate}.\n{tail(broker.log, 40)}"

    def revive(self) -> str | None:
        """Starts such a broker anew on its port and data, so that one death fails one test; what had become of it."""
        died = self.death()
        if died is not None and self._kafka is not None:
            self._kafka.stop()
            self._kafka.start()
        return died

    @cached_property
    def postgres_url(self) -> str:
        """postgresql://… of a superuser, on a server without durability."""
        return os.environ.get("MERIDIAN_POSTGRES_URL") or self._lane(containers.postgres, self._own_postgres)

    @cached_property
    def bootstrap(self) -> str:
        """host:port of the broker."""
        return os.environ.get("MERIDIAN_KAFKA") or self._lane(containers.kafka, self._own_kafka)

    def _lane(self, container: Callable[[ExitStack], str], own: Callable[[], str]) -> str:
        return container(self._stack) if containers.wanted() else own()

    def _own_postgres(self) -> str:
        server = PostgresServer(self._folder / "postgres")
        self._stack.callback(server.stop, 2.0)
        server.start()
        return server.url

    def _own_kafka(self) -> str:
        self._kafka = KafkaServer(self._folder / "kafka")
        self._stack.callback(self._kafka.stop, 4.0)
        self._kafka.start()
        return self._kafka.bootstrap

    @cached_property
    def _folder(self) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="meridian-test-"))
        folder.chmod(0o711)
        self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
        return folder


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


@contextmanager
def shared() -> Iterator[SharedServers]:
    """Starts each server on first use, stops and removes both at the end."""
    with ExitStack() as stack:
        yield SharedServers(stack)
