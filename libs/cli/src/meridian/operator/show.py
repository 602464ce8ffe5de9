"""Plain tables for people, JSON for programs."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from meridian.client.words import out


def as_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """One line per row; a column that is empty in every row is left out."""
    used = [name for name in columns if any(row.get(name) not in (None, "") for row in rows)]
    made = Table(box=box.SIMPLE, pad_edge=False)
    for name in used:
        made.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        made.add_row(*(escape(_text(row.get(name))) for name in used))
    out.print(made)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def ago(moment: str) -> str:
    """`2026-11-23T17:20:00Z` -> `4 min`."""
    return duration((datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds())


def duration(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.1f} s"
