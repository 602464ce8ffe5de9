"""What was learnt, as one JSON: batch and online scoring read the same file."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .canonical import CANON_VERSION
from .comparisons import Comparison
from .configuration import CONFIGURATIONS, Configuration

MODEL_VERSION = 1
Floats = npt.NDArray[np.float64]


class ModelMismatch(ValueError):
    """The file was made by another version of the model or of the canonical form, or is no model."""


@dataclass(frozen=True)
class Rarity:
    """How much less (or more) it says when two records share a frequent (or rare) value.

    `usual`: chance that two entities share a value. `rarest`: share taken for a value that is not listed. `shares`:
    of the frequent values, each the share of entities that have it.
    """

    usual: float
    rarest: float
    shares: dict[str, float]

    def bits(self, text: str) -> float:
        return math.log2(self.usual / max(self.shares.get(text, self.rarest), self.rarest))


@dataclass(frozen=True)
class Learnt:
    """Chance of each level among records of one entity (`m`) and of two (`u`), weakest level first.

    `rarities`: one for each term of the comparison.
    """

    m: tuple[float, ...]
    u: tuple[float, ...]
    rarities: tuple[Rarity, ...] = ()

    @property
    def bits(self) -> Floats:
        """log2(m/u) per level, and 0 as the last entry, where level -1 (unknown) finds it."""
        return np.array([*(math.log2(m / u) for m, u in zip(self.m, self.u, strict=True)), 0.0])


@dataclass(frozen=True)
class Model:
    """`prior`: chance that two records drawn at random are one entity. `words`: in how many records the frequent words
    of names stand. `trigrams`: weights of letter groups of names. `records`: how many records were learnt from."""

    kind: str
    prior: float
    learnt: dict[str, Learnt]
    words: dict[str, int] = field(default_factory=dict)
    trigrams: dict[int, float] = field(default_factory=dict)
    records: int = 0
    canon_version: int = CANON_VERSION

    @property
    def configuration(self) -> Configuration:
        return CONFIGURATIONS[self.kind]

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        return self.configuration.comparisons

    @property
    def prior_bits(self) -> float:
        return math.log2(self.prior / (1 - self.prior))

    def to_json(self) -> str:
        learnt = {name: _learnt_json(each) for name, each in self.learnt.items()}
        return json.dumps(
            {
                "model_version": MODEL_VERSION,
                "canon_version": self.canon_version,
                "kind": self.kind,
                "records": self.records,
                "prior": self.prior,
                "learnt": learnt,
                "words": self.words,
                "trigrams": self.trigrams,
            },
            ensure_ascii=False,
            indent=1,
        )

    @classmethod
    def from_json(cls, text: str) -> "Model":
        """Raises ModelMismatch for another version and for what is no model."""
        try:
            stored = json.loads(text)
            _check_versions(stored)
            return cls._of(stored)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if isinstance(error, ModelMismatch):
                raise
            raise ModelMismatch(f"no model: {error!r}") from error

    @classmethod
    def _of(cls, stored: dict[str, Any]) -> "Model":
        configuration = CONFIGURATIONS[stored["kind"]]
        learnt = {each.name: _learnt_of(stored["learnt"][each.name], each) for each in configuration.comparisons}
        grams = {int(gram): float(weight) for gram, weight in stored["trigrams"].items()}
        if not 0 < stored["prior"] < 1:
            raise ModelMismatch(f"prior {stored['prior']} is no probability")
        return cls(configuration.kind, stored["prior"], learnt, stored["words"], grams, stored["records"])

    def save(self, path: Path) -> None:
        path.write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Model":
        return cls.from_json(path.read_text(encoding="utf-8"))


def _check_versions(stored: dict[str, Any]) -> None:
    seen = stored["model_version"], stored["canon_version"]
    if seen != (MODEL_VERSION, CANON_VERSION):
        raise ModelMismatch(f"model and canonical form of versions {seen}, not {(MODEL_VERSION, CANON_VERSION)}")


def _learnt_json(learnt: Learnt) -> dict[str, Any]:
    rarities = [{"usual": each.usual, "rarest": each.rarest, "shares": each.shares} for each in learnt.rarities]
    return {"m": learnt.m, "u": learnt.u, "rarities": rarities}


def _learnt_of(stored: dict[str, Any], comparison: Comparison) -> Learnt:
    m, u, rarities = stored["m"], stored["u"], stored["rarities"]
    if not len(m) == len(u) == len(comparison.labels) or min(*m, *u) <= 0 or len(rarities) != len(comparison.terms):
        raise ModelMismatch(f"{comparison.name}: other levels than this version compares")
    return Learnt(tuple(m), tuple(u), tuple(Rarity(**each) for each in rarities))
