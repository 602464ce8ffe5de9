"""The demo file is the same everywhere, and what it says about itself is true."""

import csv
import hashlib
import io
from collections import Counter, defaultdict
from pathlib import Path
from random import Random

import phonenumbers
import pytest
from stdnum import get_cc_module
from typer.testing import CliRunner

from meridian.app import app
from meridian.demo.countries import COUNTRIES, Country
from meridian.demo.file import COLUMNS, demo_csv, demo_rows, organisations, plain

ROWS = demo_rows(3000)
DIGEST = "5df40c218c3087cb"


def test_the_same_seed_gives_the_same_file() -> None:
    assert demo_csv(300, seed=5) == demo_csv(300, seed=5)
    assert demo_csv(300, seed=5) != demo_csv(300, seed=6)


def test_the_file_does_not_change_by_accident() -> None:
    # A reader's notes and the figures in the benchmarks refer to this very file.
    assert hashlib.sha256(demo_csv(3000).encode()).hexdigest().startswith(DIGEST)


def test_one_row_in_five_is_another_spelling_of_an_organisation() -> None:
    sizes = Counter(row["true_id"] for row in ROWS)
    assert len(ROWS) == 3000 and len(sizes) == 2400
    assert max(sizes.values()) > 2


def test_all_four_countries_are_there() -> None:
    shares = Counter(row["country"] for row in ROWS)
    assert set(shares) == {country.code for country in COUNTRIES}
    assert min(shares.values()) > 500


def test_one_row_in_two_hundred_has_no_name() -> None:
    assert sum(not row["name"] for row in ROWS) == 15


def test_another_spelling_is_recognisable_and_different() -> None:
    sets = defaultdict(list)
    for row in ROWS:
        sets[row["true_id"]].append(row)
    for first, *others in sets.values():
        for other in others:
            assert plain(first["city"]) == plain(other["city"]) and first["postal_code"] == other["postal_code"]
    repeated = [row for members in sets.values() for row in members if len(members) > 1]
    lines = {tuple(row[name] for name in COLUMNS if name not in ("id", "true_id")) for row in repeated}
    assert len(lines) > 0.95 * len(repeated)


@pytest.mark.parametrize("country", COUNTRIES, ids=lambda country: country.code)
def test_tax_numbers_have_right_check_digits(country: Country) -> None:
    random = Random(3)
    checker = get_cc_module(country.code, "vat")
    assert checker is not None
    assert all(checker.is_valid(country.tax_number(random)) for _ in range(300))


def test_telephone_numbers_are_possible() -> None:
    numbers = [(row["phone"], row["country"]) for row in ROWS if row["phone"]]
    assert len(numbers) > 2000
    for number, country in numbers:
        assert phonenumbers.is_valid_number(phonenumbers.parse(number, country)), number


def test_mails_and_sites_belong_to_nobody() -> None:
    assert all(row["email"].endswith(".example") for row in ROWS if row["email"])
    assert all(row["website"].endswith(".example") for row in ROWS if row["website"])


def test_organisations_alone_are_all_different() -> None:
    found = organisations(50, seed=9)
    assert len({row.true_id for row in found}) == len({row.email for row in found}) == 50


def test_a_file_needs_ten_rows() -> None:
    with pytest.raises(ValueError, match="ten rows"):
        demo_rows(9)


def test_the_command_writes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "organisations.csv"
    result = CliRunner().invoke(app, ["demo", "file", str(path), "--rows", "20", "--seed", "3"])
    assert result.exit_code == 0, result.output
    assert path.read_text("utf-8") == demo_csv(20, seed=3)
    assert [row["id"] for row in csv.DictReader(io.StringIO(path.read_text("utf-8")))][-1] == "D00020"


def test_the_command_writes_to_the_terminal() -> None:
    result = CliRunner().invoke(app, ["demo", "file", "--rows", "20"])
    assert result.stdout == demo_csv(20)
