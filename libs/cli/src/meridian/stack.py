"""up, down, status, mail, logs: the stack of this checkout."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from devstack import discovery, state, web
from devstack.environment import ADMIN_EMAIL
from devstack.jars import JarRefused
from devstack.ports import PortBusy
from devstack.processes import ServerFailed
from devstack.state import Local, Run
from meridian.demo.people import PEOPLE

STOP_LIMIT = 20.0


def register(app: typer.Typer) -> None:
    for command in (up, down, status, mail, logs):
        app.command()(command)


def here() -> Local:
    return Local(discovery.checkout())


def up() -> None:
    """Start everything, print the address, stop on Ctrl-C."""
    from devstack.supervisor import Supervisor, supervise

    local, began = here(), time.monotonic()
    try:
        _held = state.lock(local)  # until this process ends
    except state.AlreadyRunning as running:
        say(str(running))
        return
    local.logs.mkdir(parents=True, exist_ok=True)

    def progress(line: str) -> None:
        say(f"{time.monotonic() - began:5.0f} s  {line}")

    def build_web() -> None:
        try:
            web.build(local.root, progress)
        except web.WebNotBuilt as problem:
            progress(f"The web application could not be built, a plain start page stands in: {problem}")

    async def on_ready(run: Run) -> None:
        if not local.demo_mark.exists():
            progress("Loading the demo data")
            await load_demo(local)
        greet(local, run, time.monotonic() - began)

    async def main() -> None:
        try:
            found = discovery.services(local.root)
            await supervise(Supervisor(local, found, os.environ, progress, build_web), on_ready)
        except (ServerFailed, PortBusy, JarRefused) as problem:
            say(str(problem))
            leave(1)
        # A download may still run in a thread, and nobody wants to wait for it.
        leave(0)

    asyncio.run(main())


def leave(code: int) -> None:
    sys.stdout.flush()
    os._exit(code)


async def load_demo(local: Local) -> None:
    """In a process of its own, as the supervisor lives on without its memory."""
    command = [sys.executable, "-m", "meridian", "demo", "load"]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output, _ = await process.communicate()
    if process.returncode:
        say(f"The demo data could not be loaded:\n{output.decode(errors='replace')}")
        return
    state.write_private(local.demo_mark, output.decode(errors="replace"))


def greet(local: Local, run: Run, seconds: float) -> None:
    secrets, command = state.Secrets(local), short(local.root / ".venv" / "bin" / "meridian")
    say(f"\nMeridian is ready after {seconds:.0f} s:  {run.address}\n")
    say(f"  {ADMIN_EMAIL:<34}{secrets['admin']}   administrator")
    if local.demo_mark.exists():
        for person in PEOPLE:
            say(f"  {person.email:<34}{secrets['demo']}   {person.name}, {person.role}")
    say(f"""
Try next, in a second terminal:
  {command} demo file organisations.csv
  {command} import accounts organisations.csv
  {command} duplicates
  {command} follow-up --in 1m
  {command} mail
  {command} events
Every call of the API: {run.address}/docs    Stop: Ctrl-C or make down    Trouble: {command} logs
""")


def down() -> None:
    """Stop what `meridian up` started from this checkout."""
    run = state.running(here())
    if run is None:
        say("Meridian is not running.")
        return
    os.kill(run.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_LIMIT
    while state.running(here()) is not None:
        if time.monotonic() > deadline:
            os.kill(run.pid, signal.SIGKILL)
        time.sleep(0.1)
    say("Meridian is stopped.")


def status() -> None:
    """What runs, where, since when, and how much memory it takes."""
    run = state.running(here())
    if run is None:
        say("Meridian is not running.")
        raise typer.Exit(1)
    say(f"Meridian {'is ready at ' + run.address if run.ready else 'is starting'} (process {run.pid})")
    say(f"PostgreSQL {without_password(run.postgres_url)}  Kafka {run.kafka}  mail {run.smtp_url}\n")
    say(f"{'name':<15}{'process':>8}{'port':>7}{'state':>10}{'memory':>10}{'restarts':>10}{'up':>12}")
    for name, pid in run.pids.items():
        say(asyncio.run(line_of(name, pid, run)))


async def line_of(name: str, pid: int, run: Run) -> str:
    import psutil

    from devstack.readiness import http_ok

    port, restarts = run.ports.get(name), run.restarts.get(name, 0)
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        memory = f"{sum(one.memory_full_info().pss for one in family) / 1e6:.0f} MB"
        age = str(datetime.now(UTC) - datetime.fromtimestamp(process.create_time(), UTC)).split(".")[0]
        answer = "ready" if port is None or await http_ok(port) else "not ready"
    except psutil.Error:
        memory, age, answer = "", "", "ended"
    return f"{name:<15}{pid:>8}{port or '':>7}{answer:>10}{memory:>10}{restarts:>10}{age:>12}"


def without_password(url: str) -> str:
    head, _, host = url.rpartition("@")
    return f"{head.rsplit(':', 1)[0] if head.count(':') > 1 else head}@{host}" if head else url


def mail(last: Annotated[int, typer.Option(help="How many of the newest mails.")] = 20) -> None:
    """List the mails that the local catcher took."""
    from devstack.mail import caught

    mails = caught(here().mail)
    for letter in mails[-last:]:
        say(f"{letter.date}  {letter.sender} -> {letter.to}\n    {letter.subject}\n    {short(letter.path)}")
    say(f"{len(mails)} mails in {short(here().mail)}" if mails else "No mail yet.")


def short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def logs(
    name: Annotated[
        str, typer.Argument(help="A service, or postgres, kafka, migrate; all of them when left out.")
    ] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on showing new lines.")] = False,
) -> None:
    """Show the logs of the services and servers."""
    files = [here().log(name)] if name else sorted(here().logs.glob("*.log"))
    if missing := [file for file in files if not file.exists()]:
        say(f"There is no log {missing[0]}.")
        raise typer.Exit(1)
    command = ["tail", "-n", "50" if name else "10", *(["-F"] if follow else []), *map(str, files)]
    os.execvp("tail", command)  # noqa: S606 - a list, without a shell


def say(line: str) -> None:
    # The terminal may be closed while the stack goes down.
    with suppress(OSError):
        print(line, flush=True)
