import csv
import io
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from accounts.domain.spreadsheet import safe_cell
from accounts.models import Import, ImportRow
from accounts.models.imports import FINISHED, UNFINISHED
from accounts.queries.errors import ImportNotFound
from accounts.queries.views import ImportRowView, ImportView, plain
from accounts.queries.visibility import visible_imports
from chassis import fields
from chassis.access import Access
from chassis.fields import FieldModel, ObjectCatalogue
from chassis.listing import Listing, Page, paginate

ROWS_AT_ONCE = 500


class ImportFields(FieldModel):
    """What lists of imports are filtered by."""

    object: Annotated[str, fields.picklist("Object", help="What the rows are.", options=("accounts", "contacts"))]
    status: Annotated[str, fields.picklist("Status", help="How far it is.", options=(*UNFINISHED, *FINISHED))]
    filename: Annotated[str, fields.text("File", help="Name of the file as it was sent.")]
    owner_id: Annotated[UUID, fields.reference("Owner", help="Who sent it.", to="identity.user")]


IMPORTS = ObjectCatalogue(
    name="import",
    label="Import",
    plural="Imports",
    help="A table of records that was sent in, and what became of each row.",
    model=ImportFields,
    view=ImportView,
    columns=Import,
)


class RowPage(BaseModel):
    items: list[ImportRowView]
    next_after: int | None = None


async def import_by_id(session: AsyncSession, access: Access, import_id: UUID) -> Import:
    statement = select(Import).where(Import.id == import_id, visible_imports(access))
    found = (await session.scalars(statement)).one_or_none()
    if found is None:
        raise ImportNotFound()
    return found


async def list_imports(session: AsyncSession, access: Access, listing: Listing) -> Page[Any]:
    statement = select(Import).where(visible_imports(access))
    return (await paginate(session, statement, Import, listing)).map(lambda row: plain(ImportView, row))


async def rows_of(session: AsyncSession, import_id: UUID, outcome: str | None, after: int, limit: int) -> RowPage:
    statement = select(ImportRow).where(ImportRow.import_id == import_id, ImportRow.number > after)
    if outcome is not None:
        statement = statement.where(ImportRow.outcome == outcome)
    rows = list(await session.scalars(statement.order_by(ImportRow.number).limit(limit + 1)))
    shown = [ImportRowView.model_validate(row) for row in rows[:limit]]
    return RowPage(items=shown, next_after=shown[-1].number if len(rows) > limit else None)


async def unfinished_rows_as_csv(session: AsyncSession, found: Import) -> AsyncIterator[bytes]:
    """The rows that were not created, in the user's own columns, and why: to be corrected and sent again."""
    yield "\ufeff".encode() + _line([*found.header, "Row", "Outcome", "Reason"], found.delimiter)
    after = 0
    while True:
        statement = (
            select(ImportRow)
            .where(ImportRow.import_id == found.id, ImportRow.number > after, ImportRow.outcome != "created")
            .order_by(ImportRow.number)
            .limit(ROWS_AT_ONCE)
        )
        rows = list(await session.scalars(statement))
        for row in rows:
            yield _line(_with_reason(found, row), found.delimiter)
        if len(rows) < ROWS_AT_ONCE:
            return
        after = rows[-1].number


def _with_reason(found: Import, row: ImportRow) -> list[str]:
    cells = [*(row.cells or []), *[""] * len(found.header)][: max(len(found.header), len(row.cells or []))]
    reasons = "; ".join(
        f"{problem['column'] or problem['pointer']}: {problem['detail']}".lstrip(": ") for problem in row.problems
    )
    return [*cells, str(row.number), row.outcome, reasons]


def _line(cells: list[str], delimiter: str) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerow([safe_cell(cell) for cell in cells])
    return buffer.getvalue().encode()
