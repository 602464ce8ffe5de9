"""`meridian quarantine`: records that could not be decoded."""

import json as json_text
from pathlib import Path
from typing import Annotated

import typer

from meridian.client.connection import connected
from meridian.client.place import Email, Url, place
from meridian.client.words import fail, out
from meridian.operator.reach import AsJson, ServiceName, Why, address, chosen, everywhere
from meridian.operator.show import ago, as_json, table

app = typer.Typer(no_args_is_help=True, help="Records that could not be decoded.")
Ids = Annotated[list[int], typer.Argument(help="Numbers, as `quarantine list` shows them.")]
OneService = Annotated[str, typer.Option("--service", help="The service whose quarantine it is.")]


@app.command("list")
def list_(
    service: ServiceName = "",
    topic: Annotated[str, typer.Option(help="Only records of this topic.")] = "",
    json: AsJson = False,
    url: Url = "",
    email: Email = "",
) -> None:
    """List the records in quarantine."""
    with connected(place(url, email)) as connection:
        answers = everywhere(connection, service, "quarantine", topic=topic)
        found = [{"service": name, **item} for name, items in answers for item in items]
    if json:
        as_json(found)
    elif found:
        columns = ("service", "id", "topic", "partition", "offset", "bytes", "age", "error")
        table(columns, [{**item, "age": ago(item["quarantined_at"])} for item in found])
    else:
        out.print("The quarantine is empty.")


@app.command()
def export(
    ids: Ids,
    service: OneService,
    reason: Why,
    file: Annotated[Path | None, typer.Option("--out", help="Where to; to the terminal when left out.")] = None,
    url: Url = "",
    email: Email = "",
) -> None:
    """Write the raw records as JSON lines, key and value in base64. They may hold personal data."""
    chosen(service)
    with connected(place(url, email)) as connection:
        records = connection.post(address(service, "quarantine/exports"), {"ids": ids, "reason": reason})
    lines = "".join(json_text.dumps(record) + "\n" for record in records)
    if file is None:
        typer.echo(lines, nl=False)
        return
    file.write_text(lines, "utf-8")
    out.print(f"{len(records)} records in {file}", soft_wrap=True)


@app.command()
def retry(ids: Ids, service: OneService, reason: Why, json: AsJson = False, url: Url = "", email: Email = "") -> None:
    """Hand the records to the service's consumers, as far as they can be decoded by now."""
    chosen(service)
    with connected(place(url, email)) as connection:
        retried = connection.post(address(service, "quarantine/retries"), {"ids": ids, "reason": reason})
    if json:
        as_json(retried)
        return
    out.print(f"{len(retried['applied'])} records are handed to the consumers.")
    for number, problem in retried["refused"].items():
        out.print(f"  {number}: {problem}", soft_wrap=True, markup=False)
    if not retried["applied"]:
        fail("Nothing was changed.")
