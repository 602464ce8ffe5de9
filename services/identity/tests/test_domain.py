from datetime import timedelta

import pytest

from identity import domain
from identity.domain import Allowance


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("correct horse battery", None),
        ("elevenchars", "password_too_short"),
        ("x" * 257, "password_too_long"),
        ("Anna.Kowalska@Example.com", "password_is_email"),
        ("anna.kowalska", "password_is_email"),
        ("aaaaaaaaaaaaaa", "password_too_simple"),
        ("zażółć gęślą jaźń", None),
    ],
)
def test_a_password_is_long_and_not_the_email(password: str, fault: str | None) -> None:
    assert domain.password_fault(password, "anna.kowalska@example.com") == fault


def test_every_fault_has_a_sentence() -> None:
    assert all(sentence.endswith(".") for sentence in domain.PASSWORD_FAULTS.values())


@pytest.mark.parametrize("email", [" Anna@Example.COM ", "anna@example.com", "ANNA@EXAMPLE.COM"])
def test_emails_are_compared_without_case_and_blanks(email: str) -> None:
    assert domain.canonical_email(email) == "anna@example.com"


def test_roles_keep_the_order_of_the_list_each_once() -> None:
    assert domain.tidy_roles(["sales", "admin", "sales"]) == ["admin", "sales"]


@pytest.mark.parametrize(
    ("before", "after", "loses"),
    [(["admin"], ["sales"], True), (["admin", "sales"], ["admin"], False), (["sales"], [], False)],
)
def test_losing_the_administrators_role(before: list[str], after: list[str], loses: bool) -> None:
    assert domain.loses_admin(before, after) is loses


def test_a_service_has_the_same_id_everywhere() -> None:
    assert domain.service_id("leads") == domain.service_id("leads")
    assert domain.service_id("leads") != domain.service_id("accounts")


def test_an_allowance_tolerates_its_whole_burst() -> None:
    assert Allowance(10, timedelta(minutes=1)).tolerance == timedelta(minutes=10)
