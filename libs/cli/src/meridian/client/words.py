"""What the commands say, and how they give up."""

from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def fail(text: str, code: int = 1) -> NoReturn:
    err.print(f"[red]{escape(text)}[/]", soft_wrap=True)
    raise typer.Exit(code)


def problem_in_words(status: int, problem: dict[str, Any]) -> str:
    """A problem+json answer as lines: what is wrong, then one line per field."""
    title, detail = problem.get("title") or f"The answer was {status}", problem.get("detail") or ""
    lines = [f"{title}. {detail}" if detail and detail != title else str(title)]
    for error in problem.get("errors") or []:
        lines.append(f"  {error.get('pointer', '')}: {error.get('detail', error.get('code', ''))}")
    return "\n".join(lines)
