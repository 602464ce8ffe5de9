"""`meridian parked`: keys that wait behind an event which cannot be handled, or which Kafka refuses."""

from typing import Annotated, Any

import typer

from meridian.client.connection import connected
from meridian.client.place import Email, Url, place
from meridian.client.words import out
from meridian.operator.reach import AsJson, ServiceName, Why, address, everywhere, holder_of
from meridian.operator.show import ago, as_json, table

app = typer.Typer(no_args_is_help=True, help="Keys that wait for an operator.")
Key = Annotated[str, typer.Argument(help="The record's id, as `parked list` shows it.")]
Name = Annotated[str, typer.Option("--name", help="Handler or topic, when several have parked the key.")]

COLUMNS = ("key", "service", "name", "attempts", "behind", "waits")
EVENT_COLUMNS = ("version", "type", "state", "attempts", "waits", "event_id")


@app.command("list")
def list_(service: ServiceName = "", json: AsJson = False, url: Url = "", email: Email = "") -> None:
    """List the parked keys of all services, the longest waiting first."""
    with connected(place(url, email)) as connection:
        found = [
            {"service": name, **item} for name, items in everywhere(connection, service, "parked") for item in items
        ]
    found.sort(key=lambda item: item["since"])
    if json:
        as_json(found)
    elif found:
        table(COLUMNS, [{**item, "waits": ago(item["since"])} for item in found])
        for item in found:
            out.print(f"{item['key']} {item['type']}: {item['error']}", soft_wrap=True, markup=False)
    else:
        out.print("Nothing is parked.")


@app.command()
def show(key: Key, service: ServiceName = "", json: AsJson = False, url: Url = "", email: Email = "") -> None:
    """Show the events of a parked key in their order: the first one fails, the others wait behind it."""
    with connected(place(url, email)) as connection:
        holder = holder_of(connection, service, key)
        events: list[dict[str, Any]] = connection.get(address(holder, "parked/events"), key=key)
    if json:
        as_json(events)
        return
    for name in dict.fromkeys(each["name"] for each in events):
        say_events(holder, key, name, [each for each in events if each["name"] == name])


def say_events(holder: str, key: str, name: str, events: list[dict[str, Any]]) -> None:
    """What one handler (or topic) has waiting; the first event's error and origin."""
    out.print(f"{key} waits for {name} of {holder}: {len(events)} events")
    table(EVENT_COLUMNS, [{**each, "version": each["sequence"], "waits": ago(each["time"])} for each in events])
    for member in ("error", "correlation_id", "causation_id", "actor", "traceparent"):
        if events[0][member]:
            out.print(f"{member.replace('_', ' '):<16}{events[0][member]}", soft_wrap=True, markup=False)


@app.command()
def retry(
    key: Key,
    reason: Why,
    name: Name = "",
    service: ServiceName = "",
    json: AsJson = False,
    url: Url = "",
    email: Email = "",
) -> None:
    """Run the key's first event again, with all its attempts; the later ones follow in their order."""
    _change("retries", {"key": key, "reason": reason}, "runs again", name, service, json, url, email)


@app.command()
def drop(
    key: Key,
    reason: Why,
    whole: Annotated[bool, typer.Option("--all", help="Every waiting event of the key, not only the first.")] = False,
    name: Name = "",
    service: ServiceName = "",
    json: AsJson = False,
    url: Url = "",
    email: Email = "",
) -> None:
    """Give up the key's first event; what waits behind it goes on."""
    _change("drops", {"key": key, "reason": reason, "whole": whole}, "is given up", name, service, json, url, email)


def _change(
    action: str, body: dict[str, Any], outcome: str, name: str, service: str, json: bool, url: str, email: str
) -> None:
    with connected(place(url, email)) as connection:
        holder = holder_of(connection, service, body["key"])
        changed = connection.post(address(holder, f"parked/{action}"), {**body, **({"name": name} if name else {})})
    if json:
        as_json({"service": holder, **changed})
        return
    what = f"{len(changed['event_ids'])} event{'s' * (len(changed['event_ids']) != 1)}"
    out.print(f"{what} of {changed['key']} in {holder} ({changed['name']}) {outcome}.", soft_wrap=True)
