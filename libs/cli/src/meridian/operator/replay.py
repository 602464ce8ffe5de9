"""`meridian replay`: a stretch of a topic once more, into a shadow or into the live rows."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from meridian.client.connection import connected
from meridian.client.follow_up import duration
from meridian.client.place import Email, Url, place
from meridian.client.words import fail, out
from meridian.operator.jobs import ended
from meridian.operator.reach import AsJson, Why, address, chosen
from meridian.operator.show import as_json, table

WORDS = {
    "missing_live": "only in the replay",
    "older_live": "live is older",
    "different": "same version, other content",
    "newer_live": "live is newer (written since)",
    "live_only": "only live",
}
HARMLESS = ("newer_live",)
EDGE = "A time (2026-11-23T17:00Z), an offset, how long ago (2h), or"


class Into(StrEnum):
    SHADOW = "shadow"
    LIVE = "live"


def replay(
    service: Annotated[str, typer.Option(help="The service whose consumers get the records.")],
    topic: Annotated[str, typer.Option(help="The topic; with .state at its end the compacted one, for a shadow.")],
    into: Annotated[Into, typer.Option(help="shadow: compare with the live rows; live: apply to them.")],
    reason: Why,
    from_: Annotated[str, typer.Option("--from", help=f"{EDGE} start.")] = "start",
    to: Annotated[str, typer.Option(help=f"{EDGE} end. Excluded.")] = "end",
    type_: Annotated[list[str] | None, typer.Option("--type", help="Only events of this type; repeatable.")] = None,
    key: Annotated[str, typer.Option(help="Only this record's events.")] = "",
    handler: Annotated[
        list[str] | None, typer.Option(help="Consumer function; repeatable. The topic's projectors if left out.")
    ] = None,
    accept_repeats: Annotated[
        bool, typer.Option(help="Let reactors have events older than what they remember having handled.")
    ] = False,
    json: AsJson = False,
    url: Url = "",
    email: Email = "",
) -> None:
    """Read a stretch of a topic again, outside every group; nobody's position moves."""
    body = {
        "topic": topic,
        "first": edge(from_),
        "last": edge(to),
        "types": type_ or [],
        "key": key or None,
        "into": into.value,
        "handlers": handler or [],
        "accept_repeats": accept_repeats,
        "reason": reason,
    }
    with connected(place(url, email)) as connection:
        job = connection.post(address(chosen(service)[0], "replays"), body)
        if not json:
            out.print(f"Replay {job['id']} of {topic} into {into.value} of {service}")
        result = ended(connection, service, job["id"], quiet=json)
    if json:
        as_json(result)
    else:
        say(result, into)


def edge(text: str) -> str | int:
    """What the API takes: `start`, `end`, an offset or a moment with its zone."""
    if text in ("start", "end"):
        return text
    if text.isdigit():
        return int(text)
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat()
    except ValueError:
        return (datetime.now(UTC) - duration(text)).isoformat()


def say(result: dict[str, Any], into: Into) -> None:
    refused = f", {result['refused']} refused by their projector or not readable" if result["refused"] else ""
    out.print(f"{result['chosen']} records of {result['read']} offsets{refused}.")
    if into is Into.LIVE:
        return
    rows = lines(result["differences"])
    compared = ", ".join(f"{name} ({found['rows']} rows)" for name, found in result["differences"].items())
    out.print(f"Compared: {compared or 'nothing, as no projector wrote a row'}.")
    if rows:
        table(("table", "what", "rows", "columns", "keys"), rows)
    if any(row["kind"] not in HARMLESS for row in rows):
        fail("The live rows are not what the records say.", 3)
    out.print("The live rows are what the records say.")


def lines(differences: dict[str, Any]) -> list[dict[str, Any]]:
    """One line per table and kind of difference."""
    return [
        {
            "table": name,
            "kind": kind,
            "what": WORDS[kind],
            "rows": found[kind]["count"],
            "columns": ", ".join(found[kind]["columns"]),
            "keys": ", ".join(found[kind]["keys"][:3]),
        }
        for name, found in differences.items()
        for kind in WORDS
        if kind in found
    ]
