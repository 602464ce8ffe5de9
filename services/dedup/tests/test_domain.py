from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.domain.canonical import (
    Canonical,
    business_name,
    email_address,
    fold,
    phone_number,
    postcode,
    street_and_number,
    tax_number,
    web_domain,
)
from dedup.domain.decision import Situation, confirm_token, decide
from dedup.domain.grouping import Pair, best_pairs, components, regroup
from dedup.domain.keys import FAMILIES, PROMISE, blocking_keys, exact_keys, family, promise
from dedup.domain.reading import canonical, label
from dedup.domain.score import LISTED, SUSPECTED, comparable, compare


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("GET CLOUDY Sp. z o.o.", "get cloudy"),
        ("Get Cloudy spółka z ograniczoną odpowiedzialnością", "get cloudy"),
        ("P.H.U. Żółw s.c.", "zolw"),
        ("ABC Sp. z o.o. Oddział Kraków", "abc oddzial krakow"),
        ("Rossi S.r.l.", "rossi"),
        ("Bianchi S.p.A.", "bianchi"),
        ("Hermanos García, S.L.", "hermanos garcia"),
        ("Müller GmbH & Co. KG", "muller"),
        ("Dupont SARL", "dupont"),
        ("Smith & Sons Ltd.", "smith sons"),
        ("Acme, Inc.", "acme"),
        ("Jansen B.V.", "jansen"),
        ("ООО Ромашка", "ooo romashka"),
        ("GmbH", "gmbh"),
        ("n/a", ""),
        ("---", ""),
    ],
)
def test_one_company_has_one_name(typed: str, name: str) -> None:
    assert business_name(typed)[0] == name


@pytest.mark.parametrize(
    "typed",
    ["ul. Długa 10", "Ulica DLUGA 10", "Długa 10/12 m. 5", "10 Dluga Street", "ul.Długa 10 lok. 3", "Dluga, 10"],
)
def test_one_street_has_one_spelling(typed: str) -> None:
    assert street_and_number(typed) == ("dluga", "10")


@pytest.mark.parametrize(
    ("typed", "street", "number"),
    [
        ("Via Garibaldi 4", "garibaldi", "4"),
        ("Calle de Alcalá, 25", "de alcala", "25"),
        ("Hauptstraße 7a", "haupt", "7a"),
        ("Hauptstr. 7a", "haupt", "7a"),
        ("1234 North Ogden Ave", "n ogden", "1234"),
        ("", "", ""),
    ],
)
def test_streets_of_many_countries(typed: str, street: str, number: str) -> None:
    assert street_and_number(typed) == (street, number)


@pytest.mark.parametrize(
    ("typed", "country", "number"),
    [
        ("PL 525-000-11-22", "", ("5250001122", "PL")),
        ("525 000 11 22", "PL", ("5250001122", "PL")),
        ("5250001122", "", ("5250001122", "")),
        ("IT01234567890", "", ("01234567890", "IT")),
        ("ESB12345678", "", ("B12345678", "ES")),
        ("EL123456789", "", ("123456789", "GR")),
        ("000-000-00-00", "PL", ("", "")),
        ("brak", "PL", ("", "")),
    ],
)
def test_one_tax_number_in_many_spellings(typed: str, country: str, number: tuple[str, str]) -> None:
    assert tax_number(typed, country) == number


def test_contact_points_lose_what_does_not_matter() -> None:
    assert email_address(" Jan.Kowalski+news@GoogleMail.com ") == "jankowalski@gmail.com"
    assert email_address("noemail@firma.pl") == ""
    assert phone_number("0048 22 111-22-33") == phone_number("+48 (22) 1112233") == "+48221112233"
    assert phone_number("000 000 000") == phone_number("123") == ""
    assert web_domain("https://www.GetCloudy.pl/kontakt?x=1") == "getcloudy.pl"
    assert web_domain("facebook.com/getcloudy") == ""
    assert postcode("00-238") == "00238"
    assert postcode("60614-1234") == "60614"


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    once, _ = business_name(text)
    assert business_name(once)[0] in (once, business_name(business_name(once)[0])[0])


VALUES = st.one_of(st.none(), st.text(max_size=30), st.integers(), st.booleans(), st.lists(st.integers(), max_size=2))


@given(
    st.sampled_from(["account", "contact", "lead"]),
    st.dictionaries(
        st.sampled_from(
            ["kind", "name", "first_name", "last_name", "company", "phone", "email", "website", "tax_number", "billing"]
        ),
        VALUES,
    ),
)
def test_anything_can_be_read_and_is_like_itself(kind: str, fields: dict[str, Any]) -> None:
    record = canonical(kind, fields)
    assert Canonical.from_json(record.as_json()) == record
    assert all(promise(key) for key in blocking_keys(record))
    assert all(family(key) in FAMILIES for key in exact_keys(record))
    assert isinstance(label(kind, fields), str)
    assert comparable(record, record)
    if record.name:
        assert compare(record, record).score >= LISTED


def business(name: str, **fields: Any) -> Canonical:
    return canonical("account", {"kind": "business", "name": name, **fields})


def person(kind: str = "contact", **fields: Any) -> Canonical:
    return canonical(kind, fields)


HERE = {"billing": {"street": "ul. Długa 10", "postal_code": "00-238", "city": "Warszawa"}}
THERE = {"billing": {"street": "Piotrkowska 5", "postal_code": "90-406", "city": "Łódź"}}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (business("Get Cloudy"), business("GET CLOUDY Sp. z o.o.")),
        (business("A B C", tax_number="PL 525-000-11-22"), business("Whatever", tax_number="5250001122")),
        (business("Get Cloudy", **HERE), business("Get Claudy", **HERE)),
        (business("Get Cloudy", phone="22 111 22 33"), business("Cloudy Get", phone="+48 22 111 22 33")),
        (
            person(first_name="Anna", last_name="Nowak", email="anna@firma.pl"),
            person(first_name="Nowak", last_name="Anna", email="ANNA@firma.pl"),
        ),
        (
            person(first_name="Anna", last_name="Nowak", mobile="+48600100200"),
            person("lead", first_name="Anna", last_name="Nowak", phone="600 100 200"),
        ),
    ],
)
def test_these_are_suspected(one: Canonical, other: Canonical) -> None:
    assert comparable(one, other)
    assert compare(one, other).score >= SUSPECTED
    assert compare(one, other) == compare(other, one)
    assert set(blocking_keys(one)) & set(blocking_keys(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (business("Żabka", **HERE, phone="221110001"), business("Żabka", **THERE, phone="425550009")),
        (business("Get Cloudy", tax_number="5250001122"), business("Get Cloudy", tax_number="7010001122")),
        (business("Get Cloudy", **HERE), business("Piekarnia Nowak", **HERE)),
        (business("Alfa", tax_number="DE 123456789"), business("Beta", tax_number="PT 123456789")),
        (person(first_name="Anna", last_name="Nowak"), person(first_name="Anna", last_name="Nowak")),
        (
            person(first_name="Ola", last_name="Nowak", email="info@firma.pl"),
            person(first_name="Jan", last_name="Kot", email="info@firma.pl"),
        ),
    ],
)
def test_these_are_not(one: Canonical, other: Canonical) -> None:
    assert compare(one, other).score < SUSPECTED


def test_reasons_say_what_speaks_for_and_against() -> None:
    one = business("Get Cloudy", tax_number="5250001122", phone="221110001")
    other = business("Get Cloudy", tax_number="PL5250001122", phone="425550009")
    verdicts = {reason.field: reason.verdict for reason in compare(one, other).reasons}
    assert verdicts == {"name": "decisive", "tax_number": "decisive", "phone": "contradicts"}


def test_a_name_alone_is_never_an_exact_key() -> None:
    assert exact_keys(business("Get Cloudy")) == []
    assert exact_keys(person(first_name="Anna", last_name="Nowak")) == []
    assert exact_keys(business("Get Cloudy", billing={"street": "Długa 10"})) == []


def test_keys_fit_into_an_index_whatever_the_script() -> None:
    long = business("株式会社" * 200, phone="221112233", **HERE)
    assert max(len(key) for key in [*exact_keys(long), *blocking_keys(long)]) <= 200
    assert exact_keys(long) != exact_keys(business("株式会社" * 100 + "有限", phone="221112233", **HERE))


def test_exact_keys_by_family() -> None:
    full = business("Get Cloudy", tax_number="5250001122", phone="221112233", email="info@getcloudy.pl", **HERE)
    assert [family(key) for key in exact_keys(full)] == ["tax", "name_address", "name_phone"]
    shared = person(last_name="Nowak", email="info@getcloudy.pl")
    assert [family(key) for key in exact_keys(shared)] == ["email_name"]
    own = person(last_name="Nowak", email="nowak@getcloudy.pl")
    assert [family(key) for key in exact_keys(own)] == ["email", "email_name"]


def test_every_blocking_family_has_a_promise() -> None:
    everything = canonical(
        "lead",
        {
            "company": "Get Cloudy Days", "first_name": "Anna", "last_name": "Nowak", "tax_number": "5250001122",
            "phone": "221112233", "email": "a@b.pl", "website": "b.pl", "birthday": "1980-05-01", **HERE["billing"],
        },
    )  # fmt: skip
    assert {key.partition(":")[0] for key in blocking_keys(everything)} == set(PROMISE)


def test_leads_meet_companies_and_people_but_contacts_do_not_meet_companies() -> None:
    company, colleague = business("Get Cloudy"), person(last_name="Nowak")
    both = person("lead", last_name="Nowak", company="Get Cloudy")
    assert comparable(both, company) and comparable(both, colleague)
    assert not comparable(colleague, company)


@pytest.mark.parametrize(
    ("situation", "decision"),
    [
        (Situation("block", "api", certain=False, alike=False), "clear"),
        (Situation("block", "api", certain=False, alike=True), "alert"),
        (Situation("block", "api", certain=True, alike=True), "blocked"),
        (Situation("block", "form", certain=True, alike=True), "blocked"),
        (Situation("block", "api", certain=True, alike=True, may_bypass=True), "alert"),
        (Situation("block", "import", certain=True, alike=True, only_report=True), "alert"),
        (Situation("block", "restore", certain=True, alike=True), "alert"),
        (Situation("confirm", "ui", certain=True, alike=True), "confirm"),
        (Situation("confirm", "ui", certain=True, alike=True, is_confirmed=True), "alert"),
        (Situation("confirm", "import", certain=True, alike=True), "alert"),
        (Situation("alert", "ui", certain=True, alike=True), "alert"),
        (Situation("off", "ui", certain=True, alike=True), "clear"),
    ],
)
def test_what_rules_make_of_matches(situation: Situation, decision: str) -> None:
    assert decide(situation) == decision


def test_a_confirmation_is_bound_to_what_was_seen() -> None:
    token = confirm_token("secret", "account", [1, 2])
    assert token == confirm_token("secret", "account", [2, 1])
    assert token != confirm_token("secret", "account", [1, 3])
    assert token != confirm_token("secret", "contact", [1, 2])
    assert token != confirm_token("other", "account", [1, 2])


def ids(*numbers: int) -> tuple[UUID, ...]:
    return tuple(UUID(int=number) for number in numbers)


def pair(one: int, other: int, score: float = 0.9) -> Pair:
    return Pair.of(UUID(int=one), UUID(int=other), score)


def test_pairs_become_groups() -> None:
    assert components([pair(1, 2), pair(4, 5), pair(2, 3)]) == [ids(1, 2, 3), ids(4, 5)]
    assert components([]) == []


def test_a_group_stops_growing_before_it_becomes_useless() -> None:
    chain = [pair(n, n + 1, 0.99 - n / 1000) for n in range(1, 10)]
    assert max(len(group) for group in components(chain, largest=4)) == 4


def test_sets_keep_their_identity() -> None:
    old, young, lone = ids(100, 101, 102)
    plan = regroup({young: ids(3, 4), old: ids(1, 2), lone: ids(8, 9)}, [ids(1, 2, 3, 4), ids(5, 6)])
    assert plan.kept == {old: ids(1, 2, 3, 4)}
    assert (plan.fresh, plan.expired) == ([ids(5, 6)], [young, lone])


def test_a_member_shows_its_surest_pair() -> None:
    best = best_pairs([ids(1, 2, 3)], [pair(1, 2, 0.8), pair(2, 3, 0.95), pair(3, 9, 0.99)])
    assert {member.int: found.score for member, found in best.items()} == {1: 0.8, 2: 0.95, 3: 0.95}
