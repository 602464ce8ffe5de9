"""Phones, e-mail addresses and internet domains."""

import re
from functools import lru_cache

import phonenumbers
from anyascii import anyascii
from publicsuffixlist import PublicSuffixList

from .text import known
from .words import FREE_MAIL, SHARED_HOSTS

_DOT_IGNORING = frozenset(("gmail.com", "googlemail.com"))
_HOST = re.compile(r"^(?:[a-z][a-z0-9+.-]*://)?([^/:?#@\s]+)")
_EXTENSION = re.compile(r"(?i)\b(?:ext|x|wew|int|app)\b\.?\s*:?\s*\d+\s*$")
_SEQUENCES = "01234567890", "09876543210"


@lru_cache(maxsize=65_536)
def phone(text: str, country: str = "") -> str:
    """E.164 (`+48123456789`) when the number can be a number of `country` (ISO 3166) or names its own; else its digits.

    Nothing for fewer than six digits, one digit repeated and 1234567. Extensions are dropped.
    """
    digits = re.sub(r"\D", "", _EXTENSION.sub("", anyascii(text[:60])))
    if len(digits) < 6 or len(digits) > 15 + 2 or _is_made_up(digits):
        return ""
    shown = "+" + digits.removeprefix("00") if text.strip().startswith(("+", "00")) else digits
    try:
        parsed = phonenumbers.parse(shown, country or None)
    except phonenumbers.NumberParseException:
        return digits
    if not phonenumbers.is_possible_number(parsed):
        return digits
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _is_made_up(digits: str) -> bool:
    return len(set(digits[-7:])) == 1 or any(digits in sequence for sequence in _SEQUENCES)


def email(text: str) -> str:
    """Lower case; nothing when it is no address. The value to show and compare; for keys see `mailbox`."""
    local, _, host = text.strip().lower()[:254].rpartition("@")
    if not local or "." not in host or host in SHARED_HOSTS or not known(local) or re.search(r"\s", local + host):
        return ""
    return f"{local}@{host}"


def mailbox(address: str) -> str:
    """The key of an e-mail address: no plus tag anywhere, no dots at Gmail."""
    local, _, host = address.rpartition("@")
    local = local.split("+")[0] or local
    return f"{local.replace('.', '')}@gmail.com" if host in _DOT_IGNORING else f"{local}@{host}"


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    """The list that the package carries: no download."""
    return PublicSuffixList()


@lru_cache(maxsize=65_536)
def domain(text: str) -> str:
    """The registrable domain of an address in the web or of a mail host (`https://www.shop.acme.co.uk/x` ->
    `acme.co.uk`); nothing for free mail and for sites where everybody has a page."""
    found = _HOST.match(text.strip().lower()[:254])
    host = found.group(1).rstrip(".") if found else ""
    if "." not in host or not re.search(r"[^\d.]", host):
        return ""
    registrable: str = _suffixes().privatesuffix(_ascii_host(host)) or ""
    return "" if registrable in FREE_MAIL or registrable in SHARED_HOSTS or host in FREE_MAIL else registrable


def _ascii_host(host: str) -> str:
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def mail_domain(address: str) -> str:
    """The domain of an e-mail address when it says something about who writes."""
    return domain(address.rpartition("@")[2]) if address else ""


def is_free_mail(address: str) -> bool:
    return address.rpartition("@")[2].lower() in FREE_MAIL
