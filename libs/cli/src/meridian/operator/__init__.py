"""The commands for those who keep Meridian running: what is stuck, why, and how it goes on."""

import typer


def register(app: typer.Typer) -> None:
    # Here and not above: `make up` begins with this package and needs none of it.
    from meridian.operator import audit, outbox, parked, quarantine

    app.add_typer(parked.app, name="parked")
    app.add_typer(quarantine.app, name="quarantine")
    app.add_typer(outbox.app, name="outbox")
    app.command("audit")(audit.audit)
