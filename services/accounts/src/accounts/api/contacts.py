from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from accounts.api.accounts import Deleted, runtime_of
from accounts.commands import contacts as commands
from accounts.commands.claims import Found
from accounts.models import Contact
from accounts.queries import accounts as queries
from accounts.queries.catalogue import CONTACTS
from accounts.queries.views import ContactView, WrittenContactView
from chassis.access import Access, allow
from chassis.changes import FieldChanges, WantedChanges, changes_of
from chassis.db import Reader, Session
from chassis.http import IfMatch, router, tagged
from chassis.listing import Listing, Page, listing_of

routes: APIRouter = router("accounts")

MayRead = Annotated[Access, allow("contact", "read")]
PRIVATE = "Without an account only you and administrators see this contact."


def _written(contact: Contact, found: Found) -> WrittenContactView:
    view = WrittenContactView.model_validate(contact)
    view.duplicate_candidates, view.hidden_matches = list(found.candidates), found.hidden_matches
    view.warnings = [PRIVATE] if contact.is_private else []
    return view


@routes.post("/contacts", status_code=201, tags=["contacts"])
async def create_contact(
    command: commands.CreateContact,
    request: Request,
    response: Response,
    session: Session,
    access: Annotated[Access, allow("contact", "create")],
) -> WrittenContactView:
    contact, found = await commands.create_contact(runtime_of(request), session, access, command)
    response.headers["Location"] = f"/api/accounts/v1/contacts/{contact.id}"
    return tagged(response, _written(contact, found))


@routes.get("/contacts", response_model=Page[ContactView], tags=["contacts"])
async def list_contacts(
    session: Reader,
    access: MayRead,
    listing: Annotated[Listing, listing_of(CONTACTS)],
    deleted: Deleted = False,
) -> Any:
    return (await queries.list_contacts(session, access, listing, deleted=deleted)).as_response()


@routes.get("/contacts/{contact_id}", tags=["contacts"])
async def read_contact(contact_id: UUID, response: Response, session: Reader, access: MayRead) -> ContactView:
    contact = await queries.contact_by_id(session, access, contact_id)
    return tagged(response, ContactView.model_validate(contact))


@routes.get("/contacts/{contact_id}/changes", tags=["contacts"])
async def read_contact_changes(
    contact_id: UUID, session: Reader, access: MayRead, wanted: WantedChanges
) -> FieldChanges:
    """Who changed which field, from what to what; the newest first."""
    contact = await queries.contact_by_id(session, access, contact_id)
    return await changes_of(session, "contact", contact.id, contact.created_at, wanted)


@routes.patch("/contacts/{contact_id}", tags=["contacts"])
async def edit_contact(
    contact_id: UUID,
    command: commands.EditContact,
    request: Request,
    response: Response,
    session: Session,
    access: Annotated[Access, allow("contact", "update")],
    expected: IfMatch,
) -> WrittenContactView:
    contact, found = await commands.edit_contact(runtime_of(request), session, access, contact_id, expected, command)
    return tagged(response, _written(contact, found))


@routes.delete("/contacts/{contact_id}", status_code=204, tags=["contacts"])
async def delete_contact(
    contact_id: UUID, session: Session, access: Annotated[Access, allow("contact", "delete")]
) -> None:
    await commands.delete_contact(session, access, contact_id)


@routes.post("/contacts/{contact_id}/restoration", tags=["contacts"])
async def restore_contact(
    contact_id: UUID,
    request: Request,
    response: Response,
    session: Session,
    access: Annotated[Access, allow("contact", "restore")],
) -> ContactView:
    contact = await commands.restore_contact(runtime_of(request), session, access, contact_id)
    return tagged(response, ContactView.model_validate(contact))


@routes.post("/contacts/{contact_id}/owner", tags=["contacts"])
async def assign_contact(
    contact_id: UUID,
    command: commands.AssignContact,
    response: Response,
    session: Session,
    access: Annotated[Access, allow("contact", "assign")],
) -> ContactView:
    contact = await commands.assign_contact(session, access, contact_id, command)
    return tagged(response, ContactView.model_validate(contact))
