"""The kinds of fields: each function gives the annotation that checks, documents and describes one field."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from chassis.fields import checks
from chassis.fields.kind import Kind, clean, options_of, refuse

INT32 = 2_147_483_647
Options = Sequence[str | tuple[str, str]] | Mapping[str, str]


def text(label: str, help: str = "", *, max_length: int = 255, min_length: int = 1) -> Kind:
    """One line."""
    return Kind("text", label, help, max_length=max_length, min_length=min_length, check=_one_line(label))


def long_text(label: str, help: str = "", *, max_length: int = 32_000) -> Kind:
    """Several lines."""
    return Kind("long_text", label, help, max_length=max_length)


def _one_line(label: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if not value.isprintable() and any(ord(character) < 32 or ord(character) == 127 for character in value):
            refuse("control_character", f"{label} is one line without control characters")
        return value

    return check


def integer(label: str, help: str = "", *, minimum: int = -INT32 - 1, maximum: int = INT32) -> Kind:
    return Kind(
        "integer", label, help, parse=_whole, check=_between(label, minimum, maximum), schema=_range(minimum, maximum)
    )


def number(
    label: str,
    help: str = "",
    *,
    minimum: float = -1e15,
    maximum: float = 1e15,
    places: int | None = None,
    kind: str = "number",
) -> Kind:
    """A decimal number; `places` limits the digits after the point."""
    within = _between(label, minimum, maximum)

    def check(value: Any) -> Any:
        if places is not None and -int(Decimal(str(value)).as_tuple().exponent) > places:
            refuse("too_precise", f"{label} has at most {places} digits after the point")
        return within(value)

    return Kind(kind, label, help, parse=_decimal, check=check, schema=_range(minimum, maximum))


def percent(label: str, help: str = "") -> Kind:
    return number(label, help, minimum=0, maximum=100, places=2, kind="percent")


def money(label: str, help: str = "") -> Kind:
    """For a field of the type Money."""
    return Kind("money", label, help)


def currency(label: str = "Currency", help: str = "ISO 4217 code") -> Kind:
    return Kind("currency", label, help, parse=_string, check=checks.check_currency)


def date_(label: str, help: str = "") -> Kind:
    """A day in the calendar, `2026-11-23`."""
    return Kind("date", label, help, parse=_iso(label, date, "date_invalid"))


def moment(label: str, help: str = "") -> Kind:
    """A moment with its offset, `2026-11-23T09:00:00+01:00`; kept in UTC."""

    def check(value: datetime) -> datetime:
        if value.tzinfo is None:
            refuse("offset_missing", f"{label} needs an offset, such as +01:00 or Z")
        try:
            return value.astimezone(UTC)
        except OverflowError:
            refuse("moment_invalid", f"{label} lies outside the years 1 to 9999")
            raise

    return Kind("moment", label, help, parse=_iso(label, datetime, "moment_invalid"), check=check)


def wall_time(label: str, help: str = "") -> Kind:
    """A time as the clock on the wall shows it, `2026-11-23T09:00`; its zone is another field."""

    def check(value: datetime) -> datetime:
        if value.tzinfo is not None:
            refuse("offset_not_allowed", f"{label} is a wall time; its zone is named by its own field")
        return value

    return Kind("wall_time", label, help, parse=_iso(label, datetime, "wall_time_invalid"), check=check)


def yes_no(label: str, help: str = "") -> Kind:
    def parse(value: Any) -> Any:
        if not isinstance(value, bool):
            refuse("not_yes_or_no", f"{label} is true or false")
        return value

    return Kind("yes_no", label, help, parse=parse)


def picklist(label: str, help: str = "", *, options: Options, open_set: bool = False, max_length: int = 100) -> Kind:
    """One of the options; an open set takes other values too and offers the options."""
    return Kind(
        "picklist", label, help, max_length=max_length, options=options_of(options), open_set=open_set, parse=_string
    )


def email(label: str, help: str = "") -> Kind:
    return Kind("email", label, help, max_length=254, parse=_string, check=checks.check_email)


def phone(label: str, help: str = "") -> Kind:
    return Kind("phone", label, help, max_length=40, parse=_string, check=checks.check_phone)


def url(label: str, help: str = "") -> Kind:
    return Kind("url", label, help, max_length=2048, parse=_string, check=checks.check_url)


def tax_number(label: str, help: str = "") -> Kind:
    return Kind("tax_number", label, help, max_length=32, parse=_string, check=checks.check_tax_number)


def country(label: str = "Country", help: str = "ISO 3166 code of two letters") -> Kind:
    return Kind("country", label, help, parse=_string, check=checks.check_country)


def time_zone(label: str = "Time zone", help: str = "IANA name") -> Kind:
    return Kind("time_zone", label, help, parse=_string, check=checks.check_time_zone)


def reference(label: str, help: str = "", *, to: str) -> Kind:
    """The id of a record; `to` is `<service>.<object>`."""

    def parse(value: Any) -> Any:
        if not isinstance(value, str | UUID):
            refuse("id_invalid", f"{label} is the id of a record")
        return value

    return Kind("reference", label, help, reference=to, parse=parse)


def address(label: str, help: str = "") -> Kind:
    """For a field of the type AddressFields."""
    return Kind("address", label, help)


def tags(label: str, help: str = "", *, max_items: int = 50, max_length: int = 50) -> Kind:
    """A set of words; order is kept, repetitions vanish."""
    return list_of(label, help, max_items=max_items, max_length=max_length, kind="tags")


def list_of(
    label: str,
    help: str = "",
    *,
    options: Options = (),
    open_set: bool = False,
    max_items: int = 200,
    max_length: int = 255,
    to: str | None = None,
    kind: str = "list",
) -> Kind:
    """Several values: of a picklist (`options`), ids of records (`to`), or free words."""

    def check(value: list[Any]) -> list[Any]:
        cleaned = [clean(each) if isinstance(each, str) else each for each in value]
        unique = list(dict.fromkeys(cleaned)) if all(_is_plain(each) for each in cleaned) else cleaned
        if len(unique) > max_items:
            refuse("too_many", f"{label} may have {max_items} entries")
        for each in unique:
            if isinstance(each, str) and not 1 <= len(each) <= max_length:
                refuse("too_long" if each else "required", f"An entry of {label} has 1 to {max_length} characters")
        return unique

    return Kind(kind, label, help, options=options_of(options), open_set=open_set, reference=to, check=check)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | UUID)


def _string(value: Any) -> Any:
    if not isinstance(value, str):
        refuse("not_text", "This is a text")
    return value


def _whole(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int):
        refuse("not_a_whole_number", "This is a whole number")
    return value


def _decimal(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        refuse("not_a_number", "This is a number")
    try:
        is_finite = Decimal(str(value)).is_finite()
    except InvalidOperation:
        is_finite = False
    if not is_finite:
        refuse("not_a_number", "This is a number")
    return value


def _between(label: str, minimum: float, maximum: float) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if not minimum <= value <= maximum:
            refuse("out_of_range", f"{label} lies between {minimum:g} and {maximum:g}")
        return value

    return check


def _range(minimum: float, maximum: float) -> tuple[tuple[str, Any], ...]:
    return (("minimum", minimum), ("maximum", maximum))


def _iso(label: str, type_: type[date], code: str) -> Callable[[Any], Any]:
    """Text in ISO 8601, never a number: 0 would be a day in 1970."""

    def parse(value: Any) -> Any:
        if isinstance(value, date):
            return value
        try:
            return type_.fromisoformat(value)
        except (ValueError, TypeError):
            refuse(code, f"{label} is written like {'2026-11-23' if type_ is date else '2026-11-23T09:00:00'}")

    return parse
