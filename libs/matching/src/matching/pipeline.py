"""Everything at once: keys, candidates, training, scores, sets, in bounded memory."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .blocking import Pairs, candidate_pairs, chunks, word_frequencies
from .clusters import Labels, Linkage, clusters, one_to_one
from .configuration import Configuration
from .model import Floats, Model
from .scoring import Prepared, Scorer, probability
from .table import Ints, Table
from .training import train

Progress = Callable[[str, float], None]
# Less likely pairs are dropped: nobody would be shown them, and sets count them as pairs without evidence.
FORGOTTEN = -10.0


@dataclass(frozen=True)
class Scan:
    """Pairs with the bits of evidence they have, and the set of each record (its smallest member's number)."""

    model: Model
    left: Ints
    right: Ints
    bits: Floats
    sets: Labels
    candidates: int

    def matches(self, chance: float = 0.5) -> npt.NDArray[np.bool_]:
        return probability(self.bits) >= chance


def scan(
    table: Table, configuration: Configuration, model: Model | None = None, progress: Progress | None = None
) -> Scan:
    """All duplicates of a table. Trains when no model is given. The same table and model give the same result."""
    words = word_frequencies(table["name"]) if model is None else model.words
    pairs = candidate_pairs(table, configuration.families, words, progress=progress)
    model = model or train(table, configuration, pairs=pairs, progress=progress)
    left, right, bits = _scored(table, model, pairs, progress)
    if table.source is not None:
        kept = one_to_one(left, right, bits)
        left, right, bits = left[kept], right[kept], bits[kept]
    sets = clusters(table.size, left, right, bits, Linkage())
    return Scan(model, left, right, bits, sets, len(pairs))


def _scored(table: Table, model: Model, pairs: Pairs, progress: Progress | None) -> tuple[Ints, Ints, Floats]:
    scorer = Scorer(Prepared(model), table)
    kept: list[tuple[Ints, Ints, Floats]] = []
    for part in chunks(pairs):
        left, right = pairs.left[part], pairs.right[part]
        total = scorer.score(left, right).total
        likely = total > FORGOTTEN
        kept.append((left[likely], right[likely], total[likely]))
        if progress:
            progress("scores", min(1.0, part.stop / len(pairs)))
    if not kept:
        return np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0)
    lefts, rights, bits = zip(*kept, strict=True)
    return np.concatenate(lefts), np.concatenate(rights), np.concatenate(bits)
