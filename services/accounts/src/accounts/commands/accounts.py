from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from accounts.commands import claims, errors
from accounts.commands.ownership import require_active_user, require_right
from accounts.domain.hierarchy import MAX_DEPTH, closes_a_cycle
from accounts.domain.matching import ACCOUNT_COLUMNS
from accounts.domain.verification import TO_VERIFY, VERIFIED, initial_status, may_choose_status, missing_for_verified
from accounts.models import Account, Contact
from accounts.models.fields import VERIFICATION, AccountFields
from accounts.queries.accounts import account_by_id, ancestors
from accounts.queries.errors import AccountNotFound
from accounts.queries.visibility import visible_accounts
from chassis.access import Access
from chassis.auth import Principal
from chassis.db import get_for_update
from chassis.errors import FieldProblem
from chassis.fields import partial
from chassis.outbox import emit, emit_many
from chassis.service import Runtime
from contracts.accounts import (
    AccountAssigned,
    AccountChanged,
    AccountCreated,
    AccountDeleted,
    AccountRestored,
    AccountVerificationReopened,
    ContactAssigned,
    ContactDeleted,
    ContactRestored,
)

# Two people hanging A under B and B under A at once would each see no cycle.
HIERARCHY_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('accounts.hierarchy'))")
NOT_FIELDS = frozenset({"duplicate_token", "duplicate_bypass_reason", "verification"})

Token = Annotated[
    str | None, Field(max_length=2000, description="From the answer `duplicate_confirm`: save it anyway.")
]
Bypass = Annotated[
    str | None, Field(max_length=500, description="Why a block does not apply; needs the right to say so.")
]


class CreateAccount(AccountFields):
    verification: Annotated[str | None, VERIFICATION] = None
    duplicate_token: Token = None
    duplicate_bypass_reason: Bypass = None


class EditAccount(partial(AccountFields)):  # type: ignore[misc]
    duplicate_token: Token = None
    duplicate_bypass_reason: Bypass = None


class AssignAccount(BaseModel):
    model_config = ConfigDict(extra="forbid")

    owner_id: UUID
    contacts: Literal["own", "all", "none"] = Field("own", description="own: those of the former owner go along.")


async def create_account(
    runtime: Runtime, session: AsyncSession, access: Access, command: CreateAccount
) -> tuple[Account, claims.Found]:
    account = _new_account(access.principal, command)
    async with runtime.db.read() as peek:
        await _require_references(peek, access, account, set(command.model_fields_set))
    _require_complete(runtime, account)
    answers = claims.Answers(command.duplicate_token, command.duplicate_bypass_reason)
    async with claims.claimed(runtime, access.principal, account, "create", answers) as found:
        session.add(account)
        await emit(session, AccountCreated, account)
    return account, found


def _new_account(principal: Principal, command: CreateAccount) -> Account:
    if command.verification not in (None, TO_VERIFY) and not may_choose_status(principal.roles):
        raise errors.VerificationNotYours()
    account = Account(id=uuid7())
    account.verification = initial_status(principal.roles, command.verification)
    account.fill(_values(command) | {"kind": command.kind, "owner_id": command.owner_id or principal.id})
    return account


def _values(command: BaseModel) -> dict[str, Any]:
    return command.model_dump(exclude_unset=True, exclude=set(NOT_FIELDS))


async def edit_account(
    runtime: Runtime, session: AsyncSession, access: Access, account_id: UUID, expected: int, command: EditAccount
) -> tuple[Account, claims.Found]:
    values = _values(command)
    async with runtime.db.read() as peek:
        draft = await account_by_id(peek, access.to("read"), account_id)
        await require_right(peek, access, draft)
        if values.get("kind", draft.kind) != draft.kind:
            raise errors.AccountKindImmutable()
        _require_plain_edit(draft, values)
        peek.expunge(draft)
        changed = draft.fill(values)
        await _require_references(peek, access, draft, changed)
    if changed.isdisjoint(ACCOUNT_COLUMNS):
        return await _write(session, access, account_id, expected, values), claims.Found()
    answers = claims.Answers(command.duplicate_token, command.duplicate_bypass_reason)
    async with claims.claimed(runtime, access.principal, draft, "edit", answers) as found:
        account = await _write(session, access, account_id, expected, values)
    return account, found


async def _write(
    session: AsyncSession, access: Access, account_id: UUID, expected: int, values: dict[str, Any]
) -> Account:
    if values.get("parent_id"):
        await session.execute(HIERARCHY_LOCK)
    account = await _locked(session, access, account_id, expected)
    changed, reopened = account.edit(values)
    if "parent_id" in changed:
        await _require_no_cycle(session, account)
    if changed - {"owner_id"}:
        await emit(session, AccountChanged, account)
    if "owner_id" in changed:
        await emit(session, AccountAssigned, account)
    if reopened:
        await emit(session, AccountVerificationReopened, account)
    return account


def _require_plain_edit(draft: Account, values: dict[str, Any]) -> None:
    if draft.is_person and values.get("name", draft.name) != draft.name:
        raise errors.wrong("/name", "name_is_derived", "A person's name is made of first and last name.")
    if "owner_id" in values and values["owner_id"] is None:
        raise errors.wrong("/owner_id", "required", "Every account has an owner.")


async def _locked(session: AsyncSession, access: Access, account_id: UUID, expected: int | None) -> Account:
    account = await get_for_update(
        session,
        Account,
        account_id,
        expected,
        AccountNotFound(),
        narrow=lambda statement: statement.where(visible_accounts(access.to("read"))),
    )
    await require_right(session, access, account)
    return account


async def _require_references(session: AsyncSession, access: Access, account: Account, changed: set[str]) -> None:
    if "owner_id" in changed and account.owner_id != access.principal.id:
        await require_active_user(session, account.owner_id)
    if "parent_id" in changed and account.parent_id is not None:
        await _require_parent(session, access, account)


async def _require_parent(session: AsyncSession, access: Access, account: Account) -> None:
    statement = select(Account.kind).where(Account.id == account.parent_id, visible_accounts(access.to("read")))
    kind = await session.scalar(statement)
    if kind is None:
        raise errors.wrong("/parent_id", "account_unknown", "There is no such account.")
    if account.is_person or kind != account.kind:
        raise errors.PersonAccountHasNoHierarchy()
    await _require_no_cycle(session, account)


async def _require_no_cycle(session: AsyncSession, account: Account) -> None:
    if account.parent_id is None:
        return
    above = await ancestors(session, account.parent_id)
    if closes_a_cycle(account.id, above):
        problem = FieldProblem("/parent_id", "account_hierarchy_cycle", "This account stands below yours.")
        raise errors.AccountHierarchyCycle(errors=[problem])
    if len(above) > MAX_DEPTH:
        raise errors.wrong("/parent_id", "hierarchy_too_deep", f"A hierarchy has at most {MAX_DEPTH} levels.")


def _require_complete(runtime: Runtime, account: Account) -> None:
    if account.verification == VERIFIED:
        require_invoicing_facts(runtime, account)


def require_invoicing_facts(runtime: Runtime, account: Account) -> None:
    needs_number = bool(getattr(runtime.settings, "persons_need_tax_number", False))
    missing = missing_for_verified(account.invoicing(), person_needs_tax_number=needs_number)
    if missing:
        raise errors.AccountIncomplete(errors=[FieldProblem(*item) for item in missing])


async def assign_account(session: AsyncSession, access: Access, account_id: UUID, command: AssignAccount) -> Account:
    """The account changes hands, and by default the former owner's contacts under it as well."""
    account = await _locked(session, access, account_id, None)
    await require_active_user(session, command.owner_id)
    former = account.owner_id
    if former != command.owner_id:
        account.owner_id = command.owner_id
        await emit(session, AccountAssigned, account)
    if command.contacts != "none":
        await _assign_contacts(session, account, former, everybodys=command.contacts == "all")
    return account


async def _assign_contacts(session: AsyncSession, account: Account, former: UUID, *, everybodys: bool) -> None:
    statement = select(Contact).where(
        Contact.account_id == account.id, Contact.deleted_at.is_(None), Contact.owner_id != account.owner_id
    )
    if not everybodys:
        statement = statement.where(Contact.owner_id == former)
    contacts = list(await session.scalars(statement.order_by(Contact.id).with_for_update()))
    for contact in contacts:
        contact.owner_id = account.owner_id
    await emit_many(session, ContactAssigned, contacts)


async def delete_account(session: AsyncSession, access: Access, account_id: UUID) -> None:
    """To the bin, with its people: a contact whose company vanished would become private by the back door."""
    account = await _locked(session, access, account_id, None)
    now = await session.scalar(select(func.now()))
    account.deleted_at = now
    await emit(session, AccountDeleted, account)
    statement = select(Contact).where(Contact.account_id == account.id, Contact.deleted_at.is_(None))
    contacts = list(await session.scalars(statement.order_by(Contact.id).with_for_update()))
    for contact in contacts:
        contact.deleted_at = now
    await emit_many(session, ContactDeleted, contacts)


async def restore_account(runtime: Runtime, session: AsyncSession, access: Access, account_id: UUID) -> Account:
    """Back with the people who went with it. The duplicate check may report, never refuse."""
    async with runtime.db.read() as peek:
        draft = await peek.get(Account, account_id)
    if draft is not None and access.covers(draft.owner_id):
        await claims.report_only(runtime, draft)
    account = await _deleted(session, access, account_id)
    went_at, account.deleted_at = account.deleted_at, None
    await emit(session, AccountRestored, account)
    statement = select(Contact).where(Contact.account_id == account.id, Contact.deleted_at == went_at)
    contacts = list(await session.scalars(statement.order_by(Contact.id).with_for_update()))
    for contact in contacts:
        contact.deleted_at = None
    await emit_many(session, ContactRestored, contacts)
    return account


async def _deleted(session: AsyncSession, access: Access, account_id: UUID) -> Account:
    account = await get_for_update(session, Account, account_id, None, AccountNotFound())
    await require_right(session, access, account)
    if not account.is_deleted:
        raise errors.NotDeleted()
    return account
