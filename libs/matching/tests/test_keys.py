"""Keys: one record and a table of many give the same; common values are left out; errors still meet."""

from hypothesis import given, settings
from hypothesis import strategies as st

from matching.blocking import Budget, candidate_pairs, keys_of_table, word_frequencies
from matching.canonical import Canonical, company, person
from matching.configuration import COMPANIES, PERSONS
from matching.families import keys_of, neighbours
from matching.phonetics import italian, polish, sounds
from matching.table import Table


def found(records: list[Canonical], families=COMPANIES.families, budget: Budget | None = None) -> set[tuple[int, int]]:
    table = Table.of(records)
    pairs = candidate_pairs(table, families, word_frequencies(table["name"]), budget)
    return set(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))


words = st.sampled_from(["anna", "nowak", "alfa", "12", "krzysztof", "transport", ""])
dates = st.sampled_from(["19710624", "19710625", "1971", ""])
records = st.builds(
    Canonical,
    name=st.lists(words, max_size=4).map(lambda each: " ".join(filter(None, each))),
    given=words,
    family=words,
    born=dates,
    tax=st.sampled_from(["5261040828", "5261040829", ""]),
    phone=st.sampled_from(["+48601234567", "234567", ""]),
    email=st.sampled_from(["jan.nowak@acme.pl", ""]),
    street=words,
    number=st.sampled_from(["1", "12a", ""]),
    postcode=st.sampled_from(["00950", ""]),
    city=words,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(records, min_size=1, max_size=8), st.sampled_from([COMPANIES, PERSONS]))
def test_a_table_and_a_single_record_have_the_same_keys(many, configuration) -> None:
    table = Table.of(many)
    frequencies = word_frequencies(table["name"])
    for family in configuration.families:
        rows, keys = keys_of_table(table, family, frequencies)
        for at, record in enumerate(many):
            alone = set(keys_of(record, (family,), frequencies))
            assert alone == set(keys[rows == at].tolist())


def test_the_most_promising_keys_come_first() -> None:
    record = company({"name": "Alfa Bau", "tax_number": "PL5261040828", "phone": "+48601234567", "postcode": "00-950"})
    promises = [family.promise for family in keys_of(record, COMPANIES.families, {}).values()]
    assert promises == sorted(promises, reverse=True) and promises[0] == 12


def test_a_phone_that_thousands_share_brings_nobody_together() -> None:
    records = [Canonical(phone="+48221234000") for _ in range(5_000)]
    assert found(records) == set()


def test_a_budget_drops_the_largest_groups_first() -> None:
    records = [Canonical(phone="+48221234000")] * 40 + [Canonical(phone="+48601234567")] * 2
    assert found(records, budget=Budget(least=20, per_record=0)) == {(40, 41)}
    assert len(found(records, budget=Budget(least=1_000, per_record=0))) == 40 * 39 // 2 + 1


def test_a_wrong_digit_in_a_birth_date_still_meets() -> None:
    one, other = person({"name": "A", "birth_date": "1971-06-24"}), person({"name": "B", "birth_date": "1971-06-25"})
    assert found([one, other], PERSONS.families) == {(0, 1)}
    assert set(neighbours("abc")) & set(neighbours("axc"))


def test_two_lists_are_compared_across_only() -> None:
    table = Table.of([Canonical(phone="+48601234567")] * 4, source=[0, 0, 1, 1])
    pairs = candidate_pairs(table, COMPANIES.families, {})
    assert set(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)) == {(0, 2), (0, 3), (1, 2), (1, 3)}


def test_polish_and_italian_spellings_sound_alike() -> None:
    assert polish("wajda") == polish("vajda")
    assert polish("chojnacki") == polish("hojnacki")
    assert polish("kszysztof") == polish("krzysztof")
    assert italian("taccini") == italian("tacini")
    assert italian("ghilardi") != italian("gilardi")
    assert set(sounds("wojcik")) & set(sounds("vojcik"))
    assert sounds("a12") == ("a12",)
