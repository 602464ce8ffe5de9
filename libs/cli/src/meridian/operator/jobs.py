"""Following what takes long: a replay or a bootstrap, worked by the service's own worker."""

import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from meridian.client.connection import Connection, connected
from meridian.client.place import Email, Url, place
from meridian.client.words import fail, out
from meridian.operator.reach import AsJson, ServiceName, Why, address, chosen, everywhere
from meridian.operator.show import ago, as_json, table

app = typer.Typer(no_args_is_help=True, help="Replays and bootstraps.")
OneService = Annotated[str, typer.Option("--service", help="The service that works the job.")]
JobId = Annotated[str, typer.Argument(help="The job, as `jobs list` shows it.")]
PAUSE = 0.5


@app.command("list")
def list_(service: ServiceName = "", json: AsJson = False, url: Url = "", email: Email = "") -> None:
    """List replays and bootstraps, the newest first."""
    with connected(place(url, email)) as connection:
        answers = everywhere(connection, service, "jobs", limit=20)
        found = [{"service": name, **item} for name, items in answers for item in items]
    found.sort(key=lambda item: item["created_at"], reverse=True)
    if json:
        as_json(found)
    elif found:
        columns = ("service", "id", "kind", "state", "age", "who", "progress", "reason")
        rows = [{**each, "age": ago(each["created_at"]), "who": each["actor_name"]} for each in found]
        table(columns, [{**row, "progress": in_words(row["progress"])} for row in rows])
    else:
        out.print("There are no jobs.")


@app.command()
def show(job_id: JobId, service: OneService, url: Url = "", email: Email = "") -> None:
    """Show one job with its result, as JSON."""
    with connected(place(url, email)) as connection:
        as_json(connection.get(address(chosen(service)[0], f"jobs/{job_id}")))


@app.command()
def stop(job_id: JobId, service: OneService, reason: Why, url: Url = "", email: Email = "") -> None:
    """Stop a job at its next step; what it has done stays."""
    with connected(place(url, email)) as connection:
        stopped = connection.post(address(chosen(service)[0], f"jobs/{job_id}/stops"), {"reason": reason})
    out.print(f"{stopped['kind']} {job_id} is {stopped['state']}.")


def progress_of(connection: Connection, service: str, identity: str) -> Iterator[dict[str, Any]]:
    """The job each time that it has moved on; the last one has ended."""
    before = None
    while True:
        found = connection.get(address(service, f"jobs/{identity}"))
        if (found["state"], found["progress"]) != before:
            before = (found["state"], found["progress"])
            yield found
        if found["finished_at"] is not None:
            return
        time.sleep(PAUSE)


def ended(connection: Connection, service: str, identity: str, *, quiet: bool) -> dict[str, Any]:
    """Follows the job to its end and gives its result; ends the command when the job did not end well."""
    last: dict[str, Any] = {}
    for last in progress_of(connection, service, identity):
        if not quiet and last["finished_at"] is None:
            out.print(f"  {last['state']:<10}{in_words(last['progress'])}", style="dim")
    if last["state"] != "done":
        fail(f"The job {identity} is {last['state']}. {last['result'].get('error', '')}".strip())
    result: dict[str, Any] = last["result"]
    return result


def in_words(progress: dict[str, Any]) -> str:
    """`{"read": 400, "of": 900, "chosen": 12}` -> `read 400 of 900, chosen 12`."""
    parts = [f"{name} {value}" for name, value in progress.items()]
    return ", ".join(parts).replace(", of ", " of ")
