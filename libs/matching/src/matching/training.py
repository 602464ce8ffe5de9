"""Unsupervised training after Fellegi and Sunter (1969): what matches and strangers look like, from the records alone.

1. `u`, how often strangers agree, from random pairs.
2. `m`, how often records of one entity agree, by expectation maximisation over pairs that share a key (Winkler 1988),
   in sessions: pairs found by a phone teach everything but the phone.
3. Sets of the sure pairs tell entities from records; values are then counted once per entity, so a customer who is
   there five times does not make his own phone look shared.
4. The prior that explains the candidates: the expected number of matches equals the prior times all possible pairs.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .blocking import Budget, Pairs, candidate_pairs, word_frequencies
from .clusters import Linkage, clusters
from .comparisons import Comparison, Levels
from .configuration import Configuration
from .families import PARTS
from .model import Learnt, Model, Rarity
from .pairview import PairView
from .scoring import Prepared, Scorer, probability
from .table import Column, Table
from .trigrams import Trigrams, dense, rarity

Progress = Callable[[str, float], None]
Weights = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Settings:
    """How much is looked at; the results do not depend on it by more than chance."""

    random_pairs: int = 500_000
    session_pairs: int = 200_000
    candidate_sample: int = 1_000_000
    rounds: int = 2
    seed: int = 7
    listed_words: int = 20_000
    listed_values: int = 20_000
    sure: float = 0.95


@dataclass
class _Patterns:
    """Different rows of levels and how many pairs each stands for."""

    levels: Levels
    counts: Weights

    @classmethod
    def of(cls, levels: Levels) -> "_Patterns":
        found, counts = np.unique(levels, axis=0, return_counts=True)
        return cls(found, counts.astype(float))


def train(
    table: Table,
    configuration: Configuration,
    settings: Settings | None = None,
    pairs: Pairs | None = None,
    progress: Progress | None = None,
) -> Model:
    """A model for the records of a table; `pairs` when they are known already. Deterministic."""
    settings = settings or Settings()
    words = word_frequencies(table["name"])
    pairs = candidate_pairs(table, configuration.families, words, Budget()) if pairs is None else pairs
    learner = _Learner(table, configuration, settings, pairs)
    model = learner.first_model(dict(words.most_common(settings.listed_words)))
    for number in range(settings.rounds):
        model = learner.refined(model)
        if progress:
            progress("training", (number + 1) / settings.rounds)
    return model


class _Learner:
    def __init__(self, table: Table, configuration: Configuration, settings: Settings, pairs: Pairs) -> None:
        self.table, self.configuration, self.settings, self.pairs = table, configuration, settings, pairs
        self.random = np.random.default_rng(settings.seed)
        self.comparisons = configuration.comparisons
        self.weights = _trigram_weights(table, configuration)
        self.trigrams = Trigrams(table["name"].values, dense(self.weights)) if self.weights else None
        self.drawn = self._random_pairs()
        self.strangers = self._measured(*self.drawn)
        kept = self._sample(len(pairs), settings.candidate_sample)
        self.left, self.right, self.families = pairs.left[kept], pairs.right[kept], pairs.families[kept]
        self.scale = len(pairs) / max(len(self.left), 1)
        self.levels = self._measured(self.left, self.right)

    def _measured(self, left: npt.NDArray[np.int32], right: npt.NDArray[np.int32]) -> Levels:
        view = PairView(self.table, left, right, self.trigrams)
        return np.stack([view.once(each.measure) for each in self.comparisons], axis=1)

    def _sample(self, size: int, most: int) -> npt.NDArray[np.int64]:
        return np.sort(self.random.choice(size, most, replace=False)) if size > most else np.arange(size)

    def _random_pairs(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        left, right = self.random.integers(0, max(self.table.size, 1), (2, self.settings.random_pairs), np.int32)
        different = left != right
        if self.table.source is not None:
            different &= self.table.source[left] != self.table.source[right]
        return np.minimum(left, right)[different], np.maximum(left, right)[different]

    def first_model(self, words: dict[str, int]) -> Model:
        learnt = {}
        for at, each in enumerate(self.comparisons):
            rarities = self._rarities(each, None)
            learnt[each.name] = Learnt(_first_m(each), self._u(at, each, rarities, None), rarities)
        model = Model(self.configuration.kind, 1e-4, learnt, words, self.weights, self.table.size)
        return self._with_prior(self._sessions(model))

    def _u(
        self, at: int, comparison: Comparison, rarities: tuple[Rarity, ...], entities: Numbers | None
    ) -> tuple[float, ...]:
        """From random pairs, without those of one entity; where a level means one value, from the values' shares."""
        levels = self.strangers[:, at]
        if entities is not None:
            levels = levels[entities[self.drawn[0]] != entities[self.drawn[1]]]
        known = levels[levels >= 0]
        size = len(comparison.labels)
        rate = (np.bincount(known, minlength=size) + 0.2) / (len(known) + 0.2 * size)
        for term, values in zip(comparison.terms, rarities, strict=True):
            if term.levels == (comparison.top,) and values.usual < 1:
                rate[:-1] *= (1 - values.usual) / rate[:-1].sum()
                rate[-1] = values.usual
        return tuple(rate.tolist())

    def _rarities(self, comparison: Comparison, entities: Numbers | None) -> tuple[Rarity, ...]:
        return tuple(self._rarity(term.column(self.table), entities) for term in comparison.terms)

    def _rarity(self, column: Column, entities: Numbers | None) -> Rarity:
        counts = column.counts if entities is None else _per_entity(column, entities)
        total = max(float(counts.sum()), 2.0)
        usual = float((counts * (counts - 1)).sum() + len(counts) * 0.5) / total**2
        listed = [at for at in np.argsort(-counts, kind="stable")[: self.settings.listed_values] if counts[at] > 1]
        shares = {column.values[at]: float(counts[at] / total) for at in listed}
        return Rarity(max(usual, 0.5 / total**2), 1 / total, shares)

    # --- expectation maximisation --------------------------------------------------------------------------------

    def _sessions(self, model: Model) -> Model:
        m: dict[str, Weights] = {each.name: np.zeros(len(each.labels)) for each in self.comparisons}
        for number, family in enumerate(self.configuration.families):
            taught_by = {PARTS[part].field for part in family.parts}
            use = [at for at, each in enumerate(self.comparisons) if not taught_by & _fields(each)]
            rows = np.flatnonzero((self.families >> number) & 1)
            if len(rows) < 50 or len(use) < 2:
                continue
            rows = rows[self._sample(len(rows), self.settings.session_pairs)]
            patterns = _Patterns.of(self.levels[rows][:, use])
            for at, counted in zip(
                use, _session(patterns, [self.comparisons[each] for each in use], model), strict=True
            ):
                m[self.comparisons[at].name] += counted
        learnt = {
            each.name: replace(model.learnt[each.name], m=_shares(m[each.name], _first_m(each), each.steady))
            for each in self.comparisons
        }
        return replace(model, learnt=learnt)

    def _with_prior(self, model: Model) -> Model:
        """The prior at which the candidates' chances add up to the prior times all possible pairs."""
        evidence = Scorer(Prepared(model), self.table).score(self.left, self.right)
        without = evidence.total - model.prior_bits
        possible = max(self.table.possible_pairs, 2)
        prior = max(0.5 * len(self.pairs), 0.5) / possible
        for _ in range(200):
            expected = float(probability(without + np.log2(prior / (1 - prior))).sum()) * self.scale
            fresh = min(max(expected, 0.5) / possible, 0.5)
            if abs(fresh - prior) < 1e-6 * prior:
                break
            prior = fresh
        return replace(model, prior=prior)

    def refined(self, model: Model) -> Model:
        """Values counted per entity, strangers without the matches among them, `m` from all candidates."""
        evidence = Scorer(Prepared(model), self.table).score(self.left, self.right)
        chance = evidence.probability
        sure = Linkage(join=float(np.log2(self.settings.sure / (1 - self.settings.sure))))
        entities = clusters(self.table.size, self.left, self.right, evidence.total, sure)
        learnt = {}
        for at, each in enumerate(self.comparisons):
            rarities = self._rarities(each, entities)
            levels = self.levels[:, at]
            counted = np.bincount(levels[levels >= 0], weights=chance[levels >= 0], minlength=len(each.labels)).astype(
                float
            )
            u = self._u(at, each, rarities, entities)
            learnt[each.name] = Learnt(_shares(counted, _first_m(each), each.steady), u, rarities)
        return self._with_prior(replace(model, learnt=learnt))


def _trigram_weights(table: Table, configuration: Configuration) -> dict[int, float]:
    """Only companies are compared by the letters of the whole name."""
    column = table["name"]
    return rarity(column.values, column.counts) if configuration.kind == "company" else {}


def _fields(comparison: Comparison) -> set[str]:
    """Fields whose agreement a key forces; parts of names are words of the whole name."""
    names = {"given", "family", "name"}
    return set(comparison.fields) | (names if names & set(comparison.fields) else set())


def _per_entity(column: Column, entities: Numbers) -> npt.NDArray[np.int64]:
    known = column.codes >= 0
    pairs = np.unique(entities[known] * len(column.values) + column.codes[known])
    return np.bincount(pairs % max(len(column.values), 1), minlength=len(column.values))


def _first_m(comparison: Comparison) -> tuple[float, ...]:
    """Where EM begins: most matches agree, the less the weaker the level."""
    steps = np.linspace(0.2, 1, len(comparison.labels)) ** 2 * 0.5
    steps[-1] = 2.0
    return tuple((steps / steps.sum()).tolist())


def _shares(counted: Weights, otherwise: tuple[float, ...], steady: float = 1.0) -> tuple[float, ...]:
    """Counts to shares; the weakest level gets at most `steady`."""
    shares = (counted + 0.2) / (counted + 0.2).sum() if counted.sum() >= 1 else np.array(otherwise)
    if shares[0] > steady:
        shares[1:] *= (1 - steady) / shares[1:].sum()
        shares[0] = steady
    return tuple(shares.tolist())


def _session(patterns: _Patterns, comparisons: list[Comparison], model: Model) -> list[Weights]:
    """Expected counts of each level among the matches of one session. `u` stays as it is."""
    m = [np.array(_first_m(each)) for each in comparisons]
    log_u = [np.log([*model.learnt[each.name].u, 1.0]) for each in comparisons]
    share = 0.3
    counted: list[Weights] = []
    for _ in range(100):
        odds = np.full(len(patterns.counts), np.log(share / (1 - share)))
        for at, each in enumerate(m):
            odds += np.log([*each, 1.0])[patterns.levels[:, at]] - log_u[at][patterns.levels[:, at]]
        chance = patterns.counts / (1 + np.exp(-np.clip(odds, -500, 500)))
        share = float(np.clip(chance.sum() / patterns.counts.sum(), 1e-6, 1 - 1e-6))
        counted = [
            np.bincount(levels[levels >= 0], weights=chance[levels >= 0], minlength=len(each)).astype(float)
            for each, levels in zip(m, patterns.levels.T, strict=True)
        ]
        m = [
            np.array(_shares(count, tuple(before), each.steady))
            for count, before, each in zip(counted, m, comparisons, strict=True)
        ]
    return counted
