from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Form, Query, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import ValidationError

from accounts.commands.errors import ImportFinished
from accounts.commands.imports.job import cancel_import
from accounts.commands.imports.start import MAX_FILE, StartImport, start_import
from accounts.models import Import
from accounts.queries import imports as queries
from accounts.queries.errors import ImportNotFound
from accounts.queries.views import ImportView
from accounts.queries.visibility import visible_imports
from chassis.access import Access, allow
from chassis.db import Reader, Session, get_for_update
from chassis.errors import FieldProblem, Invalid, TooLarge
from chassis.http import router
from chassis.listing import Listing, Page, listing_of
from chassis.problems import field_problem

routes: APIRouter = router("accounts")

MayRead = Annotated[Access, allow("import", "read")]
# The file itself and the form around it.
MAX_BODY = MAX_FILE + 1_048_576
Mapping = Annotated[str | None, Form(description='JSON: {"Column of the file": "field"}; guessed when left out.')]


@routes.post("/imports", status_code=202, tags=["imports"], max_body_size=MAX_BODY)
async def start(
    session: Session,
    access: Annotated[Access, allow("import", "create")],
    file: UploadFile,
    object: Annotated[str, Form(description="accounts or contacts")] = "accounts",
    mapping: Mapping = None,
    duplicates: Annotated[str, Form(description="rule or alert")] = "rule",
    on_invalid: Annotated[str, Form(description="leave_out or fail_row")] = "leave_out",
    dry_run: Annotated[bool, Form()] = False,
    country: Annotated[str | None, Form(description="ISO 3166 code for numbers and addresses without one")] = None,
    encoding: Annotated[str | None, Form()] = None,
    delimiter: Annotated[str | None, Form()] = None,
) -> ImportView:
    """Takes a CSV file in. It is read in the background; ask for the import again to see how far it is."""
    options = {"object": object, "duplicates": duplicates, "on_invalid": on_invalid, "dry_run": dry_run}
    given = {"country": country or None, "encoding": encoding or None, "delimiter": delimiter or None}
    command = _command({**options, **given, "mapping": _mapping(mapping)})
    content = await file.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise TooLarge(f"A file has at most {MAX_FILE // 1_048_576} MB.")
    started = await start_import(session, access.principal, command, file.filename or "import.csv", content)
    return ImportView.model_validate(started)


def _mapping(text: str | None) -> Any:
    if not text:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        problem = FieldProblem("/mapping", "malformed_json", "The mapping is no JSON object.")
        raise Invalid(errors=[problem]) from error


def _command(values: dict[str, Any]) -> StartImport:
    try:
        return StartImport.model_validate(values)
    except ValidationError as error:
        problems = [field_problem({**item, "loc": ("body", *item["loc"])}) for item in error.errors()]
        raise Invalid(errors=problems) from error


@routes.get("/imports", response_model=Page[ImportView], tags=["imports"])
async def list_imports(
    session: Reader, access: MayRead, listing: Annotated[Listing, listing_of(queries.IMPORTS)]
) -> Any:
    return (await queries.list_imports(session, access, listing)).as_response()


@routes.get("/imports/{import_id}", tags=["imports"])
async def read_import(import_id: UUID, session: Reader, access: MayRead) -> ImportView:
    return ImportView.model_validate(await queries.import_by_id(session, access, import_id))


@routes.get("/imports/{import_id}/rows", tags=["imports"])
async def list_rows(
    import_id: UUID,
    session: Reader,
    access: MayRead,
    outcome: Annotated[Literal["created", "duplicate", "failed"] | None, Query()] = None,
    after: Annotated[int, Query(ge=0, le=2**62, description="`next_after` of the page before.")] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> queries.RowPage:
    """Every row's outcome in the order of the file, with what was wrong and in which column."""
    found = await queries.import_by_id(session, access, import_id)
    return await queries.rows_of(session, found.id, outcome, after, limit)


@routes.get("/imports/{import_id}/errors.csv", response_class=StreamingResponse, tags=["imports"])
async def download_errors(import_id: UUID, session: Reader, access: MayRead) -> StreamingResponse:
    """The rows that were not created, with the reason: correct them and send the file again."""
    found = await queries.import_by_id(session, access, import_id)
    lines = [line async for line in queries.unfinished_rows_as_csv(session, found)]
    disposition = {"Content-Disposition": f'attachment; filename="import-{found.id}-errors.csv"'}
    return StreamingResponse(iter(lines), media_type="text/csv; charset=utf-8", headers=disposition)


@routes.post("/imports/{import_id}/cancellation", tags=["imports"])
async def cancel(import_id: UUID, session: Session, access: Annotated[Access, allow("import", "cancel")]) -> ImportView:
    """Rows that are in stay in; the others are not read."""
    found = await get_for_update(
        session,
        Import,
        import_id,
        None,
        ImportNotFound(),
        narrow=lambda statement: statement.where(visible_imports(access)),
    )
    if found.is_finished:
        raise ImportFinished()
    await cancel_import(session, found)
    return ImportView.model_validate(found)
