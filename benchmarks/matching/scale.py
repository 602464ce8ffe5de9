"""What scoring costs: `python -m benchmarks.matching.scale --records 1000000`.

Online: one record beside 150 others with a scorer kept in memory, wall time. Batch: synthetic companies (seed 7) from
the canonical table to the sets, training included, in a process of its own, with the most memory that process had.
"""

import argparse
import pickle
import resource
import tempfile
import time
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt

from matching.configuration import COMPANIES
from matching.evaluation import pair_quality, set_quality
from matching.pipeline import scan
from matching.scoring import OnlineScorer
from matching.table import Table

from .__main__ import table_of
from .synthetic import synthetic, synthetic_companies

CANDIDATES = 150
TRAINED_ON = 10_000


@dataclass(frozen=True)
class Cost:
    """`peak`: resident bytes of the process that scanned, at most."""

    seconds: float
    peak: int
    candidates: int
    f1: float
    set_f1: float


def online(rounds: int) -> None:
    for labelled in islice(synthetic(TRAINED_ON), 2):
        table = table_of(labelled)
        scorer = OnlineScorer(scan(table, labelled.configuration).model)
        times = sorted(_scored(scorer, table, at) for at in range(rounds))
        p50, p99 = times[rounds // 2], times[rounds * 99 // 100]
        print(f"{labelled.name}: {CANDIDATES} candidates, {rounds} rounds: p50 {p50:.2f} ms, p99 {p99:.2f} ms")


def _scored(scorer: OnlineScorer, table: Table, at: int) -> float:
    record, *others = (table.record((at * CANDIDATES + step) % table.size) for step in range(CANDIDATES + 1))
    started = time.perf_counter()
    scorer.score(record, others)
    return (time.perf_counter() - started) * 1000


def batch(records: int) -> None:
    labelled = synthetic_companies(records, 7)
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table"
        table.write_bytes(pickle.dumps(table_of(labelled)))
        entities = labelled.entities
        name = labelled.name
        del labelled
        with get_context("spawn").Pool(1) as pool:
            cost = pool.apply(_scanned, (table, entities))
    print(
        f"{name}: {cost.seconds:.1f} s, {cost.peak / 2**20:,.0f} MiB at most, {cost.candidates:,} pairs compared, "
        f"F1 {cost.f1:.4f}, F1 of sets {cost.set_f1:.4f}"
    )


def _scanned(path: Path, entities: npt.NDArray[np.int64]) -> Cost:
    table: Table = pickle.loads(path.read_bytes())  # written by this program a moment ago
    started = time.perf_counter()
    found = scan(table, COMPANIES)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    match = found.matches()
    pairs = pair_quality(entities, found.left[match], found.right[match])
    return Cost(seconds, peak, found.candidates, pairs.f1, set_quality(entities, found.sets).f1)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.matching.scale", description=__doc__)
    parser.add_argument("--rounds", type=int, default=500, help="how many records are scored beside 150 others")
    parser.add_argument("--records", type=int, default=0, metavar="N", help="records of the batch run, 0 for none")
    given = parser.parse_args()
    if given.rounds:
        online(given.rounds)
    if given.records:
        batch(given.records)


if __name__ == "__main__":
    main()
