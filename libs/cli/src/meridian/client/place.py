"""Where Meridian is and who asks: options, then the environment, then the stack that `make up` started here."""

import os
from dataclasses import dataclass
from typing import Annotated

import typer

from devstack import discovery, state
from devstack.environment import ADMIN_EMAIL
from meridian.client.words import fail

Url = Annotated[str, typer.Option(envvar="MERIDIAN_URL", help="Address; the stack of `make up` when left out.")]
Email = Annotated[str, typer.Option(envvar="MERIDIAN_EMAIL", help="Who signs in; the local administrator if left out.")]


@dataclass(frozen=True)
class Place:
    """An address, and a token or the words to sign in with."""

    url: str
    token: str = ""
    email: str = ""
    password: str = ""

    @property
    def is_local(self) -> bool:
        host = self.url.split("//", 1)[-1].split("/", 1)[0].rsplit(":", 1)[0]
        return host in ("127.0.0.1", "localhost", "[::1]")


def here() -> state.Local:
    return state.Local(discovery.checkout())


def place(url: str = "", email: str = "") -> Place:
    """The place that options, environment (MERIDIAN_TOKEN, MERIDIAN_PASSWORD) and the local stack name together."""
    run = state.running(here())
    address = url or (run.address if run else "")
    if not address:
        fail("Meridian is not running here. Start it with `make up`, or name an address with --url.")
    token, password = os.environ.get("MERIDIAN_TOKEN", ""), os.environ.get("MERIDIAN_PASSWORD", "")
    if token or (email and password):
        return Place(address.rstrip("/"), token, email, password)
    if run is None or (url and url.rstrip("/") != run.address):
        fail("Who are you there? Set MERIDIAN_TOKEN, or MERIDIAN_EMAIL and MERIDIAN_PASSWORD.")
    return Place(address.rstrip("/"), email=email or ADMIN_EMAIL, password=_local_password(email))


def _local_password(email: str) -> str:
    """Passwords of the local stack's own people."""
    secrets = state.Secrets(here())
    return secrets["admin"] if email in ("", ADMIN_EMAIL) else secrets["demo"]


def kafka_address(given: str) -> str:
    """host:port of the broker to watch."""
    run = state.running(here())
    if not given and run is None:
        fail("Meridian is not running here. Start it with `make up`, or name a broker with --kafka.")
    return given or (run.kafka if run else "")
