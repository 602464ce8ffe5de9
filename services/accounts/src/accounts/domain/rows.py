"""One row of a stranger's table as the nested values of our form, by the import's mapping."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from accounts.domain.cells import full_name, read_cell
from accounts.domain.columns import pointer_of
from accounts.domain.verification import BUSINESS, PERSON

HOME = {"accounts": "billing", "contacts": "mailing"}
_PERSON_WORDS = frozenset(
    {"person", "persona", "persona fisica", "osoba", "osoba fizyczna", "private", "privato", "individual"}
)


class Problem(NamedTuple):
    """What is wrong with a row, and in which column of the user's own table."""

    pointer: str
    column: str | None
    code: str
    detail: str
    value: str | None = None


class Columns:
    """The mapping of one import, resolved against its header."""

    def __init__(self, header: Sequence[str], mapping: Mapping[str, str]) -> None:
        self.width = len(header)
        self._fields = {index: mapping[column] for index, column in enumerate(header) if column in mapping}
        self._names = {mapping[column]: column for column in header if column in mapping}

    def column_of(self, field: str) -> str | None:
        return self._names.get(field)

    def read(self, cells: Sequence[str], country: str | None) -> dict[str, Any]:
        """{field: value} of the cells that are not blank; columns that a short row lacks are blank."""
        found: dict[str, Any] = {}
        for index, field in self._fields.items():
            value = read_cell(field, cells[index], country) if index < len(cells) else None
            if value is not None:
                found[field] = value
        return found

    def surplus(self, cells: Sequence[str]) -> Problem | None:
        """Text beyond the last column: a stray delimiter has shifted everything after it, so nothing can be trusted."""
        extra = [cell for cell in cells[self.width :] if cell.strip()]
        if not extra:
            return None
        return Problem(
            "", None, "row_too_long", f"The row has {len(cells)} cells, the header {self.width}.", extra[0][:200]
        )


def shaped(kind: str, found: Mapping[str, Any], country: str | None) -> dict[str, Any]:
    """The flat fields as the nested form of an account or a contact, with what follows from them filled in."""
    values = dict(found)
    if "full_name" in values:
        first, last = full_name(values.pop("full_name"))
        values.setdefault("last_name", last)
        values.setdefault("first_name", first)
    if kind == "accounts":
        values["kind"] = _kind(values)
    home = f"{HOME[kind]}.country"
    if country and home not in values and (values.keys() & {"phone", "mobile"} or _has_address(values, HOME[kind])):
        values[home] = country
    if country and "tax_number" in values and home not in values:
        values.setdefault("tax_country", country)
    values.setdefault("source", "import")
    return _nested(values)


def _kind(values: Mapping[str, Any]) -> str:
    stated = str(values.get("kind") or "").lower()
    if stated in _PERSON_WORDS:
        return PERSON
    return PERSON if "name" not in values and "last_name" in values else BUSINESS


def _has_address(values: Mapping[str, Any], prefix: str) -> bool:
    return any(field.startswith(f"{prefix}.") for field in values)


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    form: dict[str, Any] = {}
    for field, value in values.items():
        head, _, part = field.partition(".")
        if part:
            form.setdefault(head, {})[part] = value
        else:
            form[head] = value
    return form


def drop(form: dict[str, Any], path: Sequence[str]) -> Any:
    """Takes the value at the path out of the form; None when there is none."""
    at: Any = form
    for part in path[:-1]:
        at = at.get(part) if isinstance(at, dict) else None
    return at.pop(path[-1], None) if isinstance(at, dict) and path else None


def problem_at(columns: Columns, path: Sequence[str], code: str, detail: str, value: object = None) -> Problem:
    field = ".".join(path)
    shown = None if value is None else str(value)[:200]
    return Problem(pointer_of(field) if field else "", columns.column_of(field), code, detail, shown)
