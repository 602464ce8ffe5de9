"""Splink on the same rows, beside us in the same run, where it is installed (`uv sync --group bench`).

Its comparisons and blocking rules are those its own demonstrations use for such fields, the same for every set of one
kind: a Splink expert would choose better ones for each set.
"""

import importlib.util
import logging
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from matching.evaluation import Quality, pair_quality, set_quality
from matching.table import Ints

from .sets import Labelled

_FIELDS = {
    "company": ("name", "street", "postcode", "city", "phone", "tax_number", "email"),
    "person": (
        "given_name", "family_name", "birth_date", "street", "postcode", "city", "phone", "email", "tax_number",
        "birth_place", "occupation",
    ),
}  # fmt: skip
_RULES = {
    "company": (
        ("name",), ("phone",), ("tax_number",), ("email",), ("street", "city"), ("street", "postcode"),
        ("substr(name, 1, 6)", "city"), ("substr(name, 1, 6)", "postcode"),
    ),
    "person": (
        ("given_name", "family_name"), ("birth_date",), ("tax_number",), ("phone",), ("email",),
        ("postcode", "family_name"), ("postcode", "given_name"), ("street", "postcode"),
    ),
}  # fmt: skip
_TRAINING = {"company": (("name",), ("phone",)), "person": (("birth_date",), ("given_name", "family_name"))}


@dataclass(frozen=True)
class Found:
    pairs: Quality
    sets: Quality
    seconds: float


def splink_is_here() -> bool:
    return importlib.util.find_spec("splink") is not None


def splink(labelled: Labelled, threshold: float = 0.95) -> Found:
    """Train, predict and cluster; connected components, as Splink offers them."""
    logging.getLogger("splink").setLevel(logging.ERROR)
    started = time.perf_counter()
    left, right, labels = _linked(labelled, threshold)
    seconds = time.perf_counter() - started
    pairs = pair_quality(labelled.entities, left, right, labelled.source)
    return Found(pairs, set_quality(labelled.entities, labels, labelled.source), seconds)


def _rows(labelled: Labelled) -> Any:
    import pyarrow

    fields = _present(labelled)
    columns = {field: [_clean(row.get(field)) for row in labelled.rows] for field in fields}
    return pyarrow.table({"unique_id": list(range(len(labelled.rows))), **columns})


def _present(labelled: Labelled) -> list[str]:
    """The fields that at least one record has."""
    fields = _FIELDS[labelled.configuration.kind]
    return [field for field in fields if any(row.get(field) for row in labelled.rows)]


def _clean(text: str | None) -> str | None:
    return " ".join(text.lower().split()) or None if text else None


def _usable(rules: tuple[tuple[str, ...], ...], present: list[str]) -> list[tuple[str, ...]]:
    return [rule for rule in rules if all(any(field in column for field in present) for column in rule)]


def _comparison(field: str) -> Any:
    from splink import comparison_library as library

    if field == "birth_date":
        return library.DamerauLevenshteinAtThresholds(field, [1, 2])
    if field in ("phone", "tax_number", "postcode"):
        return library.LevenshteinAtThresholds(field, [1, 2]).configure(term_frequency_adjustments=True)
    return library.JaroWinklerAtThresholds(field, [0.92, 0.85, 0.75]).configure(term_frequency_adjustments=True)


def _linked(labelled: Labelled, threshold: float) -> tuple[Ints, Ints, npt.NDArray[np.int64]]:
    from splink import Linker, SettingsCreator, block_on

    kind, present = labelled.configuration.kind, _present(labelled)
    rules: list[Any] = [block_on(*rule) for rule in _usable(_RULES[kind], present)]
    settings = SettingsCreator(
        link_type="dedupe_only" if labelled.source is None else "link_only",
        comparisons=[_comparison(field) for field in present],
        blocking_rules_to_generate_predictions=rules,
    )
    linker = Linker(_frames(labelled), settings)
    linker.training.estimate_probability_two_random_records_match(rules[:2], recall=0.7)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=7)
    for rule in _usable(_TRAINING[kind], present):
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*rule))
    predicted = linker.inference.predict(threshold_match_probability=0.01)
    clustered = linker.clustering.cluster_pairwise_predictions_at_threshold(predicted, threshold)
    return *_pairs(predicted, threshold), _labels(clustered, len(labelled.rows))


def _frames(labelled: Labelled) -> Any:
    from splink.internals.duckdb.database_api import DuckDBAPI

    rows, api = _rows(labelled), DuckDBAPI()
    if labelled.source is None:
        return api.register(rows)
    sides = (rows.take(np.flatnonzero(labelled.source == side)) for side in (0, 1))
    return [api.register(side, dataset_display_name=f"list_{at}") for at, side in enumerate(sides)]


def _pairs(predicted: Any, threshold: float) -> tuple[Ints, Ints]:
    records = predicted.as_pandas_dataframe()
    records = records[records["match_probability"] >= threshold]
    return records["unique_id_l"].to_numpy(np.int32), records["unique_id_r"].to_numpy(np.int32)


def _labels(clustered: Any, size: int) -> npt.NDArray[np.int64]:
    records = clustered.as_pandas_dataframe()
    labels = np.arange(size, dtype=np.int64)
    _, numbers = np.unique(records["cluster_id"].astype(str).to_numpy(), return_inverse=True)
    labels[records["unique_id"].to_numpy()] = size + numbers
    return labels
