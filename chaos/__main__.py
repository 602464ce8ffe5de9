"""`make chaos`: the backbone under faults, with a checker at the end. Exit code 1 on any violation."""

import argparse
import asyncio
import random
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from chaos.broken import BUILDS
from chaos.report import Report, save, text
from chaos.run import Plan, run

RESULTS = Path("benchmarks/results")
# Processes that die, hang and overlap: what each of the four mistakes needs, with nothing that only slows things down.
PROOF: dict[str, Any] = {
    "seconds": 60.0,
    "rate": 12.0,
    "longest": 5.0,
    "pace": 0.8,
    "settle": 40.0,
    "only": (
        "SIGKILL of a process",
        "SIGSTOP of a process",
        "death at a failpoint",
        "backends terminated",
        "leases expired",
        "poison: handler bug",
    ),
}
QUICK: dict[str, Any] = {
    "seconds": 10.0,
    "writers": 2,
    "rate": 4.0,
    "owners": 2,
    "longest": 2.5,
    "pace": 0.3,
    "at_once": 6,
    "lease": 3,
    "stall": 1.5,
    "settle": 150.0,
    # After the first a client waits for 35 s, after the second the broker's old registration must first expire; the
    # third can leave an old state at the end of the state topic (docs/chaos.md, limits).
    "without": ("link: half open", "broker SIGKILL", "leases expired"),
}


def main() -> None:
    # Whoever ends us by SIGTERM gets the same cleaning up as by Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    chosen = _arguments()
    seeds = chosen.seeds or [chosen.seed if chosen.seed is not None else random.randrange(1, 1_000_000)]
    if chosen.prove:
        sys.exit(0 if _prove(seeds[0], chosen) else 1)
    passed = [_once(seed, chosen) for seed in seeds]
    sys.exit(0 if all(passed) else 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="repeats the same choice of faults; random and printed otherwise")
    parser.add_argument("--seeds", type=_numbers, help="several runs, one after another: 1,2,3")
    parser.add_argument("--minutes", type=float, default=2.0, help="how long faults are injected")
    parser.add_argument("--client", choices=("aiokafka", "confluent"), default="aiokafka", help="whose Kafka client")
    parser.add_argument("--quick", action="store_true", help="ten seconds of short faults, as make test does it")
    parser.add_argument("--broken", choices=sorted(BUILDS), default="", help="a build with a deliberate mistake")
    parser.add_argument("--prove", action="store_true", help="run the four broken builds; each must be caught")
    parser.add_argument("--keep", type=Path, help="keep logs and data below this folder")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the record of the run goes")
    return parser.parse_args()


def _numbers(value: str) -> list[int]:
    return [int(part) for part in value.split(",")]


def _once(seed: int, chosen: argparse.Namespace) -> bool:
    plan = Plan(seed, chosen.minutes * 60, chosen.broken, client=chosen.client, kept=chosen.keep)
    return not _report(replace(plan, **QUICK) if chosen.quick else plan, chosen.results).violations


def _report(plan: Plan, results: Path) -> Report:
    print(f"seed {plan.seed}: {plan.seconds:.0f} s of faults {plan.broken}", file=sys.stderr, flush=True)
    report = asyncio.run(run(plan, lambda line: print(line, file=sys.stderr, flush=True)))
    print(text(report), flush=True)
    print(f"\nrecord: {save(report, results)}", flush=True)
    return report


def _prove(seed: int, chosen: argparse.Namespace) -> bool:
    """Whether each broken build was caught as what it is."""
    caught = {}
    for name, build in BUILDS.items():
        plan = Plan(seed, broken=name, failpoints=build.failpoints, client=chosen.client, kept=chosen.keep, **PROOF)
        caught[name] = _report(plan, chosen.results).by_kind[build.caught_as]
    for name, count in caught.items():
        verdict = "caught" if count else "NOT CAUGHT"
        print(f"{name:<24}{BUILDS[name].caught_as:<16}{count:>8}  {verdict}")
    return all(caught.values())


if __name__ == "__main__":
    main()
