"""Pairs to bits of evidence: one implementation for a million pairs and for the candidates of one record."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .canonical import Canonical
from .comparisons import Comparison, Levels
from .model import Floats, Model, Rarity
from .pairview import PairView
from .table import Column, Ints, Table
from .trigrams import Trigrams

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


def probability(bits: Floats) -> Floats:
    """Bits of evidence (log2 of the odds) to a chance between 0 and 1."""
    chance: Floats = 1 / (1 + np.exp2(-np.clip(bits, -MAX_BITS, MAX_BITS)))
    return chance


class Scorer:
    """Scores pairs of one table with one model."""

    def __init__(self, model: Model, table: Table) -> None:
        self.model, self.table = model, table
        self.trigrams = Trigrams(table["name"].values, model.trigrams) if model.trigrams else None
        self._rarities = {
            each.name: [
                (term, term.column(table).codes, _rarity_bits(rarity, term.column(table)))
                for term, rarity in zip(each.terms, model.learnt[each.name].rarities, strict=True)
            ]
            for each in model.comparisons
        }

    def score(self, left: Ints, right: Ints) -> Evidence:
        view = PairView(self.table, left, right, self.trigrams)
        levels = np.stack([each.measure(view) for each in self.model.comparisons], axis=1)
        bits = np.stack(
            [self._bits(each, levels[:, at], left, right) for at, each in enumerate(self.model.comparisons)], axis=1
        )
        return Evidence(levels, bits, bits.sum(axis=1) + self.model.prior_bits)

    def _bits(self, comparison: Comparison, levels: Levels, left: Ints, right: Ints) -> Floats:
        bits = self.model.learnt[comparison.name].bits[levels]
        for term, codes, rarity in self._rarities[comparison.name]:
            at = np.flatnonzero(np.isin(levels, term.levels))
            bits[at] += np.minimum(rarity[codes[left[at]]], rarity[codes[right[at]]])
        return bits


def _rarity_bits(rarity: Rarity, column: Column) -> Floats:
    """Per value, and 0 as the last entry, where an unknown value finds it."""
    return np.array([*map(rarity.bits, column.values), 0.0])


def score_one(model: Model, record: Canonical, candidates: Iterable[Canonical]) -> Evidence:
    """One record beside its candidates, in their order: what is asked while somebody types."""
    table = Table.of([record, *candidates])
    right = np.arange(1, table.size, dtype=np.int32)
    return Scorer(model, table).score(np.zeros(len(right), np.int32), right)
