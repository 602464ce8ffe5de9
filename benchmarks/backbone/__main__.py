"""`python -m benchmarks.backbone`: the backbone's figures on a durable PostgreSQL and a Kafka of their own."""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

from benchmarks.backbone import costs, debezium, drains, effects, faults, growth, latency
from benchmarks.backbone.bed import Bed, opened
from benchmarks.backbone.record import Machine, save
from benchmarks.report import Line, table

Part = Callable[[Bed], Awaitable[list[Line]]]

PARTS: dict[str, Part] = {
    "latency": latency.latency,
    "drain": drains.drains,
    "effects": effects.effects,
    "costs": costs.costs,
    "faults": faults.faults,
    "growth": growth.growth,
    "debezium": debezium.debezium,
}

NOTES = (
    "Latency runs from the acknowledged COMMIT to the first line of the consumer's function, in another process than"
    " writer and relay; beside it the same from the moment when the statement that commits was sent.",
    "The bare producer and the bare statements have their input in memory and do nothing but send or write it.",
)


async def measure(quick: bool, only: set[str]) -> list[Line]:
    """Runs the parts one after another, each line as soon as it is known."""
    lines: list[Line] = []
    began = time.monotonic()
    async with opened(quick) as bed:
        for name, part in PARTS.items():
            if only and name not in only:
                continue
            _progress(f"{time.monotonic() - began:4.0f} s  measuring: {name}")
            found = await part(bed)
            _progress(table(found))
            lines += found
            await bed.settle()
    return lines


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backbone", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="every part shorter: for trying, not for the record")
    parser.add_argument("--only", nargs="*", default=[], choices=list(PARTS), help="measure these parts alone")
    chosen = parser.parse_args()
    machine, began = Machine.now(), time.monotonic()
    lines = asyncio.run(measure(chosen.quick, set(chosen.only)))
    print(table(lines))
    print(f"\n{machine}")
    if not chosen.only:
        print(f"record: {save(lines, machine, time.monotonic() - began, NOTES, chosen.quick)}")


if __name__ == "__main__":
    main()
