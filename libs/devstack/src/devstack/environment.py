"""What each service finds in its environment."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from devstack import databases, web
from devstack.discovery import Found
from devstack.state import Run, Secrets

ADMIN_EMAIL = "admin@meridian.example"


def of_service(service: Found, everyone: Sequence[Found], run: Run, secrets: Secrets) -> dict[str, str]:
    """The complete environment of the service's process: ours replaces every MERIDIAN_ variable of the caller."""
    names = [found.name for found in everyone]
    settings = {
        "DATABASE_URL": _database_url(service, run, secrets),
        "KAFKA": run.kafka,
        "SMTP_URL": run.smtp_url,
        "HOST": "127.0.0.1",
        "PORT": str(run.ports[service.name]),
        "ENVIRONMENT": "development",
        "SERVICE_URLS": json.dumps({name: f"http://127.0.0.1:{run.ports[name]}" for name in names}),
        "CLIENT_SECRET": secrets[f"client_{service.name}"],
        "PARTITIONS": "6",
        "REPLICATION": "1",
        "LOG": "console",
        # one process per service: its own commits wake its relay, so the relay need not look often
        "RELAY_POLL": "0.25",
        # everything shares one machine: a little patience saves most of the work of a busy moment
        "LINGER": "0.1",
        # one member per group here: a killed service must not wait long for its own ghost to leave
        "MEMBER_TIMEOUT": "8",
        # `make down` promises 15 s for everything
        "SHUTDOWN_SECONDS": "5",
    }
    if service.name == "identity":
        clients = {name: secrets[f"client_{name}"] for name in names}
        settings |= {"SERVICE_CLIENTS": json.dumps(clients), "ADMIN_EMAIL": ADMIN_EMAIL}
        settings |= {"ADMIN_PASSWORD": secrets["admin"]}
    if service.name == "gateway":
        settings |= {"SESSION_SECRET": secrets["session"]} | _web(service.folder.parents[1])
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MERIDIAN_")}
    return inherited | {f"MERIDIAN_{name}": value for name, value in settings.items()} | {"PYTHONUNBUFFERED": "1"}


def _database_url(service: Found, run: Run, secrets: Secrets) -> str:
    if not service.has_database:
        return ""
    return databases.service_url(run.postgres_url, service.name, secrets[f"database_{service.name}"])


def _web(root: Path) -> dict[str, str]:
    found = web.built(root)
    return {"WEB_DIR": str(found)} if found else {}
