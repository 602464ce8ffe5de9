"""`meridian import accounts FILE`: upload, follow, and say what became of every row."""

import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from meridian.client.connection import Connection, connected
from meridian.client.place import Email, Url, place
from meridian.client.words import fail, out

IMPORTS = "/api/accounts/v1/imports"
UNFINISHED = ("pending", "running")
OUTCOMES = ("created", "duplicate", "failed")

app = typer.Typer(no_args_is_help=True, help="Import a CSV file.")

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV file, at most 20 MB.")]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map", help='"Column=field", repeated for every column to read; guessed from the header if left out.'
    ),
]
Duplicates = Annotated[str, typer.Option(help="rule: as the duplicate rules say. alert: create all, report suspects.")]
Watch = Annotated[bool, typer.Option(help="Follow until every row has an outcome.")]
Errors = Annotated[Path | None, typer.Option(help="Where rows that were not created go; beside FILE if left out.")]


@app.command("accounts")
def import_accounts(
    file: File,
    columns: Map = None,
    duplicates: Duplicates = "rule",
    watch: Watch = True,
    errors: Errors = None,
    country: Annotated[str, typer.Option(help="Country (ISO code) of numbers and addresses that name none.")] = "",
    url: Url = "",
    email: Email = "",
) -> None:
    """Import organisations and persons."""
    _import("accounts", file, columns, duplicates, watch, errors, country, url, email)


@app.command("contacts")
def import_contacts(
    file: File,
    columns: Map = None,
    duplicates: Duplicates = "rule",
    watch: Watch = True,
    errors: Errors = None,
    country: Annotated[str, typer.Option(help="Country (ISO code) of numbers and addresses that name none.")] = "",
    url: Url = "",
    email: Email = "",
) -> None:
    """Import people at accounts."""
    _import("contacts", file, columns, duplicates, watch, errors, country, url, email)


def _import(
    kind: str,
    file: Path,
    columns: list[str] | None,
    duplicates: str,
    watch: bool,
    errors: Path | None,
    country: str,
    url: str,
    email: str,
) -> None:
    if duplicates not in ("rule", "alert"):
        fail("--duplicates is either rule or alert.", 2)
    form = {"object": kind, "duplicates": duplicates} | ({"country": country} if country else {})
    if columns:
        form["mapping"] = json.dumps(mapping_of(columns))
    with connected(place(url, email)) as connection:
        started = upload(connection, file, form)
        say_columns(started)
        if not watch:
            out.print(f"Import {started['id']} has begun.")
            return
        finished = follow(connection, started)
        report(connection, finished, errors or file.with_name(f"{file.stem}.errors.csv"))


def mapping_of(options: Iterable[str]) -> dict[str, str]:
    """{column: field} of `Column=field` options. A column's name may hold an equals sign, a field's cannot."""
    mapping: dict[str, str] = {}
    for option in options:
        column, equals, field = option.rpartition("=")
        if not equals or not column.strip() or not field.strip():
            fail(f'--map "{option}" is not of the form "Column=field".', 2)
        mapping[column] = field.strip()
    return mapping


def upload(connection: Connection, file: Path, form: dict[str, str]) -> dict[str, Any]:
    """The import as it begins."""
    files = {"file": (file.name, file.read_bytes(), "text/csv")}
    started: dict[str, Any] = connection.post(IMPORTS, data=form, files=files)
    return started


def say_columns(started: dict[str, Any]) -> None:
    mapping = started["mapping"]
    left = [column for column in started["header"] if column not in mapping]
    out.print("Columns: " + ", ".join(f"{column} → {field}" for column, field in mapping.items()), soft_wrap=True)
    if left:
        out.print("Not read: " + ", ".join(left), style="dim", soft_wrap=True)


def follow(connection: Connection, started: dict[str, Any]) -> dict[str, Any]:
    """Draws a bar until every row has an outcome; the import at its end."""
    parts = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*parts, console=out, transient=True) as progress:
        bar = progress.add_task(started["filename"], total=started["total"])
        for view in seen(connection, started["id"]):
            waits = f" (waits for {view['waiting_for']})" if view.get("waiting_for") else ""
            progress.update(bar, completed=view["processed"], total=view["total"], description=view["filename"] + waits)
    return view


def seen(connection: Connection, import_id: str) -> Iterator[dict[str, Any]]:
    while True:
        view = connection.get(f"{IMPORTS}/{import_id}")
        yield view
        if view["status"] not in UNFINISHED:
            return
        time.sleep(0.5)


def report(connection: Connection, view: dict[str, Any], errors: Path) -> None:
    """Totals by outcome, and the rows that were not created in a file."""
    table = Table("outcome", "rows", box=None, padding=(0, 2, 0, 0))
    for outcome in OUTCOMES:
        table.add_row(outcome, str(view[outcome]))
    table.add_row("total", str(view["total"]), style="bold")
    out.print(table)
    if view["duplicate"] or view["failed"]:
        errors.write_bytes(connection.download(f"{IMPORTS}/{view['id']}/errors.csv"))
        out.print(f"Rows that were not created, with the reasons: {errors}", soft_wrap=True)
    if view["status"] != "completed":
        fail(f"The import is {view['status']}. {view.get('problem') or ''}")
