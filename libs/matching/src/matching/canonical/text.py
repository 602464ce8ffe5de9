"""Folding: text of any script to lower-case ASCII words."""

import re
from functools import lru_cache

from anyascii import anyascii

from .words import EMPTY_VALUES

# What is longer is no name; comparing it would cost more than it tells.
LONGEST = 200
_APOSTROPHES = re.compile(r"['’`´ʼ]")
_NOT_WORD = re.compile(r"[^a-z0-9]+")
_PLAIN = re.compile(r"[a-z0-9]+(?: [a-z0-9]+)*")


@lru_cache(maxsize=65_536)
def fold(text: str) -> str:
    """Lower-case ASCII words with one space between; at most 200 characters.

    Cyrillic, Greek and other scripts are transliterated by anyascii; emoji, marks of direction and punctuation
    separate words. `Łódź "Ѳ" O'Neil` -> `lodz f oneil`.
    """
    if len(text) <= LONGEST and _PLAIN.fullmatch(text):
        return text
    spelt = anyascii(_APOSTROPHES.sub("", _without_symbols(text[: 4 * LONGEST])))
    return _NOT_WORD.sub(" ", spelt.lower())[:LONGEST].strip()


def _without_symbols(text: str) -> str:
    """Emoji would be spelt by name (`:house:`), which would make two shops alike that only like one picture."""
    return (
        text
        if text.isascii()
        else "".join(letter if letter.isprintable() and _is_letter(letter) else " " for letter in text)
    )


def _is_letter(letter: str) -> bool:
    return letter.isascii() or letter.isalnum() or letter in "’`´ʼ"


def known(text: str) -> str:
    """The text itself, or nothing for a value that people type when they have none (`n/a`, `brak`, `xxx`)."""
    return "" if text in EMPTY_VALUES else text
