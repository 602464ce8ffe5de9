"""Text tables as spreadsheets really write them: which encoding, which delimiter, which rows."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "cp1250", "cp1252")
DELIMITERS = (",", ";", "\t", "|")
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_SAMPLE_ROWS = 50
_WIDEST_CELL = 1_000_000
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")

# Letters of the languages that are written in each Windows code page. Statistical detectors need more text than a
# column of names has: one of them took six of six short Polish, Italian and Spanish tables for the wrong page.
_LETTERS = {
    "cp1250": frozenset("ąćęłńóśźżĄĆĘŁŃÓŚŹŻáčďéěíňřšťúůýžÁČĎÉĚÍŇŘŠŤÚŮÝŽäöüßÄÖÜőűŐŰ–—„”’"),
    "cp1252": frozenset("àáâãäåæçèéêëìíîïñòóôõöøùúûüßÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜœŒ¿¡ºª–—“”’"),
}

csv.field_size_limit(_WIDEST_CELL)


class Unreadable(ValueError):
    """The file is no table of text; `code` is stable, the message is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Sheet:
    """A decoded table. Row numbers are those a spreadsheet shows: the header is row 1 unless blank lines precede it."""

    text: str
    encoding: str
    delimiter: str
    header: tuple[str, ...]
    total: int

    def rows(self, after: int = 0) -> Iterator[tuple[int, list[str]]]:
        """(number, cells) of every row below the header with a number above `after`; blank rows are skipped."""
        numbered = _numbered(self.text, self.delimiter)
        next(numbered)
        return ((number, cells) for number, cells in numbered if number > after)


def open_sheet(content: bytes, encoding: str | None = None, delimiter: str | None = None) -> Sheet:
    """Reads the whole file once, so that what cannot be read is refused before the first row is imported."""
    if content.startswith(_WORKBOOKS):
        raise Unreadable("import_not_csv", "This is a workbook. Save it as CSV and send that.")
    encoding = encoding or guess_encoding(content)
    text = _decode(content, encoding)
    text, declared = _declared_delimiter(text)
    delimiter = delimiter or declared or guess_delimiter(text)
    try:
        numbered = _numbered(text, delimiter)
        header = tuple(cell.strip() for cell in next(numbered, (0, []))[1])
        total = sum(1 for _ in numbered)
    except csv.Error as error:
        raise Unreadable("import_unreadable", f"The table cannot be read: {error}.") from None
    if not total:
        raise Unreadable("import_without_rows", "The file has no rows below its header.")
    return Sheet(text, encoding, delimiter, header, total)


def guess_encoding(content: bytes) -> str:
    for mark, name in _MARKS:
        if content.startswith(mark):
            return name
    if wide := _wide_encoding(content):
        return wide
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return max(("cp1252", "cp1250"), key=lambda page: _plausibility(content, page))
    return "utf-8"


def guess_delimiter(text: str) -> str:
    return max(DELIMITERS, key=lambda delimiter: _regularity(text, delimiter))


def safe_cell(cell: str) -> str:
    """A spreadsheet would run a cell that starts like a formula; a leading quote makes it text."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _wide_encoding(content: bytes) -> str | None:
    """UTF-16 without its mark: every other byte of latin text is zero. Lone zeros among text are something else."""
    sample = content[:4096]
    half = len(sample) // 2
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if half and odd > half * 0.6 and even < half * 0.1:
        return "utf-16-le"
    return "utf-16-be" if half and even > half * 0.6 and odd < half * 0.1 else None


def _plausibility(content: bytes, page: str) -> int:
    """Letters of the page's languages count for it; other signs that touch a letter count double against it."""
    text = content[:200_000].decode(page, errors="replace")
    letters = _LETTERS[page]
    score = 0
    for before, sign, after in zip(" " + text, text, text[1:] + " ", strict=False):
        if sign < "\x80":
            continue
        if sign in letters:
            score += 1
        elif sign.isalpha():
            score -= 1
        else:
            score -= 2 if before.isalpha() or after.isalpha() else 0
    return score


def _decode(content: bytes, encoding: str) -> str:
    """Bytes that the encoding does not know become U+FFFD; zero bytes, which no database text holds, vanish."""
    text = content.decode(encoding, errors="replace").removeprefix("\ufeff").replace("\x00", "")
    if not text.strip():
        raise Unreadable("import_empty", "The file is empty.")
    return text


def _declared_delimiter(text: str) -> tuple[str, str | None]:
    """Excel's own first line `sep=;`."""
    first, _, rest = text.partition("\n")
    first = first.strip().lower()
    if len(first) == 5 and first.startswith("sep=") and first[4] in DELIMITERS:
        return rest, first[4]
    return text, "\t" if first == "sep=" else None


def _regularity(text: str, delimiter: str) -> tuple[int, int]:
    """(rows as wide as the most common width if that is more than one column, that width)."""
    try:
        sample = [cells for _, cells in islice(_numbered(text, delimiter), _SAMPLE_ROWS)]
    except csv.Error:
        return (0, 0)
    width, count = Counter(map(len, sample)).most_common(1)[0] if sample else (1, 0)
    return (count, width) if width > 1 and len(sample[0]) > 1 else (0, 0)


def _numbered(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), start=1):
        if any(cell.strip() for cell in cells):
            yield number, cells
