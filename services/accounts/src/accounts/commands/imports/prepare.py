"""From cells to records that can be stored, or to the reasons why not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from accounts.domain.rows import Columns, Problem, drop, problem_at, shaped
from accounts.models import Account, Contact, Import
from accounts.models.coding import TaxNumberInvalid
from accounts.models.fields import AccountFields, ContactFields
from chassis.pacing import Pace
from chassis.problems import field_problem

LINKS = ("account_name", "account_tax_number")
NEEDED = {"accounts": ("name",), "contacts": ("last_name",)}


@dataclass
class Prepared:
    """One row on its way: `record` is None when the row cannot become one."""

    number: int
    cells: list[str]
    record: Account | Contact | None = None
    problems: list[Problem] = field(default_factory=list)
    link: dict[str, str] = field(default_factory=dict)


async def prepare_rows(job: Import, rows: Sequence[tuple[int, list[str]]]) -> list[Prepared]:
    columns = Columns(job.header, job.mapping)
    prepared, pace = [], Pace()
    for number, cells in rows:
        prepared.append(_prepare(job, columns, number, cells))
        await pace.breathe()
    return prepared


def _prepare(job: Import, columns: Columns, number: int, cells: list[str]) -> Prepared:
    row = Prepared(number, cells)
    surplus = columns.surplus(cells)
    if surplus:
        row.problems.append(surplus)
        return row
    form = shaped(job.object, columns.read(cells, job.country), job.country)
    row.link = {name: str(form.pop(name)) for name in LINKS if name in form}
    values = _validated(job, columns, form, row.problems)
    if values is not None:
        row.record = _record(job, columns, number, values, row.problems)
    return row


def _validated(job: Import, columns: Columns, form: dict[str, Any], problems: list[Problem]) -> dict[str, Any] | None:
    """The form's values. What an optional field does not take is left out and told, unless the import is strict."""
    model = AccountFields if job.object == "accounts" else ContactFields
    for _ in range(3):
        try:
            return model.model_validate(form).model_dump(exclude_unset=True)
        except ValidationError as error:
            found = [_problem(columns, item) for item in error.errors()]
        problems += found
        if job.on_invalid == "fail_row" or not _all_dropped(job.object, form, found):
            return None
    return None


def _problem(columns: Columns, item: Any) -> Problem:
    told = field_problem({**item, "loc": ("body", *item["loc"])})
    path = tuple(str(part) for part in item["loc"])
    return problem_at(columns, path, told.code, told.detail, item.get("input") if item["type"] != "missing" else None)


def _all_dropped(kind: str, form: dict[str, Any], found: Sequence[Problem]) -> bool:
    paths = [tuple(problem.pointer.strip("/").split("/")) for problem in found]
    return all(path[0] not in NEEDED[kind] and drop(form, path) is not None for path in paths)


def _record(
    job: Import, columns: Columns, number: int, values: dict[str, Any], problems: list[Problem]
) -> Account | Contact | None:
    record: Account | Contact = Account() if job.object == "accounts" else Contact()
    record.id = job.record_id(number)
    record.owner_id = record.created_by = record.updated_by = job.owner_id
    try:
        record.fill(values)
    except TaxNumberInvalid as error:
        [wrong] = error.errors
        problems.append(problem_at(columns, ("tax_number",), wrong.code, wrong.detail, values.pop("tax_number")))
        if job.on_invalid == "fail_row":
            return None
        record.fill(values)
    return record
