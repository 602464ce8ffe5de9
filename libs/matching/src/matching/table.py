"""Many records as dictionary-coded columns: what is equal has one code, so comparing costs one integer."""

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from .canonical import FIELDS, Canonical

Ints = npt.NDArray[np.int32]
UNKNOWN = -1


@dataclass
class Column:
    """`codes`: one per record, -1 where unknown. `values`: the text of each code, no two alike."""

    codes: Ints
    values: list[str]

    @cached_property
    def texts(self) -> npt.NDArray[np.object_]:
        """The values as an array, to be taken by many codes at once."""
        return np.array([*self.values, None], dtype=object)[:-1]

    @cached_property
    def counts(self) -> npt.NDArray[np.int64]:
        """How many records have each value."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.values))

    def derived(self, rule: Callable[[str], str]) -> "Column":
        """A column of `rule(value)`; an empty result is unknown."""
        index: dict[str, int] = {}
        mapped = [index.setdefault(text, len(index)) if (text := rule(value)) else UNKNOWN for value in self.values]
        return Column(np.array([*mapped, UNKNOWN], np.int32)[self.codes], list(index))


@dataclass
class Table:
    """Columns of canonical records, numbered 0 to `size` - 1 in the order given.

    `source` is set when records of two lists are to be linked, none of which has duplicates inside: 0 or 1 per record.
    """

    columns: dict[str, Column]
    size: int
    source: npt.NDArray[np.int8] | None = None
    _derived: dict[str, Column] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Iterable[Canonical], source: Iterable[int] | None = None) -> "Table":
        """Streams the records: memory holds four bytes per value and each distinct text once."""
        codes = [array("i") for _ in FIELDS]
        indexes: list[dict[str, int]] = [{} for _ in FIELDS]
        for record in records:
            for value, column, index in zip(record, codes, indexes, strict=True):
                column.append(index.setdefault(value, len(index)) if value else UNKNOWN)
        columns = {
            name: Column(np.frombuffer(column, np.int32) if column else np.empty(0, np.int32), list(index))
            for name, column, index in zip(FIELDS, codes, indexes, strict=True)
        }
        sides = None if source is None else np.fromiter(source, np.int8)
        return cls(columns, len(codes[0]), sides)

    @classmethod
    def of_few(cls, records: Sequence[Canonical]) -> "Table":
        """The same from some hundred records, column by column, in a tenth of a millisecond."""
        if not records:
            return cls.of(())
        columns = zip(FIELDS, zip(*records, strict=True), strict=True)
        return cls({name: _coded(values) for name, values in columns}, len(records))

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def derived(self, name: str, field_name: str, rule: Callable[[str], str]) -> Column:
        """A column made of another one, kept for the next question."""
        if name not in self._derived:
            self._derived[name] = self.columns[field_name].derived(rule)
        return self._derived[name]

    def record(self, at: int) -> Canonical:
        return Canonical(*(self._value(name, at) for name in FIELDS))

    def _value(self, name: str, at: int) -> str:
        column = self.columns[name]
        code = column.codes[at]
        return column.values[code] if code >= 0 else ""

    def joined(self, name: str, parts: tuple[str, ...]) -> Column:
        """Several columns as one value; unknown where one of them is."""
        if name not in self._derived:
            code = np.zeros(self.size, np.int64)
            unknown = np.zeros(self.size, bool)
            for part in parts:
                codes = self.columns[part].codes
                code = code * (len(self.columns[part].values) + 1) + codes
                unknown |= codes < 0
            found, first, back = np.unique(np.where(unknown, -1, code), return_index=True, return_inverse=True)
            skipped = int(len(found) > 0 and found[0] == -1)
            values = ["|".join(self._value(part, at) for part in parts) for at in first[skipped:].tolist()]
            self._derived[name] = Column((back - skipped).astype(np.int32), values)
        return self._derived[name]

    @property
    def possible_pairs(self) -> int:
        if self.source is None:
            return self.size * (self.size - 1) // 2
        right = int(self.source.sum())
        return right * (self.size - right)


def _coded(values: tuple[str, ...]) -> Column:
    index: dict[str, int] = {}
    codes = [index.setdefault(value, len(index)) if value else UNKNOWN for value in values]
    return Column(np.array(codes, np.int32), list(index))


def table_of_raw(
    rows: Iterable[Mapping[str, str | None]],
    canonical: Callable[[Mapping[str, str | None]], Canonical],
    source: Iterable[int] | None = None,
) -> Table:
    """Rows as a system stores them, made canonical on the way in; never more than one row is held."""
    return Table.of(map(canonical, rows), source)
