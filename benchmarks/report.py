"""The table that a run prints."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One figure: what was promised, what was seen, and what the bare thing takes in the same run."""

    what: str
    target: str
    seen: str
    baseline: str = ""
    is_met: bool | None = None


def within(seen: float, limit: float) -> bool:
    return seen <= limit


def table(lines: list[Line]) -> str:
    rows = [("figure", "target", "seen", "baseline in the same run", "met")]
    rows += [(line.what, line.target, line.seen, line.baseline, verdict(line.is_met)) for line in lines]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def verdict(is_met: bool | None) -> str:
    return {True: "yes", False: "NO", None: ""}[is_met]
