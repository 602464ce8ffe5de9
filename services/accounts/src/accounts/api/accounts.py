from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from accounts.commands import accounts as commands
from accounts.commands.claims import Found
from accounts.commands.verification import DecideVerification, decide_verification
from accounts.models import Account
from accounts.queries import accounts as queries
from accounts.queries.catalogue import ACCOUNTS, CONTACTS
from accounts.queries.views import AccountView, ContactView, TreeView, WrittenAccountView
from chassis.access import Access, allow
from chassis.changes import FieldChanges, WantedChanges, changes_of
from chassis.db import Reader, Session
from chassis.http import IfMatch, router, tagged
from chassis.listing import Listing, Page, listing_of
from chassis.service import Runtime

routes: APIRouter = router("accounts")

MayRead = Annotated[Access, allow("account", "read")]
MayUpdate = Annotated[Access, allow("account", "update")]
Deleted = Annotated[bool, Query(description="The bin instead of the living ones.")]


def runtime_of(request: Request) -> Runtime:
    found: Runtime = request.app.state.runtime
    return found


def _written(account: Account, found: Found) -> WrittenAccountView:
    view = WrittenAccountView.model_validate(account)
    view.duplicate_candidates, view.hidden_matches = list(found.candidates), found.hidden_matches
    return view


@routes.post("/accounts", status_code=201, tags=["accounts"])
async def create_account(
    command: commands.CreateAccount,
    request: Request,
    response: Response,
    session: Session,
    access: Annotated[Access, allow("account", "create")],
) -> WrittenAccountView:
    account, found = await commands.create_account(runtime_of(request), session, access, command)
    response.headers["Location"] = f"/api/accounts/v1/accounts/{account.id}"
    return tagged(response, _written(account, found))


@routes.get("/accounts", response_model=Page[AccountView], tags=["accounts"])
async def list_accounts(
    session: Reader,
    access: MayRead,
    listing: Annotated[Listing, listing_of(ACCOUNTS)],
    deleted: Deleted = False,
) -> Any:
    return (await queries.list_accounts(session, access, listing, deleted=deleted)).as_response()


@routes.get("/accounts/{account_id}", tags=["accounts"])
async def read_account(account_id: UUID, response: Response, session: Reader, access: MayRead) -> AccountView:
    account = await queries.account_by_id(session, access, account_id)
    return tagged(response, AccountView.model_validate(account))


@routes.get("/accounts/{account_id}/changes", tags=["accounts"])
async def read_account_changes(
    account_id: UUID, session: Reader, access: MayRead, wanted: WantedChanges
) -> FieldChanges:
    """Who changed which field, from what to what; the newest first."""
    account = await queries.account_by_id(session, access, account_id)
    return await changes_of(session, "account", account.id, account.created_at, wanted)


@routes.patch("/accounts/{account_id}", tags=["accounts"])
async def edit_account(
    account_id: UUID,
    command: commands.EditAccount,
    request: Request,
    response: Response,
    session: Session,
    access: MayUpdate,
    expected: IfMatch,
) -> WrittenAccountView:
    account, found = await commands.edit_account(runtime_of(request), session, access, account_id, expected, command)
    return tagged(response, _written(account, found))


@routes.delete("/accounts/{account_id}", status_code=204, tags=["accounts"])
async def delete_account(
    account_id: UUID, session: Session, access: Annotated[Access, allow("account", "delete")]
) -> None:
    await commands.delete_account(session, access, account_id)


@routes.post("/accounts/{account_id}/restoration", tags=["accounts"])
async def restore_account(
    account_id: UUID,
    request: Request,
    response: Response,
    session: Session,
    access: Annotated[Access, allow("account", "restore")],
) -> AccountView:
    account = await commands.restore_account(runtime_of(request), session, access, account_id)
    return tagged(response, AccountView.model_validate(account))


@routes.post("/accounts/{account_id}/owner", tags=["accounts"])
async def assign_account(
    account_id: UUID,
    command: commands.AssignAccount,
    response: Response,
    session: Session,
    access: Annotated[Access, allow("account", "assign")],
) -> AccountView:
    account = await commands.assign_account(session, access, account_id, command)
    return tagged(response, AccountView.model_validate(account))


@routes.post("/accounts/{account_id}/verification", tags=["verification"])
async def verify_account(
    account_id: UUID,
    command: DecideVerification,
    request: Request,
    response: Response,
    session: Session,
    access: Annotated[Access, allow("account", "verify")],
) -> AccountView:
    account = await decide_verification(runtime_of(request), session, access, account_id, command)
    return tagged(response, AccountView.model_validate(account))


@routes.get("/accounts/{account_id}/hierarchy", tags=["accounts"])
async def read_hierarchy(account_id: UUID, session: Reader, access: MayRead) -> TreeView:
    """The whole group that the account belongs to, top first."""
    return await queries.tree_around(session, access, account_id)


@routes.get("/accounts/{account_id}/contacts", response_model=Page[ContactView], tags=["contacts"])
async def list_contacts_of_account(
    account_id: UUID,
    session: Reader,
    access: MayRead,
    contacts: Annotated[Access, allow("contact", "read")],
    listing: Annotated[Listing, listing_of(CONTACTS, default_sort="last_name")],
) -> Any:
    await queries.account_by_id(session, access, account_id)
    return (await queries.list_contacts(session, contacts, listing, account_id=account_id)).as_response()
