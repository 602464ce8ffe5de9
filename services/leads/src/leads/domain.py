"""Rules of leads: statuses and their categories, who may move where, what counts as a request."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from anyascii import anyascii

CATEGORIES = ("open", "working", "qualified", "unqualified", "converted")
DEFAULT_QUEUE = "New leads"
HONEYPOT = "leave_this_empty"
# Fields by which two leads may turn out to be one; only a change of these asks the duplicate check again.
MATCHED = frozenset(
    {"first_name", "last_name", "company", "is_person", "email", "phone", "mobile", "website", "street", "city",
     "postal_code", "country", "tax_number"}
)  # fmt: skip
_NOT_WORD = re.compile(r"[^a-z0-9@.+]+")
_UTM = re.compile(r"utm_([a-z0-9_]{1,40})")
YES = frozenset({"on", "true", "yes", "1", "si", "tak", "x"})
NO = frozenset({"", "off", "false", "no", "0", "nie"})


@dataclass(frozen=True, slots=True)
class Status:
    """One entry of the status picklist. The label may change, the category decides what the status means."""

    value: str
    label: str
    category: str


DEFAULT_STATUSES = (
    Status("new", "New", "open"),
    Status("contacted", "Contacted", "working"),
    Status("nurturing", "Nurturing", "working"),
    Status("qualified", "Qualified", "qualified"),
    Status("unqualified", "Unqualified", "unqualified"),
    Status("converted", "Converted", "converted"),
)


def first_status(statuses: Iterable[Status]) -> Status:
    """What a new lead gets: the first open one of the list."""
    return next(status for status in statuses if status.category == "open")


def status_named(statuses: Iterable[Status], value: str) -> Status | None:
    return next((status for status in statuses if status.value == value), None)


def faults_of(statuses: list[Status]) -> list[tuple[int, str, str, str]]:
    """(position, field, code, sentence) for each entry that cannot be used; position -1 is the list itself."""
    seen: set[str] = set()
    faults = []
    for at, status in enumerate(statuses):
        if status.value in seen:
            faults.append((at, "value", "repeated", f"{status.value!r} is in the list already."))
        seen.add(status.value)
    if not any(status.category == "open" for status in statuses):
        faults.append((-1, "category", "open_missing", "At least one status has the category open."))
    return faults


def may_move(before: str, after: str) -> bool:
    """Only the conversion makes a lead converted, and it stays so."""
    return before != "converted" and after != "converted"


def missing_identity(company: str | None, is_person: bool) -> bool:
    """A lead says for which company somebody speaks, or that it is a private person."""
    return not company and not is_person


def folded(*texts: str | None) -> str:
    """What searches look in: lower case, without accents, one blank between words."""
    words = (_NOT_WORD.sub(" ", anyascii(text).lower()).strip() for text in texts if text)
    return " ".join(word for word in words if word)


def digits(text: str | None) -> str:
    return re.sub(r"\D", "", text or "")


def split_utm(fields: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """(the other fields, the utm_* parameters without prefix), as a landing page sends them."""
    named = {name: found.group(1) for name in fields if (found := _UTM.fullmatch(name))}
    utm = {short: _plain(str(fields[name])[:255]) for name, short in named.items() if fields[name]}
    return {name: value for name, value in fields.items() if name not in named}, utm


def yes_or_no(text: str) -> bool | str:
    """What HTML forms send for a ticked box; anything else goes on to be refused."""
    folded_text = text.strip().lower()
    return True if folded_text in YES else False if folded_text in NO else text


def storable(fields: Mapping[str, Any]) -> dict[str, str]:
    """What a robot sent, cut to what a person needs to see that it was one."""
    texts = {name[:100]: str(value)[:500] for name, value in list(fields.items())[:50]}
    return {_plain(name): _plain(value) for name, value in texts.items()}


def _plain(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
