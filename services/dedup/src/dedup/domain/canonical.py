"""The canonical form: two spellings of one thing become one value. Bump VERSION when a rule here changes."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from anyascii import anyascii

from .words import (
    DIRECTIONS,
    EMPTY_VALUES,
    FLAT_WORDS,
    FREE_MAIL,
    INNER_FORMS,
    JOINED_STREET_ENDINGS,
    LEGAL_FORMS,
    LONGEST_FORM,
    SHARED_HOSTS,
    STREET_WORDS,
    TAX_COUNTRIES,
    TRADE_PREFIXES,
)

VERSION = 1
_APOSTROPHES = re.compile(r"['’`´]")
_NOT_WORD = re.compile(r"[^a-z0-9]+")
_HOUSE_NUMBER = re.compile(r"\d+[a-z]?")
_HOST = re.compile(r"^(?:[a-z][a-z0-9+.-]*://)?(?:www\d?\.)?([^/:?#@\s]+)")


class Canonical(NamedTuple):
    """What is compared of one record. `company` and `person` may both be there: a lead is a person of a company.

    A tuple, because thousands of them are made for one batch.
    """

    object: str
    company: str = ""
    form: str = ""
    person: str = ""
    tax: str = ""
    tax_country: str = ""
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    domain: str = ""
    street: str = ""
    number: str = ""
    postcode: str = ""
    city: str = ""
    born: str = ""
    parent: str = ""

    @property
    def name(self) -> str:
        return self.company if self.object == "account" and self.company else self.person or self.company

    @property
    def is_business(self) -> bool:
        return self.object == "account" and not self.person

    def as_json(self) -> dict[str, Any]:
        values = zip(self._fields, self, strict=True)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values if value}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Canonical":
        values: dict[str, Any] = dict(stored)
        for name in ("phones", "emails"):
            if name in values:
                values[name] = tuple(values[name])
        return cls(**values)


@lru_cache(maxsize=8192)
def fold(text: str) -> str:
    """Lower-case ASCII words of any script, one space between."""
    return _NOT_WORD.sub(" ", anyascii(_APOSTROPHES.sub("", text)).lower()).strip()


def sorted_words(text: str) -> str:
    return " ".join(sorted(set(text.split())))


def business_name(text: str) -> tuple[str, str]:
    """`GET CLOUDY Sp. z o.o.` -> (`get cloudy`, `spzoo`). A name that is only a legal form stays as it is."""
    words = _without_inner_form(fold(text).split())
    kept, form = _without_suffix(words)
    second, _ = _without_suffix(kept)
    kept = _without_prefix(second)
    return _known(" ".join(kept)), form


def _without_inner_form(words: list[str]) -> list[str]:
    for form in INNER_FORMS:
        size = len(form)
        for start in range(1, len(words) - size):
            if tuple(words[start : start + size]) == form:
                return words[:start] + words[start + size :]
    return words


def _without_suffix(words: list[str]) -> tuple[list[str], str]:
    for size in range(min(LONGEST_FORM, len(words) - 1), 0, -1):
        if tuple(words[-size:]) in LEGAL_FORMS:
            return words[:-size], "".join(words[-size:])
    return words, ""


def _without_prefix(words: list[str]) -> list[str]:
    for prefix in TRADE_PREFIXES:
        size = len(prefix)
        if len(words) > size and tuple(words[:size]) == prefix:
            return words[size:]
    return words


def _known(text: str) -> str:
    """Nothing for a value that people type when they have none."""
    return "" if text in EMPTY_VALUES or not any(letter.isalnum() for letter in text) else text


def person_name(first: str, last: str) -> str:
    return _known(f"{fold(first)} {fold(last)}".strip())


def tax_number(text: str, country: str = "") -> tuple[str, str]:
    """(number without country and separators, country or ""). `PL 525-000-11-22` and `5250001122` are one number."""
    plain = re.sub(r"[^A-Z0-9]", "", anyascii(text).upper())
    if len(plain) > 7 and plain[:2] in TAX_COUNTRIES and sum(letter.isdigit() for letter in plain[2:]) >= 6:
        country, plain = plain[:2].replace("EL", "GR"), plain[2:]
    digits = sum(letter.isdigit() for letter in plain)
    usable = digits >= 6 and len(set(plain)) > 1
    return (plain, country.upper()) if usable else ("", "")


def phone_number(text: str) -> str:
    """Digits with `+` when the country is known; nothing for numbers that cannot be dialled."""
    digits = re.sub(r"\D", "", anyascii(text).split("ext")[0])
    if len(digits) < 7 or len(set(digits[-7:])) <= 1 or digits[-7:] in ("1234567", "0123456"):
        return ""
    international = text.strip().startswith(("+", "00"))
    return "+" + digits.removeprefix("00") if international else digits


def email_address(text: str) -> str:
    """The key of a mailbox: lower case, no tag, no dots at Gmail; nothing for placeholders."""
    local, _, host = text.strip().lower().rpartition("@")
    local = local.split("+")[0]
    if host in ("gmail.com", "googlemail.com"):
        local, host = local.replace(".", ""), "gmail.com"
    if not local or "." not in host or host.startswith("example.") or local in EMPTY_VALUES:
        return ""
    return f"{local}@{host}"


def web_domain(text: str) -> str:
    found = _HOST.match(text.strip().lower())
    host = found.group(1) if found else ""
    return host if "." in host and host not in SHARED_HOSTS and host not in FREE_MAIL else ""


def mail_domain(emails: Iterable[str]) -> str:
    hosts = (email.rpartition("@")[2] for email in emails)
    return next((host for host in hosts if host not in FREE_MAIL), "")


def street_and_number(text: str) -> tuple[str, str]:
    """`ul. Długa 10/12 m. 5`, `10 Dluga Street`, `Długa 10` -> (`dluga`, `10`)."""
    words = fold(text).split()
    cut = next((at for at, word in enumerate(words) if at > 1 and word in FLAT_WORDS), len(words))
    words = [DIRECTIONS.get(word, word) for word in words[:cut]]
    at = next((at for at, word in enumerate(words) if _HOUSE_NUMBER.fullmatch(word)), None)
    number = "" if at is None else words[at]
    around = words if at is None else words[:at] if at else words[1:]
    named = [_street_stem(word) for word in around if word not in STREET_WORDS]
    return " ".join(word for word in named if word), number


def _street_stem(word: str) -> str:
    for ending in JOINED_STREET_ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 3:
            return word.removesuffix(ending)
    return word


def postcode(text: str) -> str:
    plain = re.sub(r"[^A-Z0-9]", "", anyascii(text).upper())
    return plain[:5] if re.fullmatch(r"\d{9}", plain) else plain if len(plain) >= 4 else ""
