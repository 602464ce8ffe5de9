"""The commands for those who keep Meridian running: what is stuck, why, and how it goes on."""

import typer


def register(app: typer.Typer) -> None:
    # Here and not above: `make up` begins with this package and needs none of it.
    from meridian.operator import audit, bootstrap, jobs, outbox, parked, quarantine, replay

    app.add_typer(parked.app, name="parked")
    app.add_typer(quarantine.app, name="quarantine")
    app.add_typer(outbox.app, name="outbox")
    app.add_typer(jobs.app, name="jobs")
    app.command("replay")(replay.replay)
    app.command("bootstrap")(bootstrap.bootstrap)
    app.command("audit")(audit.audit)
