"""What people type into cells, turned into what our fields expect. What cannot be understood is handed on unchanged."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

import pycountry
from anyascii import anyascii

_BLANKS = frozenset(
    {"", "-", "--", "---", "n/a", "na", "n.a.", "null", "none", "nil", "brak", "nd", "n.d.", "s/d", "?"}
)
_YES = frozenset(["yes", "y", "true", "1", "x", "si", "s", "tak", "t", "vero", "verdadero", "prawda"])
_NO = frozenset(["no", "n", "false", "0", "nie", "falso", "falsz"])
_DATE = re.compile(r"^(\d{1,4})[./\s-](\d{1,2})[./\s-](\d{1,4})(?:[ T].*)?$")
_NUMBER = re.compile(r"-?\d[\d\s.,'\u00a0\u202f]*")
_ESCAPED = re.compile(r"^'(?=[=+@\t\r-])")
_MONTH_FIRST = frozenset({"US", "PH", "FM", "PW"})

# English names come from pycountry; these are the other languages of the header synonyms.
_COUNTRIES = {
    name: code
    for code, names in {
        "IT": "italia, wlochy",
        "PL": "polska, polonia",
        "ES": "espana, spagna, hiszpania",
        "DE": "germania, niemcy, alemania, deutschland",
        "FR": "francia, francja",
        "AT": "austria",
        "CH": "svizzera, szwajcaria, suiza, schweiz",
        "GB": "regno unito, uk, wielka brytania, reino unido, england, inghilterra, anglia, inglaterra",
        "US": "stati uniti, usa, u.s.a., stany zjednoczone, estados unidos",
        "PT": "portogallo, portugalia",
        "CZ": "czechy, cechia",
        "SK": "slowacja",
        "UA": "ucraina, ukraina",
        "NL": "holandia, paesi bassi, paises bajos",
        "BE": "belgio, belgia, belgica",
        "IE": "irlandia",
    }.items()
    for name in names.split(", ")
}


def cleaned(cell: str) -> str | None:
    """One line; the ways of writing "nothing" are nothing. Undoes the quote that our exports put before a formula."""
    text = " ".join(_ESCAPED.sub("", cell.strip()).split())
    return None if text.lower() in _BLANKS else text


def cleaned_lines(cell: str) -> str | None:
    """The same for text that may have several lines."""
    lines = [" ".join(line.split()) for line in _ESCAPED.sub("", cell.strip()).splitlines()]
    text = "\n".join(line for line in lines if line)
    return None if text.lower() in _BLANKS else text


def country_code(text: str) -> str:
    folded = anyascii(text).strip().lower()
    if folded in _COUNTRIES:
        return _COUNTRIES[folded]
    try:
        return str(pycountry.countries.lookup(text.strip()).alpha_2)
    except LookupError:
        return text


def yes_or_no(text: str) -> str | bool:
    folded = anyascii(text).strip().lower()
    return folded in _YES if folded in _YES | _NO else text


def iso_date(text: str, country: str | None = None) -> str:
    """Year first, or day first except where months come first and where only the other order makes a date."""
    match = _DATE.match(text.strip())
    if match is None:
        return text
    first, second, third = match.groups()
    if len(first) == 4:
        return _iso(int(first), int(second), int(third)) or text
    year = _full_year(third)
    day, month = int(first), int(second)
    if country in _MONTH_FIRST:
        day, month = month, day
    return _iso(year, month, day) or _iso(year, day, month) or text


def _full_year(text: str) -> int:
    """Two digits mean the past: nobody was born and nothing was founded in the future."""
    year = int(text)
    if len(text) > 2:
        return year
    today = datetime.now(UTC).year
    this_century = today // 100 * 100 + year
    return this_century if this_century <= today else this_century - 100


def _iso(year: int, month: int, day: int) -> str | None:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def plain_number(text: str) -> str:
    """`1.234,50 €`, `1,234.50` and `1 234.5` as a plain decimal; three digits after a separator are thousands."""
    match = _NUMBER.search(text)
    if match is None:
        return text
    number = re.sub(r"[\s'\u00a0\u202f]", "", match.group()).rstrip(".,")
    whole, point, fraction = _split_fraction(number)
    plain = re.sub(r"[.,]", "", whole) + (f".{fraction}" if point else "")
    try:
        return str(Decimal(plain))
    except InvalidOperation:
        return text


def whole_number(text: str) -> int | str:
    plain = plain_number(text)
    try:
        return int(Decimal(plain)) if Decimal(plain) == int(Decimal(plain)) else text
    except (InvalidOperation, ValueError, OverflowError):
        return text


def _split_fraction(number: str) -> tuple[str, str, str]:
    cut = max(number.rfind("."), number.rfind(","))
    decimals = len(number) - cut - 1
    if cut < 0 or decimals == 3 or number.count(number[cut]) > 1:
        return number, "", ""
    return number[:cut], ".", number[cut + 1 :]


def full_name(text: str) -> tuple[str | None, str]:
    """(first, last) of `Anna Maria Rossi` or `Rossi, Anna Maria`."""
    if "," in text:
        last, _, first = text.partition(",")
        return first.strip() or None, last.strip() or first.strip()
    first, _, last = text.rpartition(" ")
    return first.strip() or None, last.strip()


READERS: dict[str, Callable[[str], object]] = {
    "employees": whole_number,
    "do_not_call": yes_or_no,
    "email_opt_out": yes_or_no,
    "tax_country": country_code,
    "billing.country": country_code,
    "shipping.country": country_code,
    "mailing.country": country_code,
}
LINES = frozenset({"description"})


def read_cell(field: str, cell: str, country: str | None) -> object:
    """The cell's value for this field, or None when the cell is blank."""
    text = cleaned_lines(cell) if field in LINES else cleaned(cell)
    if text is None:
        return None
    if field == "birthday":
        return iso_date(text, country)
    return READERS[field](text) if field in READERS else text
