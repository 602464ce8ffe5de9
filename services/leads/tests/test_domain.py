import pytest

from leads.domain import (
    DEFAULT_STATUSES,
    Status,
    digits,
    faults_of,
    first_status,
    folded,
    may_move,
    missing_identity,
    split_utm,
    status_named,
    storable,
    yes_or_no,
)


@pytest.mark.parametrize(
    ("company", "is_person", "missing"),
    [("Acme", False, False), (None, True, False), ("Acme", True, False), (None, False, True), ("", False, True)],
)
def test_a_lead_names_a_company_or_is_a_person(company: str | None, is_person: bool, missing: bool) -> None:
    assert missing_identity(company, is_person) is missing


def test_a_new_lead_gets_the_first_open_status() -> None:
    statuses = (Status("done", "Done", "qualified"), Status("fresh", "Fresh", "open"), Status("new", "New", "open"))
    assert first_status(statuses).value == "fresh"
    assert status_named(statuses, "gone") is None


@pytest.mark.parametrize(
    ("before", "after", "allowed"),
    [
        ("open", "working", True),
        ("unqualified", "open", True),
        ("open", "converted", False),
        ("converted", "open", False),
    ],
)
def test_only_conversion_converts(before: str, after: str, allowed: bool) -> None:
    assert may_move(before, after) is allowed


def test_a_status_list_needs_an_open_status_and_no_value_twice() -> None:
    twice = [Status("a", "A", "working"), Status("a", "B", "working")]
    assert {(at, code) for at, _, code, _ in faults_of(twice)} == {(1, "repeated"), (-1, "open_missing")}
    assert faults_of(list(DEFAULT_STATUSES)) == []


def test_searching_is_blind_to_accents_and_case() -> None:
    assert folded("Łukasz", None, "Żółć & Syn", "A@B.pl") == "lukasz zolc syn a@b.pl"
    assert digits("+48 (22) 111-22-33") == "48221112233"


def test_utm_parameters_are_set_apart() -> None:
    fields, utm = split_utm({"last_name": "Kot", "utm_source": "news", "utm_campaign": "", "utm_x" * 20: "long"})
    assert utm == {"source": "news"}
    assert set(fields) == {"last_name", "utm_x" * 20}


@pytest.mark.parametrize(
    ("text", "value"), [("on", True), ("Tak", True), ("", False), ("nie", False), ("maybe", "maybe")]
)
def test_ticked_boxes(text: str, value: object) -> None:
    assert yes_or_no(text) == value


def test_what_a_robot_sent_can_be_stored() -> None:
    assert storable({"a\x00": "\ud800", "b": ["x"] * 1000})["a"] == "?"
    assert len(storable({str(n): n for n in range(500)})) == 50
