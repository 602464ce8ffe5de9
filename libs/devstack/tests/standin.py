"""A checkout with two small services, and a program that supervises it as `meridian up` does."""

import asyncio
import os
import sys
from pathlib import Path

from devstack import discovery, state
from devstack.nursery import Nursery
from devstack.ports import PortBusy
from devstack.processes import ServerFailed
from devstack.state import Local, Run
from devstack.supervisor import Supervisor, supervise

MAIN = """
import asyncio, os, signal, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

import asyncpg

async def migrate():
    connection = await asyncpg.connect(os.environ["MERIDIAN_DATABASE_URL"].replace("+asyncpg", ""))
    await connection.execute("CREATE TABLE IF NOT EXISTS migrated ()")
    await connection.close()

class Ready(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/trouble":
            print("2026 [warning  ] trouble", flush=True)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass

if sys.argv[1] == "migrate":
    asyncio.run(migrate())
else:
    if {deaf}:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("2026 [warning  ] nobody answers yet", flush=True)
    HTTPServer(("127.0.0.1", int(os.environ["MERIDIAN_PORT"])), Ready).serve_forever()
"""


def make(root: Path, deaf: str = "") -> Path:
    """`deaf` names the service that ignores SIGTERM."""
    for name in ("gateway", "leads"):
        package = root / "services" / name / "src" / name
        (package / "migrations").mkdir(parents=True)
        (root / "services" / name / "pyproject.toml").touch()
        for module, text in (("__init__", ""), ("service", ""), ("__main__", MAIN.format(deaf=name == deaf))):
            (package / f"{module}.py").write_text(text)
    return root


async def main(root: Path) -> None:
    local = Local(root)
    with state.lock(local):
        local.logs.mkdir(exist_ok=True)
        supervisor = Supervisor(local, discovery.services(root), os.environ, lambda line: print(line, flush=True))

        supervisor.nursery = Nursery(imports=["asyncpg", "http.server"])

        async def on_ready(run: Run) -> None:
            print(f"READY {run.address}", flush=True)

        await supervise(supervisor, on_ready)


if __name__ == "__main__":
    try:
        asyncio.run(main(Path(sys.argv[1])))
    except (ServerFailed, PortBusy, state.AlreadyRunning) as problem:
        sys.exit(str(problem))
