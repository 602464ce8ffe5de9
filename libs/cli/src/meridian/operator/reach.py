"""The services' operations behind the gateway: one of them, or all at once."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from meridian.client.connection import Connection, Refused
from meridian.client.words import err, fail

ServiceName = Annotated[str, typer.Option("--service", help="The service; all of them when left out.")]
Why = Annotated[str, typer.Option("--reason", help="Why; kept in the service's audit.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: JSON on standard output.")]


def services() -> tuple[str, ...]:
    """Every service that has events, and so a database."""
    # Here and not above: every event's model takes a second to import.
    from contracts.catalogue import TOPICS

    return tuple(sorted({name for topic in TOPICS for name in (topic.producer, *topic.consumers)}))


def chosen(service: str) -> tuple[str, ...]:
    """The named service, or all; ends the command for a name that no service has."""
    if service and service not in services():
        fail(f"There is no service {service}. Services: {', '.join(services())}", 2)
    return (service,) if service else services()


def address(service: str, path: str) -> str:
    return f"/api/{service}/v1/operations/{path}"


def everywhere(connection: Connection, service: str, path: str, **query: Any) -> Iterator[tuple[str, Any]]:
    """The answer of each service; one that does not answer is named on standard error, the others are asked still."""
    silent = 0
    names = chosen(service)
    for name in names:
        try:
            yield name, connection.get(address(name, path), **{name: value for name, value in query.items() if value})
        except Refused as refused:
            if refused.status not in (404, 502, 503, 504):
                raise
            silent += refused.status != 404
            if refused.status != 404:
                err.print(f"{name}: {refused}", style="yellow", soft_wrap=True)
    if silent == len(names):
        raise typer.Exit(1)


def holder_of(connection: Connection, service: str, key: str) -> str:
    """The one service where the key is parked; ends the command when there is none, or more than one."""
    found = [name for name, items in everywhere(connection, service, "parked", key=key) if items]
    if not found:
        fail(f"Nothing is parked under {key}.")
    if len(found) > 1:
        fail(f"{key} is parked in {', '.join(found)}: say which one with --service.", 2)
    return found[0]
