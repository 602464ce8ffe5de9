"""One record in canonical form, from what a system stores about a company or a person."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from .addresses import postal_code, street_line, town
from .contacts import domain, email, mail_domain, phone
from .names import company_name, person_name
from .taxes import tax_number
from .text import fold, known

CANON_VERSION = 1


class Canonical(NamedTuple):
    """What is compared of one record; an empty string is an unknown value.

    `tax_country` is filled when the number's checksum holds; `born` is `YYYYMMDD`, or what is known of it.
    """

    name: str = ""
    form: str = ""
    given: str = ""
    family: str = ""
    born: str = ""
    tax: str = ""
    tax_country: str = ""
    phone: str = ""
    email: str = ""
    domain: str = ""
    street: str = ""
    number: str = ""
    postcode: str = ""
    city: str = ""
    birth_place: str = ""
    occupation: str = ""


FIELDS = Canonical._fields


def company(raw: Mapping[str, str | None]) -> Canonical:
    """A company from `name`, `tax_number`, `country` (ISO 3166), `phone`, `email`, `website`, `street`, `number`,
    `postcode`, `city`; all optional, others are ignored. Never fails on content."""
    text = _texts(raw)
    name = company_name(text("name"))
    return _shared(text)._replace(name=name.name, form=name.form)


def person(raw: Mapping[str, str | None]) -> Canonical:
    """A person from `given_name`, `family_name` or `name`, `birth_date`, `birth_place`, `occupation` and what
    `company` reads besides the name."""
    text = _texts(raw)
    name = person_name(text("given_name"), text("family_name"), text("name"))
    return _shared(text)._replace(
        name=name.full,
        given=name.given,
        family=name.family,
        born=birth_date(text("birth_date")),
        birth_place=town(text("birth_place")),
        occupation=known(fold(text("occupation"))),
    )


class _texts:
    def __init__(self, raw: Mapping[str, str | None]) -> None:
        self.raw = raw

    def __call__(self, name: str) -> str:
        return self.raw.get(name) or ""


def _shared(text: _texts) -> Canonical:
    country = text("country").strip().upper()[:2]
    tax = tax_number(text("tax_number"), country)
    line = street_line(text("street"))
    mail = email(text("email"))
    return Canonical(
        tax=tax.number,
        tax_country=tax.country if tax.is_valid else "",
        phone=phone(text("phone"), country),
        email=mail,
        domain=domain(text("website")) or mail_domain(mail),
        street=line.street,
        number=fold(text("number")).replace(" ", "") or line.number,
        postcode=postal_code(text("postcode")) or line.postcode,
        city=town(text("city")),
    )


@lru_cache(maxsize=65_536)
def birth_date(text: str) -> str:
    """`1971-06-24`, `24.06.1971`, `19710624` -> `19710624`; a year alone stays a year; nothing without a year."""
    parts = re.findall(r"\d+", text[:40])
    if len(parts) == 1:
        return parts[0] if len(parts[0]) in (4, 8) else ""
    if len(parts) < 3:
        return next((part for part in parts if len(part) == 4), "")
    year, month, day = parts[:3] if len(parts[0]) == 4 else (parts[2], parts[1], parts[0])
    return f"{year}{month:0>2}{day:0>2}"[:8] if len(year) == 4 else ""
