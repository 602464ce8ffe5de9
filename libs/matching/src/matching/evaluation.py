"""How good pairs and sets are, beside the truth. Pairs that no key found count as missed."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .table import Ints

Truth = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Quality:
    right: int
    found: int
    true: int

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        return self.right / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        return 2 * self.right / (self.found + self.true) if self.found + self.true else 0.0


def pair_quality(entities: Truth, left: Ints, right: Ints, source: npt.NDArray[np.int8] | None = None) -> Quality:
    """`entities`: the true entity's number of each record. With `source` only pairs across the two lists are true."""
    right_pairs = int((entities[left] == entities[right]).sum())
    return Quality(right_pairs, len(left), pairs_inside(entities, source))


def set_quality(entities: Truth, labels: Truth, source: npt.NDArray[np.int8] | None = None) -> Quality:
    """Pairwise quality of sets: every two records of one set are a pair."""
    both = entities.astype(np.int64) * (int(labels.max(initial=0)) + 1) + labels
    return Quality(pairs_inside(both, source), pairs_inside(labels, source), pairs_inside(entities, source))


def pairs_inside(labels: Truth, source: npt.NDArray[np.int8] | None = None) -> int:
    """How many pairs of records share a label; across two lists when there are two."""
    _, numbered = np.unique(labels, return_inverse=True)
    if source is None:
        counts = np.bincount(numbered)
        return int((counts * (counts - 1) // 2).sum())
    left = np.bincount(numbered[source == 0], minlength=int(numbered.max(initial=-1)) + 1)
    right = np.bincount(numbered[source == 1], minlength=len(left))
    return int((left * right).sum())


def best_threshold(entities: Truth, left: Ints, right: Ints, bits: npt.NDArray[np.float64]) -> tuple[float, float]:
    """(F1, bits) of the threshold that would have been best, for reports: it needs the labels."""
    order = np.argsort(-bits, kind="stable")
    correct = np.cumsum(entities[left[order]] == entities[right[order]])
    f1 = 2 * correct / (np.arange(1, len(order) + 1) + pairs_inside(entities))
    at = int(np.argmax(f1)) if len(f1) else 0
    return (float(f1[at]), float(bits[order[at]])) if len(f1) else (0.0, 0.0)
