from typing import Annotated, Any
from urllib.parse import parse_qsl
from uuid import UUID

import orjson
from fastapi import Request, Response, status
from pydantic import BaseModel

from chassis.access import Access, allow, public
from chassis.db import Reader, Session
from chassis.errors import FieldProblem, Invalid, MalformedJson, UnsupportedMediaType
from chassis.http import IfMatch, tagged
from chassis.http import router as house_router
from chassis.listing import Listing, Page, listing_of
from leads.commands.capture import submit_form
from leads.commands.forms import ChangeForm, change_form, create_form
from leads.queries.fields import PersonFields
from leads.queries.forms import (
    FORMS,
    SUBMISSIONS,
    FormFields,
    FormView,
    SubmissionView,
    form_by_id,
    list_forms,
    list_submissions,
)

router = house_router("leads")

MayRead = Annotated[Access, allow("form", "read")]
MayManage = Annotated[Access, allow("form", "manage")]
MayReadSubmissions = Annotated[Access, allow("submission", "read")]

LARGEST_SUBMISSION = 65_536
MOST_FIELDS = 100
URLENCODED = "application/x-www-form-urlencoded"
SUBMITTED = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": PersonFields.model_json_schema(ref_template="#/components/schemas/{model}")}
            for kind in ("application/json", URLENCODED)
        },
    }
}


class Submitted(BaseModel):
    """The request has been taken."""

    id: UUID


async def sent_fields(request: Request) -> dict[str, Any]:
    """JSON from scripts, or what a plain HTML form sends."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if kind == URLENCODED:
        return _from_form(body)
    if kind != "application/json":
        raise UnsupportedMediaType(f"Send {URLENCODED} or application/json.")
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedJson(str(error)) from error
    if not isinstance(found, dict):
        raise Invalid(errors=[FieldProblem("", "not_an_object", "Send one object with the fields.")])
    return found


def _from_form(body: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise Invalid(errors=[FieldProblem("", "form_invalid", "This is not an encoded form.")]) from error
    return dict(pairs)


@router.post(
    "/forms/{form_key}/submissions",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[public()],
    openapi_extra=SUBMITTED,
    max_body_size=LARGEST_SUBMISSION,
)
async def post_submission(form_key: str, request: Request, session: Session) -> Submitted:
    """Takes what a visitor of a web site typed, without sign-in; the answer never says what is known already."""
    return Submitted(id=await submit_form(session, request.app.state.runtime, form_key, await sent_fields(request)))


@router.get("/forms")
async def get_forms(access: MayRead, session: Reader, listing: Annotated[Listing, listing_of(FORMS)]) -> Page[FormView]:
    """The forms that make leads, with the key of each."""
    return await list_forms(session, listing)


@router.post("/forms", status_code=status.HTTP_201_CREATED)
async def post_form(access: MayManage, command: FormFields, response: Response, session: Session) -> FormView:
    """Makes a form; its key goes into the address that the web site sends to."""
    return tagged(response, FormView.model_validate(await create_form(session, command)))


@router.get("/forms/{form_id}")
async def get_form(access: MayRead, form_id: UUID, response: Response, session: Reader) -> FormView:
    """One form."""
    return tagged(response, FormView.model_validate(await form_by_id(session, form_id)))


@router.patch("/forms/{form_id}")
async def patch_form(
    access: MayManage, form_id: UUID, expected: IfMatch, command: ChangeForm, response: Response, session: Session
) -> FormView:
    """Changes a form; `is_active` false closes it."""
    return tagged(response, FormView.model_validate(await change_form(session, form_id, expected, command)))


@router.get("/submissions")
async def get_submissions(
    access: MayReadSubmissions,
    session: Reader,
    listing: Annotated[Listing, listing_of(SUBMISSIONS, default_sort="-received_at")],
) -> Page[SubmissionView]:
    """Everything that came through forms, also what was taken for spam or for a duplicate."""
    return await list_submissions(session, listing)
