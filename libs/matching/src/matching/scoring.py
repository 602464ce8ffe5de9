"""Pairs to bits of evidence: one implementation for a million pairs and for the candidates of one record."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .canonical import Canonical
from .comparisons import Comparison, Levels, Term
from .model import Floats, Model
from .pairview import Mask, PairView
from .table import Column, Ints, Table
from .trigrams import Trigrams, dense

MAX_BITS = 200.0


@dataclass(frozen=True)
class Evidence:
    """`levels` and `bits`: a row per pair, a column per comparison of the model. `total` includes the prior."""

    levels: Levels
    bits: Floats
    total: Floats

    @property
    def probability(self) -> Floats:
        return probability(self.total)

    def row(self, at: int) -> "Evidence":
        """The evidence of one pair."""
        return Evidence(self.levels[at : at + 1], self.bits[at : at + 1], self.total[at : at + 1])


def probability(bits: Floats) -> Floats:
    """Bits of evidence (log2 of the odds) to a chance between 0 and 1."""
    chance: Floats = 1 / (1 + np.exp2(-np.clip(bits, -MAX_BITS, MAX_BITS)))
    return chance


class Prepared:
    """A model as arrays, made once and never changed afterwards: any number of threads may score with it."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.prior_bits = model.prior_bits
        self.bits = {name: learnt.bits for name, learnt in model.learnt.items()}
        self.trigrams = dense(model.trigrams) if model.trigrams else None
        self.rarities = {
            name: [({text: each.bits(text) for text in each.shares}, each.bits("")) for each in learnt.rarities]
            for name, learnt in model.learnt.items()
        }


class Scorer:
    """Scores pairs of one table with one model."""

    def __init__(self, prepared: Prepared, table: Table) -> None:
        self.prepared, self.table = prepared, table
        self.comparisons = prepared.model.comparisons
        grams = prepared.trigrams
        self.trigrams = None if grams is None else Trigrams(table["name"].values, grams)
        self._rarities = {
            each.name: [
                _rarity_bits(term, term.column(table), *known)
                for term, known in zip(each.terms, prepared.rarities[each.name], strict=True)
            ]
            for each in self.comparisons
        }

    def score(self, left: Ints, right: Ints) -> Evidence:
        """Evidence for the pairs (`left[i]`, `right[i]`) of numbers of records."""
        view = PairView(self.table, left, right, self.trigrams)
        levels = np.stack([view.once(each.measure) for each in self.comparisons], axis=1)
        bits = np.stack(
            [self._bits(each, levels[:, at], left, right) for at, each in enumerate(self.comparisons)], axis=1
        )
        return Evidence(levels, bits, bits.sum(axis=1) + self.prepared.prior_bits)

    def _bits(self, comparison: Comparison, levels: Levels, left: Ints, right: Ints) -> Floats:
        bits = self.prepared.bits[comparison.name][levels]
        for term, codes, rarity in self._rarities[comparison.name]:
            at = np.flatnonzero(_among(levels, term))
            bits[at] += np.minimum(rarity[codes[left[at]]], rarity[codes[right[at]]])
        return bits


def _among(levels: Levels, term: Term) -> Mask:
    mask: Mask = levels == term.levels[0]
    for level in term.levels[1:]:
        mask |= levels == level
    return mask


def _rarity_bits(term: Term, column: Column, known: dict[str, float], rest: float) -> tuple[Term, Ints, Floats]:
    """Bits per value, and 0 as the last entry, where an unknown value finds it."""
    return term, column.codes, np.array([*(known.get(value, rest) for value in column.values), 0.0])


class OnlineScorer:
    """Scores records as they come. Made once per model and kept; threads may share it."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._prepared = Prepared(model)

    def score(self, record: Canonical, candidates: Iterable[Canonical]) -> Evidence:
        """One record beside its candidates, in their order: what is asked while somebody types."""
        return self.score_pairs([(record, candidate) for candidate in candidates])

    def score_pairs(self, pairs: Sequence[tuple[Canonical, Canonical]]) -> Evidence:
        """Many pairs at once, in their order: a batch costs little more than one pair."""
        numbers: dict[Canonical, int] = {}
        left = np.fromiter((numbers.setdefault(one, len(numbers)) for one, _ in pairs), np.int32, len(pairs))
        right = np.fromiter((numbers.setdefault(other, len(numbers)) for _, other in pairs), np.int32, len(pairs))
        return Scorer(self._prepared, Table.of_few(list(numbers))).score(left, right)
