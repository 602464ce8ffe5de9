"""Key families: which records are worth comparing.

A key is a 64-bit number made of one value of each part of its family. The same numbers come out of a table of a million
records and of one record that is just being typed, so one index serves both.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product

from .canonical import Canonical
from .canonical.contacts import mailbox
from .phonetics import sounds

Frequencies = Mapping[str, int]
Reading = Callable[[str, Frequencies], tuple[str, ...]]
RARE_WORDS = 3
MIX, _MASK = 0x9E3779B97F4A7C15, (1 << 64) - 1


@dataclass(frozen=True)
class Part:
    """`read` gives the values that a field's text contributes; `frequencies` say how common a word of names is."""

    field: str
    read: Reading


@dataclass(frozen=True)
class Family:
    """`promise` orders the keys of one record when not all can be asked."""

    name: str
    parts: tuple[str, ...]
    promise: int = 5
    is_exact: bool = False


def rare_words(name: str, frequencies: Frequencies) -> list[str]:
    """The three rarest words of two letters or more; equally rare ones by the alphabet."""
    words = {word for word in name.split() if len(word) > 1 or word.isdigit()}
    return sorted(words, key=lambda word: (frequencies.get(word, 0), word))[:RARE_WORDS]


def _rare_sounds(name: str, frequencies: Frequencies) -> tuple[str, ...]:
    return tuple(dict.fromkeys(code for word in rare_words(name, frequencies) for code in sounds(word)))


def _rarest_sound(name: str, frequencies: Frequencies) -> tuple[str, ...]:
    return sounds(words[0])[:1] if (words := rare_words(name, frequencies)) else ()


def _sound_pairs(name: str, frequencies: Frequencies) -> tuple[str, ...]:
    words = sorted(sounds(word)[0] for word in rare_words(name, frequencies))
    return tuple(f"{one} {other}" for one, other in dict.fromkeys(combinations(words, 2)))


def _word_sounds(name: str, _: Frequencies) -> tuple[str, ...]:
    words = [word for word in name.split() if len(word) > 1][:4]
    return tuple(dict.fromkeys(code for word in words for code in sounds(word)))


def _all_words(name: str, _: Frequencies) -> tuple[str, ...]:
    return (" ".join(sorted(set(name.split()))),)


def _itself(text: str, _: Frequencies) -> tuple[str, ...]:
    return (text,)


def _start(size: int) -> Reading:
    return lambda text, _: (text[:size],)


def _tail(text: str, _: Frequencies) -> tuple[str, ...]:
    return (text[-7:],) if len(text) >= 7 else ()


def _mailbox(text: str, _: Frequencies) -> tuple[str, ...]:
    return (mailbox(text),)


def _local_part(text: str, _: Frequencies) -> tuple[str, ...]:
    local = mailbox(text).partition("@")[0]
    return (local,) if len(local) > 5 else ()


def neighbours(text: str, _: Frequencies | None = None) -> tuple[str, ...]:
    """The text and what is left when one character is missing: two texts with one typing error share one of them.

    Deletion neighbourhood of order 1 (symmetric delete, Garbe 2012).
    """
    return (text, *dict.fromkeys(f"{text[:at]}_{text[at + 1 :]}" for at in range(len(text))))


def _date_piece(*pieces: slice) -> Reading:
    return lambda text, _: ("".join(text[piece] for piece in pieces),) if len(text) == 8 else ()


def _year(text: str, _: Frequencies) -> tuple[str, ...]:
    return (text[:4],)


def _place_sounds(text: str, frequencies: Frequencies) -> tuple[str, ...]:
    return tuple(code for word in text.split()[:3] if len(word) > 1 for code in sounds(word)[:1])


PARTS: dict[str, Part] = {
    "tax": Part("tax", _itself),
    "tax~": Part("tax", neighbours),
    "phone": Part("phone", _tail),
    "mailbox": Part("email", _mailbox),
    "local part": Part("email", _local_part),
    "domain": Part("domain", _itself),
    "street": Part("street", _itself),
    "street start": Part("street", _start(2)),
    "street sounds": Part("street", _place_sounds),
    "number": Part("number", _itself),
    "postcode": Part("postcode", _itself),
    "postcode area": Part("postcode", _start(3)),
    "city": Part("city", _itself),
    "city start": Part("city", _start(4)),
    "rare sounds": Part("name", _rare_sounds),
    "rarest sound": Part("name", _rarest_sound),
    "sound pairs": Part("name", _sound_pairs),
    "word sounds": Part("name", _word_sounds),
    "words": Part("name", _all_words),
    "given sounds": Part("given", _word_sounds),
    "family sounds": Part("family", _word_sounds),
    "born": Part("born", _itself),
    "born~": Part("born", neighbours),
    "year": Part("born", _year),
    "year and month": Part("born", _date_piece(slice(0, 6))),
    "year and day": Part("born", _date_piece(slice(0, 4), slice(6, 8))),
    "month and day": Part("born", _date_piece(slice(4, 8))),
    "birth place": Part("birth_place", _itself),
}


@lru_cache(maxsize=1 << 20)
def digest(text: str) -> int:
    """A stable 64-bit number of a text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def mixed(key: int, value: int) -> int:
    """Adds a part's number to a key; the same arithmetic works on arrays of unsigned 64-bit integers."""
    return ((key * MIX) & _MASK) ^ value


def keys_of(record: Canonical, families: tuple[Family, ...], frequencies: Frequencies) -> dict[int, Family]:
    """All keys of one record, the most promising first. `frequencies`: of the words of names, from the model."""
    found: dict[int, Family] = {}
    for family in sorted(families, key=lambda family: -family.promise):
        for values in product(*(_values(record, part, frequencies) for part in family.parts)):
            key = digest(family.name)
            for value in values:
                key = mixed(key, digest(value))
            found.setdefault(key, family)
    return found


def _values(record: Canonical, part: str, frequencies: Frequencies) -> tuple[str, ...]:
    text: str = getattr(record, PARTS[part].field)
    return PARTS[part].read(text, frequencies) if text else ()
