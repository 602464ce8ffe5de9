"""`meridian demo file` and `meridian demo load`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import httpx2
import typer

from devstack.state import Secrets
from meridian.client.connection import Refused
from meridian.client.place import Email, Url, here, place
from meridian.client.words import fail, out
from meridian.demo.file import demo_csv
from meridian.demo.load import Loaded, load_demo
from meridian.demo.people import PEOPLE

app = typer.Typer(no_args_is_help=True, help="Made-up data to try Meridian with.")


@app.command()
def file(
    path: Annotated[Path | None, typer.Argument(help="Where the file goes; to the terminal when left out.")] = None,
    rows: Annotated[int, typer.Option(min=10, max=200_000, help="How many rows.")] = 500,
    out_: Annotated[Path | None, typer.Option("--out", help="The same as PATH.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed, another file; the same seed, the same file.")] = 1,
) -> None:
    """Write a CSV of organisations in four languages; the column true_id tells which rows are the same one."""
    text, target = demo_csv(rows, seed), path or out_
    if target is None:
        typer.echo(text, nl=False)
        return
    target.write_text(text, "utf-8")
    out.print(f"{rows} organisations in {target}", soft_wrap=True)


@app.command()
def load(url: Url = "", email: Email = "") -> None:
    """Create teams, a user for every role, accounts, contacts, leads and activities. Only on this machine."""
    found = place(url, email)
    if not found.is_local:
        fail("Demo users share one password, so they are made on this machine only.")
    password = Secrets(here())["demo"]
    try:
        loaded = load_demo(found.url, found.email, found.password, password)
    except Refused as refused:
        fail(str(refused))
    except httpx2.TransportError as error:
        fail(f"{found.url} does not answer ({error or type(error).__name__}).")
    say(loaded, password)


def say(loaded: Loaded, password: str) -> None:
    counts = asdict(loaded)
    if refused := counts.pop("refused_as_duplicates"):
        out.print(f"{refused} accounts were refused as duplicates; load again later to complete them.")
    out.print(f"New: {', '.join(f'{count} {name}' for name, count in counts.items() if count) or 'nothing'}.")
    out.print(f"Demo users, each with the password {password}")
    for person in PEOPLE:
        out.print(f"  {person.email:<32} {person.role:<14} {person.name}")
