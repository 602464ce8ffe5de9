"""Training, one model for batch and online, and what decisions and explanations say."""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest

from benchmarks.matching.synthetic import synthetic_companies, synthetic_persons
from matching.canonical import Canonical, company, person
from matching.configuration import COMPANIES
from matching.decisions import Policy, check
from matching.evaluation import pair_quality, set_quality
from matching.model import Model, ModelMismatch
from matching.pipeline import Scan, scan
from matching.scoring import OnlineScorer
from matching.table import Table, table_of_raw


@cache
def companies() -> tuple[Table, Scan, np.ndarray]:
    labelled = synthetic_companies(3_000, 7)
    table = table_of_raw(labelled.rows, company)
    return table, scan(table, COMPANIES), labelled.entities


@cache
def persons() -> tuple[Table, Scan, np.ndarray]:
    labelled = synthetic_persons(2_000, 11)
    table = table_of_raw(labelled.rows, person)
    return table, scan(table, labelled.configuration), labelled.entities


@pytest.mark.parametrize("made", [companies, persons])
def test_duplicates_are_found_without_labels(made) -> None:
    _, found, entities = made()
    match = found.matches()
    assert pair_quality(entities, found.left[match], found.right[match]).f1 > 0.85
    assert set_quality(entities, found.sets).f1 > 0.85


@pytest.mark.parametrize("made", [companies, persons])
def test_batch_and_online_score_the_same(made) -> None:
    """The model goes through its file, the candidates arrive one record at a time."""
    table, found, _ = made()
    scorer = OnlineScorer(Model.from_json(found.model.to_json()))
    seen = 0
    for left in np.unique(found.left)[:60].tolist():
        mine = found.left == left
        candidates = [table.record(right) for right in found.right[mine].tolist()]
        online = scorer.score(table.record(left), candidates)
        assert np.abs(online.total - found.bits[mine]).max() <= 1e-9
        seen += len(candidates)
    assert seen > 60


def test_scoring_does_not_ask_who_is_first() -> None:
    table, found, _ = persons()
    scorer = OnlineScorer(found.model)
    for left, right in list(zip(found.left.tolist(), found.right.tolist(), strict=True))[:100]:
        one, other = table.record(left), table.record(right)
        there, back = scorer.score(one, [other]), scorer.score(other, [one])
        assert there.total == pytest.approx(back.total, abs=1e-9)


@pytest.mark.parametrize("made", [companies, persons])
def test_many_pairs_at_once_score_like_one_after_the_other(made) -> None:
    table, found, _ = made()
    scorer = OnlineScorer(found.model)
    pairs = [(table.record(one), table.record(other)) for one, other in zip(found.left, found.right, strict=True)][:600]
    together = scorer.score_pairs(pairs).total
    alone = np.concatenate([scorer.score(one, [other]).total for one, other in pairs[::10]])
    assert np.abs(together[::10] - alone).max() <= 1e-9


def test_threads_share_a_scorer() -> None:
    table, found, _ = companies()
    scorer = OnlineScorer(found.model)
    candidates = [table.record(at) for at in range(100)]

    def scored(at: int) -> list[float]:
        return scorer.score(table.record(at), candidates).total.tolist()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(scored, range(48))) == [scored(at) for at in range(48)]


def test_nothing_to_compare_with_is_no_evidence() -> None:
    scorer = OnlineScorer(companies()[1].model)
    assert len(scorer.score(ALFA, []).total) == len(scorer.score_pairs([]).total) == 0


def test_a_scan_repeats_itself() -> None:
    table, found, _ = companies()
    again = scan(table, COMPANIES, found.model)
    assert np.array_equal(again.sets, found.sets) and np.array_equal(again.bits, found.bits)


def test_progress_is_told() -> None:
    table, found, _ = companies()
    told: list[tuple[str, float]] = []
    scan(table, COMPANIES, found.model, progress=lambda stage, share: told.append((stage, share)))
    assert {stage for stage, _ in told} == {"keys", "scores"} and told[-1] == ("scores", 1.0)


def test_a_model_of_another_version_is_refused() -> None:
    text = companies()[1].model.to_json()
    changes: list[dict[str, object]] = [
        {"model_version": 99},
        {"canon_version": 99},
        {"kind": "ship"},
        {"prior": 2},
        {"learnt": {}},
    ]
    for change in changes:
        with pytest.raises(ModelMismatch):
            Model.from_json(json.dumps({**json.loads(text), **change}))
    for broken in ("", "[]", "{}", "null"):
        with pytest.raises(ModelMismatch):
            Model.from_json(broken)


def test_a_model_is_a_file(tmp_path) -> None:
    model = companies()[1].model
    model.save(tmp_path / "model.json")
    assert Model.load(tmp_path / "model.json") == model


ALFA = company({"name": "Alfabryka Sp. z o.o.", "tax_number": "PL5261040828", "phone": "+48601234567",
                "street": "Długa 10", "postcode": "00-950", "city": "Warszawa", "website": "alfabryka.pl"})  # fmt: skip


@cache
def online() -> OnlineScorer:
    return OnlineScorer(companies()[1].model)


def decision(record: Canonical, policy: Policy | None = None):
    return check(online(), record, [ALFA], policy)[0]


def test_the_same_valid_tax_number_blocks() -> None:
    assert decision(company({"name": "Inna", "tax_number": "526-10-40-828", "country": "PL"})).action == "block"


def test_a_name_alone_never_blocks() -> None:
    seen = decision(company({"name": "Alfabryka"}), Policy(block=0.0, alert=0.0))
    assert seen.action == "alert"


def test_two_strong_groups_block_and_are_explained() -> None:
    seen = decision(company({"name": "ALFABRYKA", "phone": "601234567", "country": "PL", "street": "ul. Dluga 10",
                             "postcode": "00950", "website": "http://www.alfabryka.pl"}))  # fmt: skip
    assert seen.action == "block" and seen.chance > 0.999
    decisive = {reason.comparison for reason in seen.reasons if reason.verdict == "decisive"}
    assert {"phone", "address"} <= decisive
    assert ("phone", "+48601234567", "+48601234567") in [value for reason in seen.reasons for value in reason.fields]


def test_two_valid_tax_numbers_of_one_country_only_report() -> None:
    seen = decision(ALFA._replace(tax="7740001454", tax_country="PL"))
    assert (seen.action, seen.is_capped) == ("report", True)
    assert "contradicts" in {reason.verdict for reason in seen.reasons if reason.comparison == "tax number"}


def test_strangers_are_let_through() -> None:
    seen = decision(company({"name": "Piekarnia Kłos", "phone": "+48224445566", "street": "Polna 3", "city": "Opole"}))
    assert seen.action == "none" and {reason.verdict for reason in seen.reasons} == {"contradicts"}


def test_records_without_anything_are_no_match() -> None:
    assert check(online(), Canonical(), [Canonical(), ALFA]) == check(online(), Canonical(), [Canonical()] * 2)
    assert check(online(), ALFA, []) == []


@pytest.mark.parametrize("size", [0, 1, 2])
def test_tiny_tables_have_no_duplicates_to_show(size: int) -> None:
    found = scan(Table.of([Canonical(name="alfa")] * size), COMPANIES)
    assert len(found.sets) == size
