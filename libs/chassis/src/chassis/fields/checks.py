"""Codes that the world has agreed on: e-mail, phone, tax number, country, currency, time zone, address of a page."""

import re
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import phonenumbers
import pycountry
import stdnum
from email_validator import EmailNotValidError, validate_email
from stdnum.exceptions import ValidationError as TaxNumberError

from chassis.fields.kind import refuse

_PHONE_SHAPE = re.compile(
    r"[+(]?[0-9][0-9 ()./\-\u00a0]{3,}(?:\s*(?:x|ext\.?|#|int\.?|wew\.?)\s*[0-9]{1,8})?", re.IGNORECASE
)
# What nearly all addresses look like; the rest, and every refusal, takes the library's long way.
_PLAIN_EMAIL = re.compile(
    r"([A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@"
    r"((?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,4}(?:com|net|org|edu|info|eu|[A-Za-z]{2}))"
)
_TAX_SHAPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./\-&+*]{1,31}")
_HOST_SHAPE = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{0,61}[^\W_]", re.UNICODE)


def check_email(value: str) -> str:
    """One address without a display name; the domain becomes lower case. No network is used."""
    plain = _PLAIN_EMAIL.fullmatch(value)
    if plain:
        return f"{plain[1]}@{plain[2].lower()}"
    try:
        found = validate_email(value, check_deliverability=False, globally_deliverable=False, test_environment=True)
    except EmailNotValidError as error:
        refuse("email_invalid", str(error).rstrip("."))
    if "." not in found.domain:
        refuse("email_invalid", "The part after the @-sign has no dot")
    return found.normalized


def check_phone(value: str) -> str:
    """Kept as it was typed; with a leading + such a number must exist, without one it must look like a number."""
    if not _PHONE_SHAPE.fullmatch(value):
        refuse("phone_invalid", "A phone number has at least five digits and no letters")
    if value.startswith("+") and e164(value, None) is None:
        refuse("phone_invalid", "There is no such number in that country")
    return value


@lru_cache(4096)  # the check and the coding of a number ask for the same, and so do neighbours in an import
def e164(value: str | None, country: str | None) -> str | None:
    """`+48123456789` for a valid number, else None. National numbers need the `country` (ISO 3166, two letters)."""
    if not value:
        return None
    try:
        number = phonenumbers.parse(value, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def check_tax_number(value: str) -> str:
    """Its shape only; `clean_tax_number` knows the rules of a country."""
    if not _TAX_SHAPE.fullmatch(value):
        refuse("tax_number_invalid", "A tax number has 2 to 32 letters and digits")
    return value


def clean_tax_number(value: str, country: str | None) -> str:
    """Without separators, in capitals, checked by the country's own rule where one is known.

    Raises a validation error with the code `tax_number_invalid` (a ValueError) when the check digits are wrong.
    """
    rule = _tax_rule(country.upper()) if country else None
    if rule is None:
        return re.sub(r"[^0-9A-Z]", "", value.upper())
    try:
        return str(rule.validate(value))
    except TaxNumberError as error:
        refuse("tax_number_invalid", f"Not a tax number of {country}: {str(error).rstrip('.')}")
        raise


@cache
def _tax_rule(country: str) -> Any:
    for name in ("vat", "tin"):
        module = stdnum.get_cc_module(country, name)
        if module is not None:
            return module
    return None


@cache
def countries() -> frozenset[str]:
    return frozenset(country.alpha_2 for country in pycountry.countries)


@cache
def currencies() -> frozenset[str]:
    return frozenset(currency.alpha_3 for currency in pycountry.currencies)


@cache
def time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def check_country(value: str) -> str:
    if value.upper() not in countries():
        refuse("country_unknown", "A country is two letters of ISO 3166, such as PL")
    return value.upper()


def check_currency(value: str) -> str:
    if value.upper() not in currencies():
        refuse("currency_unknown", "A currency is three letters of ISO 4217, such as EUR")
    return value.upper()


def check_time_zone(value: str) -> str:
    if value not in time_zones():
        refuse("time_zone_unknown", "A time zone is an IANA name, such as Europe/Warsaw")
    return value


def check_url(value: str) -> str:
    """http or https; `www.example.com` becomes `https://www.example.com`."""
    address = value if "://" in value else f"https://{value}"
    try:
        parts = urlsplit(address)
        host, port_is_valid = parts.hostname or "", parts.port is None or parts.port > 0
    except ValueError:
        host, port_is_valid = "", False
    if parts_are_wrong(address, host) or not port_is_valid:
        refuse("url_invalid", "An address of a page starts with http:// or https:// and names a host")
    return address


def parts_are_wrong(address: str, host: str) -> bool:
    is_web = address.lower().startswith(("http://", "https://"))
    return not is_web or re.search(r"[\s<>\"\\]", address) is not None or not _HOST_SHAPE.fullmatch(host)
