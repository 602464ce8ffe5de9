"""Tax numbers: country, digits, and whether the checksum holds."""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from anyascii import anyascii
from stdnum import get_cc_module

# The numbers by which companies and persons are known to the tax office, in the order of trying.
_KINDS = (
    "vat", "nip", "tin", "pesel", "regon", "codicefiscale", "nif", "siren", "siret", "ein", "utr", "btw", "dic", "rc",
)  # fmt: skip
_PREFIX = re.compile(r"[A-Z]{2}(?=.*\d)")
_COUNTRY_OF_PREFIX = {"EL": "GR", "XI": "GB", "UK": "GB"}
_SHORTEST, _LONGEST = 6, 20


class TaxNumber(NamedTuple):
    """`number`: letters and digits without separators and country. `country`: ISO 3166, or empty when unknown.

    `is_valid`: a rule of that country is known and its checksum holds. Only then is the number an identity; otherwise
    it is text that may support a match.
    """

    number: str
    country: str
    is_valid: bool


NOTHING = TaxNumber("", "", False)


@lru_cache(maxsize=65_536)
def tax_number(text: str, country: str = "") -> TaxNumber:
    """`PL 525-000-90-10`, `5250009010` with country PL -> (`5250009010`, `PL`, True). See python-stdnum."""
    plain = re.sub(r"[^A-Z0-9]", "", anyascii(text[:80]).upper())
    home = _COUNTRY_OF_PREFIX.get(country.upper(), country.upper())
    for number, of in _readings(plain, home):
        if _is_valid(number, of):
            return TaxNumber(number, of, True)
    number, of = _readings(plain, home)[-1]
    usable = _SHORTEST <= len(number) <= _LONGEST and len(set(number)) > 1 and any(map(str.isdigit, number))
    return TaxNumber(number, of, False) if usable else NOTHING


def _readings(plain: str, home: str) -> list[tuple[str, str]]:
    """As a number of the country at home, and as one that begins with its country."""
    prefix = _COUNTRY_OF_PREFIX.get(plain[:2], plain[:2])
    if _PREFIX.match(plain) and _modules(prefix):
        return [(plain, home), (plain[2:], prefix)] if home and home != prefix else [(plain[2:], prefix)]
    return [(plain, home)]


def _is_valid(number: str, country: str) -> bool:
    return len(set(number)) > 1 and any(module.is_valid(number) for module in _modules(country))


@lru_cache(maxsize=512)
def _modules(country: str) -> tuple[Any, ...]:
    if len(country) != 2 or not country.isalpha():
        return ()
    found = (get_cc_module(country.lower(), kind) for kind in _KINDS)
    return tuple(dict.fromkeys(module for module in found if module is not None))
