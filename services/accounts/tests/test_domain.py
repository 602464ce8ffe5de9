"""The rules, without a database."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.domain import cells, columns, search, spreadsheet
from accounts.domain.hierarchy import closes_a_cycle
from accounts.domain.rows import Columns, shaped
from accounts.domain.verification import (
    REJECTED,
    TO_VERIFY,
    VERIFIED,
    Invoicing,
    initial_status,
    missing_for_verified,
    reopens,
)

COMPLETE = Invoicing("business", "Alfa", "Alfa S.r.l.", "Via Roma 1", "Roma", "00100", "IT", "00743110157", True)


class TestVerification:
    def test_a_complete_account_lacks_nothing(self) -> None:
        assert missing_for_verified(COMPLETE) == []

    def test_everything_that_is_missing_is_named_at_once(self) -> None:
        empty = Invoicing("business", "Alfa", None, None, None, None, None, None, False)
        assert [problem.pointer for problem in missing_for_verified(empty)] == [
            "/legal_name",
            "/billing/street",
            "/billing/city",
            "/billing/country",
            "/billing/postal_code",
            "/tax_number",
        ]

    def test_a_wrong_tax_number_is_as_good_as_none(self) -> None:
        [problem] = missing_for_verified(COMPLETE._replace(tax_number_is_valid=False))
        assert (problem.pointer, problem.code) == ("/tax_number", "tax_number_invalid")

    def test_where_there_are_no_postal_codes_none_is_asked_for(self) -> None:
        assert missing_for_verified(COMPLETE._replace(country="AE", postal_code=None)) == []

    def test_a_person_needs_an_address_only(self) -> None:
        person = COMPLETE._replace(kind="person", legal_name=None, tax_number=None)
        assert missing_for_verified(person) == []
        assert [each.pointer for each in missing_for_verified(person, person_needs_tax_number=True)] == ["/tax_number"]

    @pytest.mark.parametrize(
        ("roles", "wanted", "status"),
        [
            ({"sales"}, None, TO_VERIFY),
            ({"sales"}, VERIFIED, TO_VERIFY),
            ({"marketing"}, REJECTED, TO_VERIFY),
            ({"verifier"}, VERIFIED, VERIFIED),
            ({"verifier"}, None, TO_VERIFY),
            ({"sales", "admin"}, VERIFIED, VERIFIED),
        ],
    )
    def test_who_chooses_the_first_status(self, roles: set[str], wanted: str | None, status: str) -> None:
        assert initial_status(roles, wanted) == status

    def test_only_what_stands_on_an_invoice_reopens(self) -> None:
        assert reopens(VERIFIED, {"billing_city"})
        assert reopens(VERIFIED, {"phone", "legal_name"})
        assert not reopens(VERIFIED, {"phone", "description"})
        assert not reopens(TO_VERIFY, {"legal_name"})


class TestHierarchy:
    def test_a_parent_below_closes_a_cycle(self) -> None:
        one, two, three = uuid4(), uuid4(), uuid4()
        assert closes_a_cycle(one, [one])
        assert closes_a_cycle(one, [three, two, one])
        assert not closes_a_cycle(one, [three, two])


class TestSearch:
    @pytest.mark.parametrize(
        ("typed", "folded"), [("Łódź", "lodz"), ("NICOLÒ", "nicolo"), ("  A &  B ", "a b"), ("", "")]
    )
    def test_accents_and_case_vanish(self, typed: str, folded: str) -> None:
        assert search.fold(typed) == folded

    @pytest.mark.parametrize(
        ("query", "stored"),
        [
            ("+39 055 234 5678", ("055 2345678", "+390552345678")),
            ("055-2345678", ("055 2345678", "+390552345678")),
            ("0039 055 2345678", ("055 2345678", "+390552345678")),
            ("020 7946 0000", ("+44 20 7946 0000", "+442079460000")),
            ("(775) 555-5309", ("775-555-5309", None)),
        ],
    )
    def test_phones_are_found_however_they_are_written(self, query: str, stored: tuple[str, str | None]) -> None:
        text = search.search_text((), stored, ())
        assert all(any(spelling in text for spelling in group) for group in search.needles(query))

    @pytest.mark.parametrize(
        "query", ["PL 526-025-02-74", "pl5260250274", "526 025 02 74", "5260250274", "PL 5260250274"]
    )
    def test_tax_numbers_are_found_however_they_are_written(self, query: str) -> None:
        text = search.search_text(("Firma",), (), ("PL5260250274",))
        code = search.code_in(query)
        words = all(any(spelling in text for spelling in group) for group in search.needles(query))
        assert words or (code is not None and code in text)

    @pytest.mark.parametrize("query", ["St Mary 12", "Alfa 2000", "Bar Sport", "12"])
    def test_a_name_with_a_number_is_no_code(self, query: str) -> None:
        assert search.code_in(query) is None

    def test_every_word_counts(self) -> None:
        assert search.needles("Żółw Gdańsk") == [["zolw"], ["gdansk"]]

    @pytest.mark.parametrize("query", ["", "   ", "!!", "§"])
    def test_nothing_finds_nothing(self, query: str) -> None:
        assert all(not group or group == [search.fold(query)] for group in search.needles(query))

    @given(st.text(max_size=60))
    def test_what_is_stored_is_found_by_itself(self, name: str) -> None:
        text = search.search_text((name,), (), ())
        words = search.fold(name).split()
        assert all(word in text for word in words)


class TestSpreadsheet:
    def test_row_numbers_are_those_of_the_spreadsheet(self) -> None:
        sheet = spreadsheet.open_sheet(b'\nName,City\nAlfa,"Via\nRoma"\n\nBeta,x\n')
        assert sheet.header == ("Name", "City")
        assert [(number, cells_[0]) for number, cells_ in sheet.rows()] == [(3, "Alfa"), (5, "Beta")]
        assert [number for number, _ in sheet.rows(after=3)] == [5]
        assert sheet.total == 2

    def test_excels_own_first_line_is_obeyed(self) -> None:
        sheet = spreadsheet.open_sheet(b"sep=;\r\nName;Note\r\nAlfa;a,b,c\r\n")
        assert (sheet.delimiter, sheet.header, sheet.total) == (";", ("Name", "Note"), 1)

    def test_commas_inside_text_do_not_make_columns(self) -> None:
        content = "Name;Address\nAlfa;Via Roma 1, 00100, Roma\nBeta;Via Po 2, 10100, Torino\n"
        assert spreadsheet.open_sheet(content.encode()).delimiter == ";"

    @pytest.mark.parametrize(
        ("text", "page"),
        [
            ("Nazwa,NIP\nMały Żuraw,1\n", "cp1250"),
            ("Nombre;Ciudad\nPeluquería Núñez;Málaga\n", "cp1252"),
            ("Name;Address\nCafé Olé;1 Rue\nBeyoncé;x\n", "cp1252"),
            ("Nome,Città\nPerù Viaggi,Forlì\n", "cp1252"),
            ("Nazwa;Miasto\nPrzedsiębiorstwo Wodne;Łódź\nŚwięty;Poznań\n", "cp1250"),
            ("Straße,Größe\nMüller,ä\n", "cp1252"),
        ],
    )
    def test_the_two_windows_pages_are_told_apart(self, text: str, page: str) -> None:
        assert spreadsheet.guess_encoding(text.encode(page)) == page

    @pytest.mark.parametrize("cell", ["=1+1", "+39055", "-1", "@SUM(A1)", "\t=1", "\r=1"])
    def test_formulas_become_text_on_the_way_out(self, cell: str) -> None:
        assert spreadsheet.safe_cell(cell).startswith("'")
        assert cells.cleaned(spreadsheet.safe_cell(cell)) == cell.strip()

    @given(st.binary(max_size=400))
    def test_any_bytes_are_read_or_refused_with_a_code(self, content: bytes) -> None:
        try:
            sheet = spreadsheet.open_sheet(content)
        except spreadsheet.Unreadable as error:
            assert error.code.startswith("import_")
        else:
            assert len(list(sheet.rows())) == sheet.total > 0


class TestColumns:
    def test_headers_in_four_languages(self) -> None:
        assert columns.guess_mapping(
            "accounts", ["Site name", "Address", "Zip", "Phone", "Fax", "Website", "Email Address", "Tax ID"]
        ) == {
            "Site name": "name",
            "Address": "billing.street",
            "Zip": "billing.postal_code",
            "Phone": "phone",
            "Fax": "fax",
            "Website": "website",
            "Email Address": "email",
            "Tax ID": "tax_number",
        }
        assert columns.guess_mapping("accounts", ["Ragione sociale", "P.IVA", "CAP", "Città"]) == {
            "Ragione sociale": "name",
            "P.IVA": "tax_number",
            "CAP": "billing.postal_code",
            "Città": "billing.city",
        }
        assert columns.guess_mapping("accounts", ["NAZWA FIRMY", "nip", "Kod pocztowy", "Nr telefonu"]) == {
            "NAZWA FIRMY": "name",
            "nip": "tax_number",
            "Kod pocztowy": "billing.postal_code",
            "Nr telefonu": "phone",
        }
        assert columns.guess_mapping("accounts", ["Razón social", "NIF", "Dirección", "Teléfono"]) == {
            "Razón social": "name",
            "NIF": "tax_number",
            "Dirección": "billing.street",
            "Teléfono": "phone",
        }

    def test_the_first_of_two_columns_for_a_field_has_it(self) -> None:
        assert columns.guess_mapping("accounts", ["Name", "Company"]) == {"Name": "name"}

    def test_a_legal_name_beside_a_name_stays_one(self) -> None:
        mapping = columns.guess_mapping("accounts", ["Nome", "Ragione sociale"])
        assert mapping == {"Nome": "name", "Ragione sociale": "legal_name"}

    def test_nome_beside_cognome_is_a_first_name(self) -> None:
        mapping = columns.guess_mapping("accounts", ["Nome", "Cognome"])
        assert mapping == {"Nome": "first_name", "Cognome": "last_name"}


class TestCells:
    @pytest.mark.parametrize("cell", ["", "  ", "-", "--", "N/A", "null", "brak", "--\n"])
    def test_the_ways_of_writing_nothing(self, cell: str) -> None:
        assert cells.cleaned(cell) is None

    @pytest.mark.parametrize(
        ("typed", "code"),
        [
            ("Italy", "IT"),
            ("italia", "IT"),
            ("POLSKA", "PL"),
            ("España", "ES"),
            ("pl", "PL"),
            ("ITA", "IT"),
            ("Nowhere", "Nowhere"),
        ],
    )
    def test_countries(self, typed: str, code: str) -> None:
        assert cells.country_code(typed) == code

    @pytest.mark.parametrize(
        ("typed", "country", "day"),
        [
            ("2026-03-04", None, "2026-03-04"),
            ("4.3.1970", "PL", "1970-03-04"),
            ("3/4/1970", "US", "1970-03-04"),
            ("13/4/1970", "US", "1970-04-13"),
            ("04/13/70", None, "1970-04-13"),
            ("31.02.1970", None, "31.02.1970"),
            ("soon", None, "soon"),
        ],
    )
    def test_dates(self, typed: str, country: str | None, day: str) -> None:
        assert cells.iso_date(typed, country) == day

    @pytest.mark.parametrize(
        ("typed", "plain"),
        [
            ("1.234,50", "1234.50"),
            ("1,234.50 EUR", "1234.50"),
            ("1 200", "1200"),
            ("1.200", "1200"),
            ("12,5", "12.5"),
            ("1'000'000", "1000000"),
            ("many", "many"),
        ],
    )
    def test_numbers(self, typed: str, plain: str) -> None:
        assert cells.plain_number(typed) == plain

    def test_names_in_either_order(self) -> None:
        assert cells.full_name("Anna Maria Rossi") == ("Anna Maria", "Rossi")
        assert cells.full_name("Rossi, Anna Maria") == ("Anna Maria", "Rossi")
        assert cells.full_name("Rossi") == (None, "Rossi")


class TestRows:
    def test_a_row_becomes_a_nested_form(self) -> None:
        read = Columns(["A", "B", "C"], {"A": "name", "B": "billing.city", "C": "phone"}).read(
            [" Alfa ", "Roma", "--"], "IT"
        )
        assert shaped("accounts", read, "IT") == {
            "name": "Alfa",
            "billing": {"city": "Roma", "country": "IT"},
            "kind": "business",
            "source": "import",
        }

    def test_an_only_name_gets_no_country(self) -> None:
        assert "billing" not in shaped("accounts", {"name": "Alfa"}, "IT")
