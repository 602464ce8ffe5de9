"""Each kind of field: what it takes, what it makes of it, what it refuses and by which code."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from chassis import fields
from chassis.fields import AddressFields, FieldModel, Money, clean_tax_number, e164, kind_of, partial
from chassis.fields.model import described_field

ID = "0190b7c8-0000-7000-8000-000000000001"


class Everything(FieldModel):
    text: Annotated[str | None, fields.text("Text", max_length=5)] = None
    long: Annotated[str | None, fields.long_text("Long", max_length=10)] = None
    integer: Annotated[int | None, fields.integer("Integer", minimum=0)] = None
    number: Annotated[Decimal | None, fields.number("Number", places=2)] = None
    percent: Annotated[Decimal | None, fields.percent("Percent")] = None
    money: Annotated[Money | None, fields.money("Money")] = None
    day: Annotated[date | None, fields.date_("Day")] = None
    moment: Annotated[datetime | None, fields.moment("Moment")] = None
    wall: Annotated[datetime | None, fields.wall_time("Wall time")] = None
    yes: Annotated[bool | None, fields.yes_no("Yes")] = None
    pick: Annotated[str | None, fields.picklist("Pick", options=["hot", ("cold", "Very cold")])] = None
    open_pick: Annotated[str | None, fields.picklist("Open", options=["web"], open_set=True)] = None
    email: Annotated[str | None, fields.email("E-mail")] = None
    phone: Annotated[str | None, fields.phone("Phone")] = None
    url: Annotated[str | None, fields.url("Page")] = None
    tax: Annotated[str | None, fields.tax_number("Tax number")] = None
    country: Annotated[str | None, fields.country()] = None
    currency: Annotated[str | None, fields.currency()] = None
    zone: Annotated[str | None, fields.time_zone()] = None
    owner: Annotated[UUID | None, fields.reference("Owner", to="identity.user")] = None
    place: Annotated[AddressFields | None, fields.address("Place")] = None
    tags: Annotated[list[str] | None, fields.tags("Tags", max_items=3, max_length=5)] = None
    roles: Annotated[list[str] | None, fields.list_of("Roles", options={"boss": "Boss", "cook": "Cook"})] = None


TAKEN: list[tuple[str, Any, Any]] = [
    ("text", "  Żółw ", "Żółw"),
    ("text", "", None),
    ("text", "   ", None),
    ("text", None, None),
    ("long", "a\nb", "a\nb"),
    ("integer", 0, 0),
    ("integer", 2**31 - 1, 2**31 - 1),
    ("number", "12.50", Decimal("12.50")),
    ("number", 3, Decimal(3)),
    ("number", 0.1, Decimal("0.1")),
    ("percent", 100, Decimal(100)),
    ("day", "2024-02-29", date(2024, 2, 29)),
    ("moment", "2026-11-23T09:00:00Z", datetime(2026, 11, 23, 9, tzinfo=UTC)),
    ("moment", "2026-11-23T10:00:00+01:00", datetime(2026, 11, 23, 9, tzinfo=UTC)),
    ("wall", "2026-11-23T09:00", datetime(2026, 11, 23, 9)),
    ("yes", False, False),
    ("pick", "cold", "cold"),
    ("open_pick", "trade fair", "trade fair"),
    ("email", "Ann.Lee@EXAMPLE.com", "Ann.Lee@example.com"),
    ("email", "O'Hara+x@sub.Example.co.uk", "O'Hara+x@sub.example.co.uk"),
    ("email", f"{'a' * 64}@example.com", f"{'a' * 64}@example.com"),
    ("email", "zażółć@przykład.pl", "zażółć@przykład.pl"),
    ("email", "demo@meridian.test", "demo@meridian.test"),
    ("phone", "+48 22 123 45 67", "+48 22 123 45 67"),
    ("phone", "(022) 123-45-67", "(022) 123-45-67"),
    ("phone", "555 0199 ext. 12", "555 0199 ext. 12"),
    ("url", "www.example.com", "https://www.example.com"),
    ("url", "http://example.com:8080/a?b=c", "http://example.com:8080/a?b=c"),
    ("url", "https://żółw.pl", "https://żółw.pl"),
    ("tax", "PL 526-030-02-36", "PL 526-030-02-36"),
    ("country", "pl", "PL"),
    ("currency", "eur", "EUR"),
    ("zone", "Europe/Warsaw", "Europe/Warsaw"),
    ("owner", ID, UUID(ID)),
    ("tags", [" a ", "b", "a"], ["a", "b"]),
    ("roles", ["cook", "boss"], ["cook", "boss"]),
]


@pytest.mark.parametrize(("name", "given", "kept"), TAKEN)
def test_taken(name: str, given: Any, kept: Any) -> None:
    assert getattr(Everything(**{name: given}), name) == kept


REFUSED: list[tuple[str, Any, str]] = [
    ("text", "123456", "too_long"),
    ("text", "a\nb", "control_character"),
    ("text", "a\0b", "control_character"),
    ("text", 1, "string_type"),
    ("text", ["a"], "string_type"),
    ("long", "a" * 11, "too_long"),
    ("integer", True, "not_a_whole_number"),
    ("integer", "1", "not_a_whole_number"),
    ("integer", 1.5, "not_a_whole_number"),
    ("integer", -1, "out_of_range"),
    ("integer", 2**31, "out_of_range"),
    ("number", True, "not_a_number"),
    ("number", "NaN", "not_a_number"),
    ("number", float("inf"), "not_a_number"),
    ("number", "a lot", "not_a_number"),
    ("number", "1e400", "out_of_range"),
    ("number", "0.001", "too_precise"),
    ("percent", 101, "out_of_range"),
    ("day", "2023-02-29", "date_invalid"),
    ("day", 0, "date_invalid"),
    ("day", "23.11.2026", "date_invalid"),
    ("moment", "2026-11-23T09:00:00", "offset_missing"),
    ("moment", 1_700_000_000, "moment_invalid"),
    ("moment", "0001-01-01T00:00:00+14:00", "moment_invalid"),
    ("wall", "2026-11-23T09:00:00Z", "offset_not_allowed"),
    ("wall", "soon", "wall_time_invalid"),
    ("yes", 1, "not_yes_or_no"),
    ("yes", "true", "not_yes_or_no"),
    ("pick", "warm", "not_an_option"),
    ("pick", ["hot"], "not_text"),
    ("open_pick", "a" * 101, "too_long"),
    ("email", "a@b", "email_invalid"),
    ("email", "a b@example.com", "email_invalid"),
    ("email", "a..b@example.com", "email_invalid"),
    ("email", ".a@example.com", "email_invalid"),
    ("email", "a@-example.com", "email_invalid"),
    ("email", "a@example..com", "email_invalid"),
    ("email", "Ann <a@example.com>", "email_invalid"),
    ("email", "a@example.com, b@example.com", "email_invalid"),
    ("email", f"{'a' * 250}@example.com", "too_long"),
    ("phone", "call me", "phone_invalid"),
    ("phone", "123", "phone_invalid"),
    ("phone", "+48 1", "phone_invalid"),
    ("phone", "+999 123 456 789", "phone_invalid"),
    ("url", "javascript:alert(1)", "url_invalid"),
    ("url", "ftp://example.com", "url_invalid"),
    ("url", "https://", "url_invalid"),
    ("url", "https://localhost", "url_invalid"),
    ("url", "https://a b.com", "url_invalid"),
    ("url", "https://example.com:99999", "url_invalid"),
    ("url", "https://[::1", "url_invalid"),
    ("tax", "?", "tax_number_invalid"),
    ("country", "Poland", "country_unknown"),
    ("country", "XX", "country_unknown"),
    ("currency", "EURO", "currency_unknown"),
    ("zone", "Mars/Olympus", "time_zone_unknown"),
    ("zone", "../etc/passwd", "time_zone_unknown"),
    ("owner", "me", "uuid_parsing"),
    ("owner", 5, "id_invalid"),
    ("tags", ["a", "b", "c", "d"], "too_many"),
    ("tags", ["abcdef"], "too_long"),
    ("tags", [""], "required"),
    ("tags", "a", "list_type"),
    ("roles", ["king"], "not_an_option"),
    ("money", {"amount": "1.23456", "currency": "EUR"}, "too_precise"),
    ("money", {"amount": "1"}, "missing"),
    ("place", {"country": "Polska"}, "country_unknown"),
    ("place", {"planet": "Mars"}, "extra_forbidden"),
]


@pytest.mark.parametrize(("name", "given", "code"), REFUSED)
def test_refused(name: str, given: Any, code: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Everything(**{name: given})
    assert [error["type"] for error in caught.value.errors()] == [code]


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        Everything(colour="red")  # type: ignore[call-arg]


class Named(FieldModel):
    name: Annotated[str, fields.text("Name")]
    note: Annotated[str | None, fields.text("Note")] = None


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_required_text_is_neither_null_nor_empty(value: Any) -> None:
    with pytest.raises(ValidationError):
        Named(name=value)


def test_a_partial_model_knows_what_was_sent() -> None:
    change = partial(Named)
    assert change.model_validate({}).model_dump(exclude_unset=True) == {}
    assert change.model_validate({"note": ""}).model_dump(exclude_unset=True) == {"note": None}
    with pytest.raises(ValidationError):
        change.model_validate({"name": None})
    with pytest.raises(ValidationError):
        change.model_validate({"colour": 1})
    assert kind_of(change.model_fields["name"]) == kind_of(Named.model_fields["name"])


PHONES = [
    ("022 123 45 67", "PL", None),
    ("22 123 45 67", "PL", "+48221234567"),
    ("+48 22 123 45 67", None, "+48221234567"),
    ("0039 06 698 1234", "PL", "+39066981234"),
    ("555", "US", None),
    ("", "PL", None),
    (None, None, None),
    ("22 123 45 67", None, None),
    ("22 123 45 67", "XX", None),
]


@pytest.mark.parametrize(("value", "country", "coded"), PHONES)
def test_phones_are_coded(value: str | None, country: str | None, coded: str | None) -> None:
    assert e164(value, country) == coded


def test_tax_numbers_follow_their_country() -> None:
    assert clean_tax_number("526-025-02-74", "PL") == "5260250274"
    assert clean_tax_number("IT 00743110157", "it") == "00743110157"
    assert clean_tax_number("a-1.2", None) == "A12"
    assert clean_tax_number("a-1.2", "AQ") == "A12"
    for value, country in (("526-025-02-75", "PL"), ("123", "DE")):
        with pytest.raises(ValueError, match="Not a tax number"):
            clean_tax_number(value, country)


def test_a_field_describes_itself() -> None:
    described = described_field("pick", Everything.model_fields["pick"])
    assert described["label"] == "Pick" and described["kind"] == "picklist" and not described["required"]
    assert described["options"] == [{"value": "hot", "label": "Hot"}, {"value": "cold", "label": "Very cold"}]
    place = described_field("place", Everything.model_fields["place"])
    assert [part["name"] for part in place["fields"]] == ["street", "city", "region", "postal_code", "country"]
    assert described_field("owner", Everything.model_fields["owner"])["reference"] == "identity.user"


def test_the_json_schema_tells_label_and_help() -> None:
    schema = Named.model_json_schema()
    assert schema["properties"]["name"]["title"] == "Name"
    assert schema["additionalProperties"] is False and schema["required"] == ["name"]
