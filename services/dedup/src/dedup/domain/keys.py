"""Keys. Exact keys may be claimed by one record; blocking keys only say whom it is worth comparing with."""

import hashlib
from itertools import combinations

from .canonical import Canonical, sorted_words
from .words import ROLE_MAILBOXES

FAMILIES = ("tax", "email", "email_name", "name_address", "name_phone")
# A value that more records share than this says nothing (a call centre's phone, the word "center").
GENERIC_ABOVE = 60
# How much a shared key promises, by the part before the colon: decides whom to score when there are too many.
PROMISE = {"t": 12, "e": 8, "p": 6, "f": 6, "a": 5, "2": 4, "d": 3, "s": 3, "l": 3, "b": 4, "z": 3, "n": 2, "w": 1}


# An index takes 2,700 bytes; a script without an alphabet grows when it is spelt in Latin letters.
LONGEST = 200


def family(exact_key: str) -> str:
    return exact_key.partition(":")[0]


def promise(blocking_key: str) -> int:
    return PROMISE[blocking_key.partition(":")[0]]


def exact_keys(record: Canonical) -> list[str]:
    """At most one live record of an object should hold each of these. A name alone is never one of them."""
    name = sorted_words(record.name)
    found = [f"tax:{record.tax}"] if record.tax and record.object != "lead" else []
    if record.person:
        personal = [email for email in record.emails if email.partition("@")[0] not in ROLE_MAILBOXES]
        found += [f"email:{email}" for email in personal]
        found += [f"email_name:{email}|{name}" for email in record.emails]
    if name and record.street and record.number and record.postcode:
        found.append(f"name_address:{name}|{record.street}|{record.number}|{record.postcode}")
    if name:
        found += [f"name_phone:{name}|{phone[-7:]}" for phone in record.phones]
    return [_short(key) for key in found]


def _short(key: str) -> str:
    if len(key) <= LONGEST:
        return key
    return f"{key[: LONGEST - 33]}#{hashlib.blake2b(key.encode(), digest_size=16).hexdigest()}"


def blocking_keys(record: Canonical) -> list[str]:
    found = [f"t:{record.tax}"] if record.tax else []
    found += [f"p:{phone[-7:]}" for phone in record.phones]
    found += [f"e:{email}" for email in record.emails]
    found += [f"d:{record.domain}"] if record.domain else []
    found += _place_keys(record)
    found += _name_keys(record.company, record.postcode)
    found += _person_keys(record.person)
    if record.born and record.person:
        found.append(f"b:{record.born}|{min(record.person.split())[:1]}")
    return list(dict.fromkeys(_short(key) for key in found))


def _place_keys(record: Canonical) -> list[str]:
    if not (record.street and record.number):
        return []
    found = [f"s:{record.number}|{record.street[:10]}"]
    return [*found, f"a:{record.postcode}|{record.number}|{record.street[:3]}"] if record.postcode else found


def _name_keys(name: str, code: str) -> list[str]:
    if not name:
        return []
    words = sorted({word for word in name.split() if len(word) > 1}, key=lambda word: (-len(word), word))
    ordered = sorted_words(name)
    found = [f"f:{ordered}", f"n:{ordered[:12]}"]
    found += [f"w:{word}" for word in words[:4] if len(word) > 3]
    found += [f"2:{'|'.join(sorted(pair))}" for pair in combinations(words[:4], 2)]
    return [*found, f"z:{code}|{name[:4]}"] if code else found


def _person_keys(name: str) -> list[str]:
    words = name.split()
    if not words:
        return []
    pair = sorted((words[0], words[-1]))
    # Both orders of first and last name, since people and forms swap them.
    crossed = [f"l:{words[-1]}|{words[0][:1]}", f"l:{words[0]}|{words[-1][:1]}"]
    return [f"f:{sorted_words(name)}", f"2:{'|'.join(pair)}", *crossed]
