"""The canonical form: a golden table per country, and inputs that nobody meant well."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.canonical import FIELDS, Canonical, company, person
from matching.canonical.addresses import postal_code, street_line
from matching.canonical.contacts import domain, email, is_free_mail, mailbox, phone
from matching.canonical.names import company_name, person_name
from matching.canonical.records import birth_date
from matching.canonical.taxes import tax_number
from matching.canonical.text import fold

NAMES = [
    # country, as written, name, legal form
    ("PL", "PHU Get-Cloudy Sp. z o.o.", "get cloudy", "spzoo"),
    ("PL", "ALFA SPÓŁKA Z OGRANICZONĄ ODPOWIEDZIALNOŚCIĄ", "alfa", "spolkazograniczonaodpowiedzialnoscia"),
    ("PL", "Beta Sp. z o.o. Sp. k.", "beta", "spzoospk"),
    ("PL", "Gamma S.A.", "gamma", "sa"),
    ("PL", "Alfa Sp. z o.o. Oddział Kraków", "alfa oddzial krakow", "spzoo"),
    ("IT", "Rossi & Figli S.r.l.", "rossi figli", "srl"),
    ("IT", "Bianchi Società per Azioni", "bianchi", "societaperazioni"),
    ("ES", "Construcciones Núñez, S.L.U.", "construcciones nunez", "slu"),
    ("DE", "Müller Bau GmbH & Co. KG", "muller bau", "gmbhcokg"),
    ("DE", "Sonnen UG (haftungsbeschränkt)", "sonnen", "ughaftungsbeschrankt"),
    ("FR", "Boulangerie Lefèvre S.A.R.L.", "boulangerie lefevre", "sarl"),
    ("GB", "The Tea Company Ltd.", "tea", "ltd"),
    ("US", "Acme Widgets, Inc.", "acme widgets", "inc"),
    ("US", "Blue River L.L.C.", "blue river", "llc"),
    ("NL", "Van Dijk Bouw B.V.", "van dijk bouw", "bv"),
    ("PT", "Vinhos do Douro, Lda.", "vinhos do douro", "lda"),
    ("CZ", "Pivovar Žatec, spol. s r.o.", "pivovar zatec", "spolsro"),
    ("CZ", "Škoda Díly a.s.", "skoda dily", "as"),
    ("RU", "ООО «Ромашка»", "romashka", "ooo"),
    ("GR", "Παπαδόπουλος Α.Ε.", "papadopoylos", "ae"),
]


@pytest.mark.parametrize(("country", "written", "name", "form"), NAMES)
def test_a_company_name_loses_its_legal_form(country: str, written: str, name: str, form: str) -> None:
    assert company_name(written) == (name, form)


STREETS = [
    ("ul. Długa 10/12 m. 5", "dluga", "10"),
    ("Al. Jerozolimskie 100 lok. 7", "jerozolimskie", "100"),
    ("3 Maja 5", "3 maja", "5"),
    ("Hauptstraße 7a", "haupt", "7a"),
    ("Via Garibaldi, 12", "garibaldi", "12"),
    ("Calle de Alcalá 45", "de alcala", "45"),
    ("10 N. Ogden Ave, Chicago IL 60612", "n ogden", "10"),
    ("1556 E. 56th St.", "e 56th", "1556"),
    ("12 rue de la Paix", "de la paix", "12"),
    ("Keizersgracht 123", "keizersgracht", "123"),
]


@pytest.mark.parametrize(("written", "street", "number"), STREETS)
def test_a_street_loses_its_type_and_flat(written: str, street: str, number: str) -> None:
    assert street_line(written)[:2] == (street, number)


def test_a_postal_code_behind_a_state_is_read() -> None:
    assert street_line("27 Washington Oak Park IL 60302").postcode == "60302"
    assert [postal_code(text) for text in ("00-950", "sw1a 1aa", "60612-1234", "1")] == [
        "00950",
        "SW1A1AA",
        "60612",
        "",
    ]


PHONES = [
    ("+48 601 234 567", "", "+48601234567"),
    ("601-234-567", "PL", "+48601234567"),
    ("0048601234567", "", "+48601234567"),
    ("(312) 226-2649", "US", "+13122262649"),
    ("312-226-2649 ext. 12", "US", "+13122262649"),
    ("226 2649", "", "2262649"),
    ("000000000", "PL", ""),
    ("1234567", "", ""),
    ("12", "", ""),
]


@pytest.mark.parametrize(("written", "country", "number"), PHONES)
def test_a_phone_number(written: str, country: str, number: str) -> None:
    assert phone(written, country) == number


TAXES = [
    ("PL", "525-000-90-10", ("5250009010", "PL", False)),
    ("PL", "PL 526-10-40-828", ("5261040828", "PL", True)),
    ("PL", "5261040828", ("5261040828", "PL", True)),
    ("IT", "IT 00743110157", ("00743110157", "IT", True)),
    ("ES", "ES B58378431", ("B58378431", "ES", True)),
    ("DE", "DE136695976", ("136695976", "DE", True)),
    ("FR", "FR 40303265045", ("40303265045", "FR", True)),
    ("GB", "GB 980 7806 84", ("980780684", "GB", True)),
    ("NL", "NL004495445B01", ("004495445B01", "NL", True)),
    ("PT", "PT 501964843", ("501964843", "PT", True)),
    ("CZ", "CZ 25123891", ("25123891", "CZ", True)),
    ("US", "04-2103594", ("042103594", "US", True)),
    ("", "5261040828", ("5261040828", "", False)),
    ("DE", "PL5261040828", ("5261040828", "PL", True)),
    ("PL", "0000000000", ("", "", False)),
    ("PL", "brak", ("", "", False)),
]


@pytest.mark.parametrize(("country", "written", "number"), TAXES)
def test_a_tax_number_is_valid_only_by_the_rule_of_a_country(
    country: str, written: str, number: tuple[str, str, bool]
) -> None:
    assert tuple(tax_number(written, country)) == number


def test_an_e_mail_keeps_its_spelling_and_its_key_does_not() -> None:
    assert email(" Jan.Nowak+crm@Gmail.com ") == "jan.nowak+crm@gmail.com"
    assert mailbox("jan.nowak+crm@gmail.com") == mailbox("jannowak@googlemail.com") == "jannowak@gmail.com"
    assert mailbox("jan.nowak@acme.pl") != mailbox("jannowak@acme.pl")
    assert is_free_mail("a@wp.pl") and not is_free_mail("a@acme.pl")
    assert [email(text) for text in ("brak", "a@b", "none@acme.pl", "")] == ["", "", "", ""]


def test_a_domain_ends_at_the_public_suffix() -> None:
    assert domain("https://www.shop.acme.co.uk/a?b") == "acme.co.uk"
    assert domain("acme.com.pl") == "acme.com.pl"
    assert [domain(text) for text in ("gmail.com", "facebook.com/acme", "127.0.0.1", "nothing")] == ["", "", "", ""]


def test_a_persons_name_is_read_from_parts_or_from_a_line() -> None:
    assert person_name("Jan", "Nowak") == person_name("", "", "Nowak, Jan") == ("jan", "nowak", "jan nowak")
    assert person_name("Sir", "Leveson-Gower").family == "leveson gower"
    assert person_name("Иван", "Петров") == ("ivan", "petrov", "ivan petrov")


def test_a_birth_date_in_three_spellings() -> None:
    assert {birth_date(text) for text in ("1971-06-24", "24.06.1971", "19710624")} == {"19710624"}
    assert [birth_date(text) for text in ("1971", "June", "24.06.71", "")] == ["1971", "", "", ""]


HOSTILE = [
    "",
    " ",
    "😀🏠",
    "\u202eevil\u202c",
    "\x00\x01",
    "a" * 10_000,
    "،؛؟",
    "N/A",
    "0" * 5_000,
    "ﷺ" * 3_000,
    "-",
    "'",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_values_are_taken_calmly(text: str) -> None:
    everywhere = dict.fromkeys(
        (
            "name",
            "given_name",
            "family_name",
            "tax_number",
            "country",
            "phone",
            "email",
            "website",
            "street",
            "number",
            "postcode",
            "city",
            "birth_date",
            "birth_place",
            "occupation",
        ),
        text,
    )
    for record in (company(everywhere), person(everywhere)):
        assert all(len(value) <= 254 for value in record)
        assert all(value.isascii() or "@" in record.email for value in record)


def test_a_picture_is_no_name() -> None:
    assert company({"name": "🏠🏠"}).name == ""
    assert company({"name": "🏠 Domek"}).name == "domek"


def test_an_empty_record_is_empty() -> None:
    assert company({}) == person({}) == Canonical()


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold(text).isascii()


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "name",
                "street",
                "phone",
                "tax_number",
                "email",
                "website",
                "postcode",
                "city",
                "country",
                "birth_date",
                "given_name",
            ]
        ),
        st.text(max_size=60),
    )
)
def test_no_text_makes_it_fail(raw: dict[str, str]) -> None:
    for record in (company(raw), person(raw)):
        assert len(record) == len(FIELDS) and all(isinstance(value, str) for value in record)
