"""`make bench`: starts a system of its own, measures, prints the table."""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable

from benchmarks import flows, herd, imports, reads, writes
from benchmarks.memory import memory
from benchmarks.report import Line, table
from devstack.scratch import System, scratch, started

MEGABYTE = 1_048_576
Part = Callable[[System], Awaitable[list[Line]]]


def parts(seconds: float) -> dict[str, Part]:
    return {
        "steady": writes.steady,
        "sustained": lambda system: writes.sustained(system, seconds),
        "duplicates": flows.duplicates,
        "reminders": flows.reminders,
        "import": imports.imported,
        "herd": herd.herd,
        "lists": _lists,
    }


async def _lists(system: System) -> list[Line]:
    await reads.fill(system)
    return await reads.lists(system)


async def bench(seconds: float, only: set[str]) -> list[Line]:
    async with scratch() as local:
        async with started(local) as fresh:
            first = fresh.seconds_to_start
        async with started(local) as system:
            lines = [_start(first, system.seconds_to_start), _memory(system)]
            for name, part in parts(seconds).items():
                if not only or name in only:
                    print(f"measuring: {name}", file=sys.stderr, flush=True)
                    lines += await part(system)
            lines.append(_memory(system))
        return lines


def _start(first: float, warm: float) -> Line:
    return Line("start until ready, warm", "<= 15 s", f"{warm:.1f} s", f"from an empty state {first:.1f} s", warm <= 15)


def _memory(system: System) -> Line:
    pids = dict(system.supervisor.run.pids)
    java = {name: pids.pop(name) for name in ("Kafka",) if name in pids}
    pids.pop("PostgreSQL", None)
    python = memory({**pids, "supervisor": os.getpid()})
    total = sum(python.values()) / MEGABYTE
    heap = f"JVM in all {sum(memory(java).values()) / MEGABYTE:.0f} MB, heap limit 384 MB"
    return Line("memory of all Python processes (PSS)", "<= 1024 MB", f"{total:.0f} MB", heap, total <= 1024)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="15 s instead of 60 s of sustained load")
    parser.add_argument("--only", nargs="*", default=[], choices=list(parts(0)), help="measure these parts alone")
    chosen = parser.parse_args()
    lines = asyncio.run(bench(15 if chosen.quick else 60, set(chosen.only)))
    print(table(lines))


if __name__ == "__main__":
    main()
