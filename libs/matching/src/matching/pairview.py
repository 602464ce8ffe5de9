"""What is known about many pairs at once: both sides of a column, whether they are equal, how alike they are."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from rapidfuzz import process

from .table import Column, Ints, Table
from .trigrams import Trigrams

Mask = npt.NDArray[np.bool_]
Likeness = npt.NDArray[np.float32]
Scorer = Callable[..., Any]
# Threads, and scoring equal pairs of texts once, help from thousands of pairs; for a handful they are the cost.
WORKERS, MANY = 2, 4_000
Measured = TypeVar("Measured")


class PairView:
    """Pairs (`left[i]`, `right[i]`) of records of one table; `trigrams` of its names."""

    def __init__(self, table: Table, left: Ints, right: Ints, trigrams: Trigrams | None = None) -> None:
        self.table, self.left, self.right, self.trigrams = table, left, right, trigrams
        self._equal: dict[str, Mask] = {}
        self._both: dict[str, Mask] = {}
        self._measured: dict[Callable[[PairView], Any], Any] = {}

    def __len__(self) -> int:
        return len(self.left)

    def once(self, measure: "Callable[[PairView], Measured]") -> Measured:
        """What `measure` says of these pairs; asked again, it is remembered."""
        if measure not in self._measured:
            self._measured[measure] = measure(self)
        found: Measured = self._measured[measure]
        return found

    def column(self, name: str) -> Column:
        return self.table[name]

    def codes(self, name: str) -> tuple[Ints, Ints]:
        codes = self.column(name).codes
        return codes[self.left], codes[self.right]

    def both(self, name: str) -> Mask:
        """Where both sides are known."""
        if name not in self._both:
            one, other = self.codes(name)
            self._both[name] = (one >= 0) & (other >= 0)
        return self._both[name]

    def equal(self, name: str) -> Mask:
        if name not in self._equal:
            one, other = self.codes(name)
            self._equal[name] = (one >= 0) & (one == other)
        return self._equal[name]

    def differ(self, name: str) -> Mask:
        return self.both(name) & ~self.equal(name)

    def only_one(self, name: str) -> Mask:
        """Where one side is known and the other is not."""
        one, other = self.codes(name)
        single: Mask = (one >= 0) != (other >= 0)
        return single

    def likeness(self, name: str, where: Mask, scorer: Scorer, **options: Any) -> Likeness:
        """`scorer` of the two texts, 0 outside `where`."""
        return self.across(name, name, where, scorer, **options)

    def across(self, name: str, other_name: str, where: Mask, scorer: Scorer, **options: Any) -> Likeness:
        """The left side's `name` beside the right side's `other_name`."""
        alike = np.zeros(len(self), np.float32)
        at = np.flatnonzero(where)
        if not len(at):
            return alike
        one, other = self.column(name), self.column(other_name)
        left, right = one.codes[self.left[at]], other.codes[self.right[at]]
        if len(at) < MANY:
            alike[at] = _scored(one.texts[left], other.texts[right], scorer, options)
            return alike
        found, back = np.unique(left.astype(np.int64) * len(other.values) + right, return_inverse=True)
        alike[at] = _scored(
            one.texts[found // len(other.values)], other.texts[found % len(other.values)], scorer, options
        )[back]
        return alike


def _scored(
    one: npt.NDArray[np.object_], other: npt.NDArray[np.object_], scorer: Scorer, options: dict[str, Any]
) -> Likeness:
    workers = WORKERS if len(one) >= MANY else 1
    scores = process.cpdist(one.tolist(), other.tolist(), scorer=scorer, workers=workers, **options)
    return np.asarray(scores, np.float32)
