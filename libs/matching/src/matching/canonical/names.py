"""Names of companies and persons."""

from functools import lru_cache
from typing import NamedTuple

from .text import fold, known
from .words import INNER_FORMS, LEADING_FORMS, LEGAL_FORMS, LONGEST_FORM, TITLES, TRADE_PREFIXES

_LONGEST_INNER = max(map(len, INNER_FORMS))
_LONGEST_PREFIX = max(map(len, TRADE_PREFIXES))


class CompanyName(NamedTuple):
    """`name`: folded words without legal form and trade prefix. `form`: the legal form without spaces, or empty."""

    name: str
    form: str


class PersonName(NamedTuple):
    """`given`: the first given name. `family`: one or more words. `full`: all words in the order written, no titles."""

    given: str
    family: str
    full: str


@lru_cache(maxsize=65_536)
def company_name(text: str) -> CompanyName:
    """`PHU Get-Cloudy Sp. z o.o.` -> (`get cloudy`, `spzoo`).

    A name that would be left empty stays as it is: "Limited" may be somebody's name.
    """
    words = fold(text).split()
    words, form = _without_ending(words)
    words, inner = _without_inner_form(words)
    words, second = _without_ending(words)
    words, leading = _without_start(words, LEADING_FORMS)
    words, _ = _without_start(words, TRADE_PREFIXES)
    return CompanyName(known(" ".join(words)), form or inner or second or leading)


def _without_inner_form(words: list[str]) -> tuple[list[str], str]:
    for start in range(1, len(words) - 1):
        for size in range(min(_LONGEST_INNER, len(words) - 1 - start), 0, -1):
            if tuple(words[start : start + size]) in INNER_FORMS:
                return words[:start] + words[start + size :], "".join(words[start : start + size])
    return words, ""


def _without_ending(words: list[str]) -> tuple[list[str], str]:
    for size in range(min(LONGEST_FORM, len(words) - 1), 0, -1):
        if tuple(words[-size:]) in LEGAL_FORMS:
            return words[:-size], "".join(words[-size:])
    return words, ""


def _without_start(words: list[str], starts: frozenset[tuple[str, ...]]) -> tuple[list[str], str]:
    for size in range(min(_LONGEST_PREFIX, len(words) - 1), 0, -1):
        if tuple(words[:size]) in starts:
            return words[size:], "".join(words[:size])
    return words, ""


@lru_cache(maxsize=65_536)
def person_name(given: str, family: str, full: str = "") -> PersonName:
    """Name parts as folded words; what is not given is read from `full` (`Nowak, Jan` and `Jan Nowak` alike)."""
    first, last = _named(given), _named(family)
    whole = _named(_in_order(full)) or [*first, *last]
    if not first and not last:
        first, last = (whole[:-1], whole[-1:]) if len(whole) > 1 else ([], whole)
    elif not first and given:  # the field held a title only
        first = [word for word in whole if word not in last]
    return PersonName(known(" ".join(first[:1])), known(" ".join(last)), known(" ".join(whole)))


def _in_order(full: str) -> str:
    family, comma, given = full.partition(",")
    return f"{given} {family}" if comma and given.strip() else full


def _named(text: str) -> list[str]:
    return [word for word in fold(text).split() if word not in TITLES]
