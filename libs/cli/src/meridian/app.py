"""The `meridian` command. Each module registers its own commands."""

import typer

from meridian import client, operator, stack

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Run and use Meridian from a terminal.")
stack.register(app)
client.register(app)
operator.register(app)


@app.callback()
def root() -> None:
    """Run and use Meridian from a terminal."""


def main() -> None:
    app()
