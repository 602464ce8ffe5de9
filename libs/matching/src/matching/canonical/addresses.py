"""Addresses: street without its type word, house number, postal code, town."""

import re
from functools import lru_cache
from typing import NamedTuple

from anyascii import anyascii

from .text import LONGEST, fold, known
from .words import (
    DIRECTIONS,
    FLAT_WORDS,
    JOINED_STREET_ENDINGS,
    ORDINALS,
    STREET_WORDS,
    TRAILING_STREET_WORDS,
    US_STATES,
)

_HOUSE_NUMBER = re.compile(r"\d+[a-z]?")
_FLAT_BEHIND_SLASH = re.compile(r"(\d+\s?[A-Za-z]?)\s*/\s*\d+\w*")
_CODE = re.compile(r"\d{5}")


class Street(NamedTuple):
    """`street`: folded words without type words. `number`: house number with its letter, no flat.

    `postcode`: one that stood at the end of the line behind a state of the USA.
    """

    street: str
    number: str
    postcode: str = ""


@lru_cache(maxsize=65_536)
def street_line(text: str) -> Street:
    """`ul. Długa 10/12 m. 5` -> (`dluga`, `10`); `10 N. Ogden Ave, Chicago IL 60612` -> (`n ogden`, `10`, `60612`)."""
    words = fold(_FLAT_BEHIND_SLASH.sub(r"\1 ", text[:LONGEST])).split()
    words, code = _without_state(words)
    words = [ORDINALS.get(word, DIRECTIONS.get(word, word)) for word in words[: _end(words)]]
    at = _number_at(words)
    number = "" if at is None else words[at]
    around = words if at is None else words[at + 1 :] if at == 0 else words[:at]
    named = [_stem(word) for word in around if word not in STREET_WORDS] or around
    return Street(known(" ".join(named)), number, code)


def _without_state(words: list[str]) -> tuple[list[str], str]:
    if len(words) > 3 and _CODE.fullmatch(words[-1]) and words[-2] in US_STATES:
        return words[:-2], words[-1]
    if len(words) > 4 and words[0].isdigit() and words[-1] in US_STATES and words[-1] not in STREET_WORDS:
        return words[:-1], ""
    return words, ""


def _end(words: list[str]) -> int:
    """Where the flat begins, or the town behind `10 Ogden Ave`."""
    for at, word in enumerate(words):
        if at > 1 and word in FLAT_WORDS:
            return at
        if at > 1 and words[0][0].isdigit() and word in TRAILING_STREET_WORDS:
            return at + 1
    return len(words)


def _number_at(words: list[str]) -> int | None:
    """`3 Maja 5`: the number is at the end; `10 Main`: in front. Alone, a number is a street's name or a number."""
    numbers = [at for at, word in enumerate(words) if _HOUSE_NUMBER.fullmatch(word)]
    if not numbers:
        return None
    if numbers[0] == 0 and numbers[-1] == len(words) - 1 and len(numbers) > 1:
        return numbers[-1]
    return numbers[0]


def _stem(word: str) -> str:
    for ending in JOINED_STREET_ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 3:
            return word.removesuffix(ending)
    return word


@lru_cache(maxsize=65_536)
def postal_code(text: str) -> str:
    """Upper-case letters and digits; ZIP+4 is cut to five digits. `00-950` -> `00950`, `sw1a 1aa` -> `SW1A1AA`."""
    plain = re.sub(r"[^A-Z0-9]", "", anyascii(text[:40]).upper())
    return plain[:5] if re.fullmatch(r"\d{9}", plain) else plain if 3 <= len(plain) <= 10 else ""


def town(text: str) -> str:
    return known(fold(text))
