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
    return [_spellings(word) for word in fold(query).split()]


def code_in(query: str) -> str | None:
    """`PL 526-104 08 28` without separators: a country perhaps, then only pieces with digits. None for other text."""
    words = fold(query).split()
    whole = compact(query)
    if len(words) < 2 or len(whole) <= TRIGRAM:
        return None
    starts = len(words[0]) == 2 or _has_digit(words[0])
    return whole if starts and all(_has_digit(word) for word in words[1:]) else None


def _spellings(word: str) -> list[str]:
    bare = compact(word)
    return [word, bare] if _has_digit(word) and bare not in ("", word) else [word]


def _has_digit(word: str) -> bool:
    return any(letter.isdigit() for letter in word)


def _phone_spellings(number: str) -> list[str]:
    bare = number.removeprefix("00")
    trunkless = bare.removeprefix("0")
    return list(dict.fromkeys(spelling for spelling in (number, bare, trunkless) if len(spelling) >= TRIGRAM))
