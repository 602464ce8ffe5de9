"""Text as people type it, folded so that `Łódź` and `lodz` find each other, and so do `+39 055 123` and `055123`."""

import re
from collections.abc import Iterable

from anyascii import anyascii

_NOT_WORD = re.compile(r"[^a-z0-9@._+-]+")
_NOT_ALNUM = re.compile(r"[^a-z0-9]+")
_NOT_DIGIT = re.compile(r"\D+")
_PHONE_LIKE = re.compile(r"^[\d\s()+./-]+$")
TRIGRAM = 3


def fold(text: str) -> str:
    """Lower case, without accents, runs of anything else than word characters become one space."""
    return _NOT_WORD.sub(" ", anyascii(text).lower()).strip()


def compact(text: str) -> str:
    return _NOT_ALNUM.sub("", anyascii(text).lower())


def digits(text: str) -> str:
    return _NOT_DIGIT.sub("", text)


def search_text(words: Iterable[str | None], phones: Iterable[str | None], codes: Iterable[str | None]) -> str:
    """What the trigram index holds: names folded, phones as bare digits, codes also without their separators."""
    parts = [fold(word) for word in words if word]
    parts += [digits(phone) for phone in phones if phone]
    for code in codes:
        parts += [fold(code), compact(code)] if code else []
    return " ".join(dict.fromkeys(part for part in parts if part))


def search_key(name: str) -> str:
    """The head of every list sorted by name and the target of one- and two-letter searches."""
    return fold(name)[:255]


def needles(query: str) -> list[list[str]]:
    """All groups must occur; within a group one spelling is enough. An empty list finds nothing.

    A phone typed with a national or international prefix is stored either way, hence the alternatives.
    """
    query = query.strip()
    if _PHONE_LIKE.match(query) and len(digits(query)) >= TRIGRAM:
        return [_phone_spellings(digits(query))]
    whole = compact(query)
    groups = [[word] for word in fold(query).split()]
    if len(groups) > 1 and len(whole) > TRIGRAM and any(letter.isdigit() for letter in whole):
        return [[whole]] if _looks_like_code(groups) else groups
    if len(groups) == 1 and whole and whole != groups[0][0] and any(letter.isdigit() for letter in whole):
        groups[0].append(whole)
    return groups


def _looks_like_code(groups: list[list[str]]) -> bool:
    """`PL 526 104 08 28`: an optional country prefix and then only pieces with digits."""
    words = [group[0] for group in groups]
    head, rest = words[0], words[1:]
    starts = len(head) == 2 or any(letter.isdigit() for letter in head)
    return starts and all(any(letter.isdigit() for letter in word) for word in rest)


def _phone_spellings(number: str) -> list[str]:
    bare = number.removeprefix("00")
    trunkless = bare.removeprefix("0")
    return list(dict.fromkeys(spelling for spelling in (number, bare, trunkless) if len(spelling) >= TRIGRAM))
