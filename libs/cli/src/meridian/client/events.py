"""`meridian events`: watch the events as any other system would."""

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from contracts.envelope import Envelope, EnvelopeError, decode
from meridian.client.place import kafka_address
from meridian.client.words import fail, out

if TYPE_CHECKING:
    from devstack.watching import Record

NAMES = ("name", "last_name", "subject", "title", "filename", "email")


def events(
    topic: Annotated[
        list[str] | None, typer.Option(help="A topic, or part of its name; repeatable. All if left out.")
    ] = None,
    from_start: Annotated[bool, typer.Option(help="Begin with the oldest event that is kept.")] = False,
    kafka: Annotated[str, typer.Option(help="host:port of the broker; that of `make up` when left out.")] = "",
    data: Annotated[bool, typer.Option(help="Show the data of each event.")] = False,
) -> None:
    """Watch events from Kafka until Ctrl-C."""
    # Here and not above: every event's model takes a second to import, and `make up` begins with this package.
    from contracts.catalogue import TOPICS

    names = [each.name for each in TOPICS if not topic or any(part in each.name for part in topic)]
    if not names:
        fail(f"No topic has {' or '.join(topic or [])} in its name. Topics: {', '.join(each.name for each in TOPICS)}")
    try:
        asyncio.run(_show(kafka_address(kafka), names, from_start, data))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


async def _show(kafka: str, names: list[str], from_start: bool, data: bool) -> None:
    from devstack.watching import watch

    out.print(f"Watching {len(names)} topics on {kafka}. Ctrl-C stops.", style="dim")
    async for record in watch(kafka, names, from_start=from_start):
        out.print(line(record), soft_wrap=True)
        if data and record.value:
            out.print_json(record.value.decode())


def line(record: "Record") -> str:
    """Time, type, version and name of an event, as markup."""
    try:
        envelope, value = decode(record.headers, record.value)
    except EnvelopeError as error:
        return f"[red]{record.topic}[{record.partition}]@{record.offset} is no event: {escape(str(error))}[/]"
    state = json.loads(value or b"{}").get("state", {})
    when = f"[dim]{envelope.time.astimezone():%H:%M:%S}[/]"
    return f"{when}  [bold]{envelope.type}[/]  v{envelope.sequence}  {escape(_name(state))}  [dim]{_where(envelope)}[/]"


def _name(state: dict[str, Any]) -> str:
    return next((str(state[name]) for name in NAMES if state.get(name)), "")


def _where(envelope: Envelope) -> str:
    return envelope.subject
