"""From a table to the pairs worth comparing: keys by numpy, groups and joins by DuckDB."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt

from .families import MIX, PARTS, Family, Frequencies, digest
from .table import Column, Table

Numbers = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int32]
# A value that more records share says nothing about two of them: a call centre's phone, the word "center".
GENERIC_ABOVE = 200
_LADDER = (GENERIC_ABOVE, 100, 60, 40, 25, 15, 10, 7, 5, 3, 2)


@dataclass(frozen=True)
class Pairs:
    """`left` < `right`: numbers of records, each pair once. `families`: bit i is set when family i found it."""

    left: Rows
    right: Rows
    families: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.left)

    def of_family(self, number: int) -> "Pairs":
        mask = (self.families >> number) & 1 == 1
        return Pairs(self.left[mask], self.right[mask], self.families[mask])


@dataclass(frozen=True)
class Budget:
    """How many pairs a family may bring: at least `least`, and `per_record` for each record.

    A family that would bring more drops its largest groups first, so what is common is left out before what is rare.
    """

    least: int = 300_000
    per_record: float = 1.0

    def pairs(self, size: int) -> int:
        return max(self.least, int(self.per_record * size))


def word_frequencies(column: Column) -> Counter[str]:
    """In how many records each word of a name stands."""
    counted: Counter[str] = Counter()
    for text, count in zip(column.values, column.counts.tolist(), strict=True):
        for word in set(text.split()):
            counted[word] += count
    return counted


def candidate_pairs(
    table: Table,
    families: tuple[Family, ...],
    frequencies: Frequencies,
    budget: Budget | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Pairs:
    """All pairs that share a key of any family, within the budget; the same pairs in the same order each time."""
    allowed = (budget or Budget()).pairs(table.size)
    parts: dict[str, _Part] = {}
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute("create table found (family utinyint, one integer, other integer)")
        side = np.zeros(table.size, np.int8) if table.source is None else table.source
        for number, family in enumerate(families):
            rows, keys = _keys(table, family, parts, frequencies)
            if len(rows):
                _add_pairs(connection, number, (rows, keys, side[rows]), table.source is not None, allowed)
            if progress:
                progress("keys", (number + 1) / len(families))
        return _distinct(connection)


def _add_pairs(
    connection: duckdb.DuckDBPyConnection,
    number: int,
    found: tuple[Rows, Numbers, npt.NDArray[np.int8]],
    is_link: bool,
    allowed: int,
) -> None:
    rows, keys, sides = found
    fresh = {"row": rows, "key": keys, "side": sides}
    connection.register("fresh", fresh)
    connection.execute(
        """create or replace temp table grouped as
        select distinct key, row, side from fresh
        qualify count(*) over (partition by key) between 2 and ?""",
        [2 * GENERIC_ABOVE],
    )
    connection.unregister("fresh")
    cap = _cap(connection, allowed)
    order = "a.side < b.side" if is_link else "a.row < b.row"
    connection.execute(
        f"""insert into found
        with kept as (select * from grouped qualify count(*) over (partition by key) <= ?)
        select distinct ?, least(a.row, b.row), greatest(a.row, b.row)
        from kept a join kept b on a.key = b.key and {order}""",  # noqa: S608 - one of two constants
        [cap, number],
    )


def _cap(connection: duckdb.DuckDBPyConnection, allowed: int) -> int:
    """The largest group that still fits into the budget, from a ladder, so that small changes do not shift it."""
    sizes = connection.execute(
        "select members, count(*) from (select count(distinct row) members from grouped group by key) group by all"
    ).fetchall()
    for cap in _LADDER:
        if sum(groups * members * (members - 1) // 2 for members, groups in sizes if members <= cap) <= allowed:
            return cap
    return _LADDER[-1]


def _distinct(connection: duckdb.DuckDBPyConnection) -> Pairs:
    found = connection.execute(
        "select one, other, bit_or(1::bigint << family) families from found group by all order by one, other"
    ).fetchnumpy()
    return Pairs(
        np.asarray(found["one"], np.int32),
        np.asarray(found["other"], np.int32),
        np.asarray(found["families"], np.int64),
    )


@dataclass(frozen=True)
class _Part:
    """What each value of a column contributes: `digests[starts[code] : starts[code] + counts[code]]`."""

    codes: Rows
    starts: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    digests: Numbers


def _part(table: Table, name: str, parts: dict[str, _Part], frequencies: Frequencies) -> _Part:
    if name not in parts:
        part = PARTS[name]
        column = table[part.field]
        read = [part.read(text, frequencies) for text in column.values]
        counts = np.array([*map(len, read), 0], np.int64)
        digests = np.fromiter((digest(value) for values in read for value in values), np.uint64)
        parts[name] = _Part(column.codes, np.cumsum(counts) - counts, counts, digests)
    return parts[name]


def _keys(table: Table, family: Family, parts: dict[str, _Part], frequencies: Frequencies) -> tuple[Rows, Numbers]:
    """Every combination of one value of each part, for all records; see `families.keys_of` for the same of one."""
    rows = np.arange(table.size, dtype=np.int32)
    keys = np.full(table.size, digest(family.name), np.uint64)
    for name in family.parts:
        part = _part(table, name, parts, frequencies)
        codes = part.codes[rows]  # -1 takes the last entry, which contributes nothing
        counts = part.counts[codes]
        offsets = np.repeat(part.starts[codes] - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
        rows = np.repeat(rows, counts)
        keys = (np.repeat(keys, counts) * np.uint64(MIX)) ^ part.digests[offsets]
    return rows, keys


def keys_of_table(table: Table, family: Family, frequencies: Frequencies) -> tuple[Rows, Numbers]:
    """(row, key) of every key of one family, to be stored in an index or compared elsewhere; not distinct."""
    return _keys(table, family, {}, frequencies)


def chunks(pairs: Pairs, size: int = 1_000_000) -> Iterator[slice]:
    """Slices of at most `size` pairs: what is scored at a time."""
    for start in range(0, len(pairs), size):
        yield slice(start, start + size)
