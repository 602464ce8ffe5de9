"""How alike two names are when common letters count little: cosine of trigrams weighted by their rarity.

The usual TF-IDF on characters, so that `carole robertson center … gonzalez` and `… padilla` are told apart by what is
not in every name. Everything is computed on arrays.
"""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from .table import Ints

_LETTERS = 38  # space, 26 letters, 10 digits, one for what is none of them
_VOCABULARY = _LETTERS**3
_CODES = np.full(256, _LETTERS - 1, np.int32)
_CODES[ord(" ")] = 0
_CODES[ord("a") : ord("z") + 1] = np.arange(1, 27)
_CODES[ord("0") : ord("9") + 1] = np.arange(27, 37)
_AT_ONCE = 200_000

_FEW = 400

Weights = npt.NDArray[np.float32]
Cosine = Callable[[Ints, Ints], Weights]


def _occurrences(names: list[str]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """(number of the name, trigram) wherever one stands; names are padded with a space on both sides."""
    joined = np.frombuffer("".join(f" {name} " for name in names).encode("ascii", "replace"), np.uint8)
    lengths = np.fromiter((len(name) + 2 for name in names), np.int64, len(names))
    letters = _CODES[joined]
    if len(letters) < 3:
        return np.empty(0, np.int64), np.empty(0, np.int32)
    grams = (letters[:-2] * _LETTERS + letters[1:-1]) * _LETTERS + letters[2:]
    rows = np.repeat(np.arange(len(names)), lengths)
    inside = rows[:-2] == rows[2:]
    return rows[:-2][inside], grams[inside]


def counted(names: list[str]) -> csr_matrix:
    """How often each trigram stands in each name, a row per name."""
    rows, grams = _occurrences(names)
    return csr_matrix((np.ones(len(rows), np.float32), (rows, grams)), shape=(len(names), _VOCABULARY))


def rarity(names: list[str], times: npt.NDArray[np.int64]) -> dict[int, float]:
    """Weight of each trigram seen, log(records / records with it); `times`: how many records have each name."""
    matrix = counted(names)
    matrix.data[:] = 1
    seen = np.asarray(matrix.T @ times.astype(np.float64)).ravel()
    total = max(float(times.sum()), 1.0)
    return {int(gram): round(float(np.log((total + 1) / (seen[gram] + 0.5))), 4) for gram in np.flatnonzero(seen)}


def dense(weights: Mapping[int, float]) -> Weights:
    """A weight for every trigram there can be; one that `weights` do not know counts like the rarest."""
    known = np.full(_VOCABULARY, max(weights.values(), default=1.0), np.float32)
    if weights:
        known[np.fromiter(weights, np.int64, len(weights))] = np.fromiter(weights.values(), np.float32, len(weights))
    return known


class Trigrams:
    """Unit vectors of names, weighted by a table of `dense`."""

    def __init__(self, names: list[str], weights: Weights) -> None:
        self._cosine = _few(names, weights) if len(names) < _FEW else _many(names, weights)

    def cosine(self, left: Ints, right: Ints) -> Weights:
        """0 to 1 per pair of numbers of names; rounded, so that the order of summing does not show."""
        found = np.empty(len(left), np.float32)
        for start in range(0, len(left), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            found[part] = np.round(self._cosine(left[part], right[part]), 5)
        return found


def _many(names: list[str], weights: Weights) -> Cosine:
    matrix = counted(names)
    matrix.data = np.sqrt(matrix.data) * weights[matrix.indices]
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    matrix.data /= np.repeat(np.maximum(lengths, 1e-9), np.diff(matrix.indptr)).astype(np.float32)
    return lambda left, right: np.asarray(matrix[left].multiply(matrix[right]).sum(axis=1)).ravel()


def _few(names: list[str], weights: Weights) -> Cosine:
    """The same with full rows: sparse ones cost a millisecond before the first of them is multiplied."""
    rows, grams = _occurrences(names)
    seen, column = np.unique(grams, return_inverse=True)
    size = len(seen)
    times = np.bincount(rows * size + column, minlength=len(names) * size).reshape(len(names), size)
    matrix = np.sqrt(times).astype(np.float32) * weights[seen]
    lengths = np.sqrt(np.einsum("ij,ij->i", matrix, matrix))
    matrix /= np.maximum(lengths, 1e-9)[:, None]
    return lambda left, right: np.einsum("ij,ij->i", matrix[left], matrix[right])
