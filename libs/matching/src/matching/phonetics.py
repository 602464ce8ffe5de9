"""What a word sounds like: English metaphone, and the same after a Polish or Italian respelling.

A word that has no Polish or Italian letter groups gives one code in all three, so most words cost one key only.
"""

import re
from functools import lru_cache

import jellyfish

_LENGTH = 6
# Order matters: the longest group first. The right side is spelt so that metaphone hears it.
_POLISH = tuple(
    (re.compile(pattern), spelt)
    for pattern, spelt in (
        (r"szcz", "shch"), (r"sz", "sh"), (r"cz", "ch"), (r"rz", "sh"), (r"dz(?=[ie])|zh|z(?=i)", "s"), (r"ch", "h"),
        (r"ck", "tsk"),
        (r"c(?=[eiy])", "s"), (r"c(?=[aou]|$)", "ts"), (r"w", "v"), (r"j|y", "i"), (r"q", "k"), (r"x", "ks"),
        (r"ph", "f"),
    )
)  # fmt: skip
_ITALIAN = tuple(
    (re.compile(pattern), spelt)
    for pattern, spelt in (
        (r"j|y", "i"), (r"c?ch(?=[ei])|cq|gh(?=[ei])", "k"), (r"gli(?=[aeou])|gl(?=i)", "l"), (r"gn", "n"),
        (r"sc(?=[ei])", "sh"), (r"cc?(?=[ei])", "ch"), (r"gg?(?=[ei])", "j"), (r"z+", "ts"), (r"w", "v"),
        (r"(?<![cs])h", ""),
    )
)  # fmt: skip
_DOUBLED = re.compile(r"(.)\1+")


@lru_cache(maxsize=262_144)
def sounds(word: str) -> tuple[str, ...]:
    """One to three codes of a folded word, at most six letters each; a word with a digit sounds like itself."""
    if any(map(str.isdigit, word)):
        return (word,)
    return tuple(dict.fromkeys((english(word), polish(word), italian(word))))


def english(word: str) -> str:
    """Metaphone (Lawrence Philips, 1990) by jellyfish; the word itself when nothing is heard."""
    return jellyfish.metaphone(word)[:_LENGTH] or word


def polish(word: str) -> str:
    """`Krzysztof`, `Kszysztof`; `Wajda`, `Vajda`; `Chojnacki`, `Hojnacki` sound alike."""
    return english(_respelt(word, _POLISH))


def italian(word: str) -> str:
    """`Ghilardi`, `Gilardi` differ; `Taccini`, `Tacini`; `Bagnoli`, `Banioli` and silent h sound alike."""
    return english(_respelt(word, _ITALIAN))


def _respelt(word: str, rules: tuple[tuple[re.Pattern[str], str], ...]) -> str:
    for pattern, spelt in rules:
        word = pattern.sub(spelt, word)
    return _DOUBLED.sub(r"\1", word)
