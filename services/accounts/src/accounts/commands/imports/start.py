"""Taking a file in: everything that can be said against it is said before the first row is read."""

import asyncio
from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from accounts.commands.imports import lease
from accounts.domain.columns import FIELDS, guess_mapping
from accounts.domain.spreadsheet import Sheet, Unreadable, open_sheet
from accounts.models import Import, ImportFile
from chassis import context
from chassis.auth import Principal
from chassis.errors import FieldProblem, Invalid

MAX_FILE = 20 * 1_048_576
NAME_FIELDS = {"accounts": ("name", "last_name", "legal_name"), "contacts": ("last_name", "full_name")}


class FileRefused(Invalid):
    """The file is no table, or a table without what a record needs; `errors` say what."""

    code: ClassVar[str] = "import_refused"
    title: ClassVar[str] = "This file cannot be imported"


class StartImport(BaseModel):
    model_config = ConfigDict(extra="forbid")

    object: Literal["accounts", "contacts"]
    mapping: dict[str, str] | None = Field(
        None, description="Column of the file -> field; unnamed columns are left out."
    )
    duplicates: Literal["rule", "alert"] = Field(
        "rule", description="rule: as the duplicate rules say. alert: never refuse."
    )
    on_invalid: Literal["leave_out", "fail_row"] = Field(
        "leave_out", description="What to do with a value that its optional field does not take."
    )
    dry_run: bool = False
    country: str | None = Field(
        None, pattern="^[A-Z]{2}$", description="Country of numbers and addresses that name none."
    )
    encoding: Literal["utf-8", "utf-16-le", "utf-16-be", "cp1250", "cp1252"] | None = None
    delimiter: Literal[",", ";", "\t", "|"] | None = None


async def start_import(
    session: AsyncSession, principal: Principal, command: StartImport, filename: str, content: bytes
) -> Import:
    sheet = await asyncio.to_thread(_open, content, command)
    mapping = settled_mapping(command, sheet)
    started = Import(
        object=command.object,
        filename=filename[:255],
        encoding=sheet.encoding,
        delimiter=sheet.delimiter,
        header=list(sheet.header),
        mapping=mapping,
        duplicates=command.duplicates,
        on_invalid=command.on_invalid,
        country=command.country,
        is_dry_run=command.dry_run,
        total=sheet.total,
        owner_id=principal.id,
        owner_roles=sorted(principal.roles),
        correlation_id=context.current_correlation_id(),
    )
    session.add(started)
    await session.flush()
    session.add(ImportFile(import_id=started.id, content=content))
    await lease.open_for(session, started.id)
    return started


def _open(content: bytes, command: StartImport) -> Sheet:
    try:
        return open_sheet(content, command.encoding, command.delimiter)
    except Unreadable as error:
        raise FileRefused(str(error), errors=[FieldProblem("/file", error.code, str(error))]) from None


def settled_mapping(command: StartImport, sheet: Sheet) -> dict[str, str]:
    """The caller's mapping when it makes sense for this header, else our guess. Raises FileRefused."""
    mapping = command.mapping if command.mapping is not None else guess_mapping(command.object, sheet.header)
    problems = [*_unknown(command.object, mapping, sheet), *_doubled(mapping), *_nameless(command.object, mapping)]
    if problems:
        raise FileRefused("The columns do not fit.", errors=problems, header=list(sheet.header), mapping=mapping)
    return mapping


def _unknown(kind: str, mapping: Mapping[str, str], sheet: Sheet) -> list[FieldProblem]:
    columns = [
        FieldProblem(f"/mapping/{column}", "unknown_column", "The file has no such column.")
        for column in mapping
        if column not in sheet.header
    ]
    fields = [
        FieldProblem(f"/mapping/{column}", "unknown_field", f"There is no field {field!r}.")
        for column, field in mapping.items()
        if field not in FIELDS[kind]
    ]
    return columns + fields


def _doubled(mapping: Mapping[str, str]) -> list[FieldProblem]:
    fields = list(mapping.values())
    return [
        FieldProblem(f"/mapping/{column}", "field_mapped_twice", f"Another column is mapped to {field!r} as well.")
        for index, (column, field) in enumerate(mapping.items())
        if field in fields[:index]
    ]


def _nameless(kind: str, mapping: Mapping[str, str]) -> list[FieldProblem]:
    if any(field in mapping.values() for field in NAME_FIELDS[kind]):
        return []
    return [FieldProblem("/mapping", "name_not_mapped", f"No column is mapped to {NAME_FIELDS[kind][0]!r}.")]
