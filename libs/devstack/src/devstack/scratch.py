"""A whole system of its own on free ports, in a folder that is gone afterwards: for tests and benchmarks."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from devstack import discovery, mail, ports
from devstack.environment import ADMIN_EMAIL
from devstack.state import Local
from devstack.supervisor import SMTP_PORT, Supervisor


@dataclass
class System:
    """A running system and a session of its administrator."""

    supervisor: Supervisor
    client: aiohttp.ClientSession
    admin_id: str
    seconds_to_start: float
    mail_port: int
    _mail: asyncio.Server | None = None

    async def open_mail(self) -> None:
        """The mail server listens; mails go to the folder of the supervisor's."""
        self._mail = await mail.catch_mail(self.supervisor.local.mail, self.mail_port)

    async def close_mail(self) -> None:
        """Nobody listens any more."""
        if self._mail is not None:
            self._mail.close()
            self._mail = None

    @property
    def address(self) -> str:
        return self.supervisor.run.address

    def database(self, service: str) -> str:
        """Address of the service's database for its owner."""
        return str(self.supervisor.environment_of(self._found(service))["MERIDIAN_DATABASE_URL"]).replace(
            "+asyncpg", ""
        )

    def _found(self, service: str) -> discovery.Found:
        return next(found for found in self.supervisor.found if found.name == service)

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        async with self.client.request(method, self.address + path, **options) as answer:
            is_json = "json" in answer.headers.get("content-type", "")
            return answer.status, await answer.json() if is_json else await answer.read()

    async def renew(self) -> None:
        """Access tokens live for minutes; a long run needs a few."""
        body = {"email": ADMIN_EMAIL, "password": self.supervisor.secrets["admin"]}
        self.client.headers.pop("Authorization", None)
        status, session = await self.call("POST", "/api/identity/v1/sessions", json=body)
        if status not in (200, 201):
            raise RuntimeError(f"the administrator cannot sign in: {session}")
        self.client.headers["Authorization"] = f"Bearer {session['access_token']}"
        self.admin_id = session["user"]["id"]


def quiet(_: str) -> None:
    """What the supervisor says is of no use to a test; the services' logs lie in the folder."""


@asynccontextmanager
async def started(local: Local) -> AsyncIterator[System]:
    """Starts everything as `make up` does, without demo data, and stops it at the end."""
    local.logs.mkdir(parents=True, exist_ok=True)
    mail_port = ports.next_free(SMTP_PORT)
    environ = {"MERIDIAN_SMTP_URL": f"smtp://127.0.0.1:{mail_port}"}
    supervisor = Supervisor(local, discovery.services(discovery.checkout()), environ, quiet)
    began = time.perf_counter()
    try:
        await supervisor.up()
        seconds = time.perf_counter() - began
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
            system = System(supervisor, client, "", seconds, mail_port)
            await system.open_mail()
            await system.renew()
            yield system
            await system.close_mail()
    finally:
        await supervisor.down()


@asynccontextmanager
async def scratch() -> AsyncIterator[Local]:
    """A state folder that also the servers' unprivileged user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="meridian-scratch-"))
    folder.chmod(0o755)
    try:
        yield Local(folder)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
