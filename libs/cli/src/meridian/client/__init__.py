"""The commands that use a running Meridian, by its public API only."""

import typer


def register(app: typer.Typer) -> None:
    # Here and not above: the demo's commands use this package's connection.
    from meridian.client import duplicates, events, follow_up, imports
    from meridian.demo.commands import app as demo

    app.add_typer(imports.app, name="import")
    app.command("duplicates")(duplicates.duplicates)
    app.command("follow-up")(follow_up.follow_up)
    app.command("events")(events.events)
    app.add_typer(demo, name="demo")
