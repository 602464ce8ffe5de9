"""Phones and tax numbers in the form that machines compare."""

from typing import ClassVar

from chassis.errors import FieldProblem, Invalid
from chassis.fields import clean_tax_number, e164


class TaxNumberInvalid(Invalid):
    code: ClassVar[str] = "validation_failed"


def e164_or_none(phone: str | None, country: str | None) -> str | None:
    return e164(phone, country)


def coded_tax_number(number: str, country: str | None) -> tuple[str, str | None]:
    """(compact number, country). A number that starts with its country needs no other hint. Raises TaxNumberInvalid."""
    country = country or _country_in(number)
    try:
        return clean_tax_number(number, country), country
    except ValueError as error:
        problem = FieldProblem("/tax_number", "tax_number_invalid", str(error))
        raise TaxNumberInvalid(errors=[problem]) from None


def tax_number_is_valid(number: str | None, country: str | None) -> bool:
    try:
        return bool(number and country and clean_tax_number(number, country))
    except ValueError:
        return False


def _country_in(number: str) -> str | None:
    """`IT 0123…` names Italy, provided that the rest is a number of that country."""
    prefix = number.strip()[:2].upper()
    if not (prefix.isascii() and prefix.isalpha()) or not any(sign.isdigit() for sign in number):
        return None
    prefix = "GR" if prefix == "EL" else prefix
    return prefix if tax_number_is_valid(number, prefix) else None
