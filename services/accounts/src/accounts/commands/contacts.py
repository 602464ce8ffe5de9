from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from accounts.commands import claims, errors
from accounts.commands.accounts import NOT_FIELDS, Bypass, Token
from accounts.commands.ownership import require_active_user, require_right
from accounts.domain.matching import CONTACT_COLUMNS
from accounts.domain.verification import PERSON
from accounts.models import Account, Contact
from accounts.models.fields import ContactFields
from accounts.queries.accounts import contact_by_id
from accounts.queries.errors import ContactNotFound
from accounts.queries.visibility import not_somebody_elses, visible_accounts, visible_contacts
from chassis.access import Access
from chassis.db import get_for_update
from chassis.fields import partial
from chassis.outbox import emit
from chassis.service import Runtime
from contracts.accounts import (
    ContactAssigned,
    ContactChanged,
    ContactCreated,
    ContactDeleted,
    ContactMadePrivate,
    ContactPublished,
    ContactRestored,
)
from contracts.event import Fact


class CreateContact(ContactFields):
    duplicate_token: Token = None
    duplicate_bypass_reason: Bypass = None


class EditContact(partial(ContactFields)):  # type: ignore[misc]
    duplicate_token: Token = None
    duplicate_bypass_reason: Bypass = None


class AssignContact(BaseModel):
    model_config = ConfigDict(extra="forbid")

    owner_id: UUID


def _values(command: BaseModel) -> dict[str, Any]:
    return command.model_dump(exclude_unset=True, exclude=set(NOT_FIELDS))


async def create_contact(
    runtime: Runtime, session: AsyncSession, access: Access, command: CreateContact
) -> tuple[Contact, claims.Found]:
    contact = Contact(id=uuid7())
    contact.fill(_values(command) | {"owner_id": command.owner_id or access.principal.id})
    async with runtime.db.read() as peek:
        await _require_references(peek, access, contact, set(command.model_fields_set))
    answers = claims.Answers(command.duplicate_token, command.duplicate_bypass_reason)
    async with claims.claimed(runtime, access.principal, contact, "create", answers) as found:
        await _hold_account(session, contact)
        session.add(contact)
        await emit(session, ContactCreated, contact)
    return contact, found


async def edit_contact(
    runtime: Runtime, session: AsyncSession, access: Access, contact_id: UUID, expected: int, command: EditContact
) -> tuple[Contact, claims.Found]:
    values = _values(command)
    if "owner_id" in values and values["owner_id"] is None:
        raise errors.wrong("/owner_id", "required", "Every contact has an owner.")
    async with runtime.db.read() as peek:
        draft = await contact_by_id(peek, access.to("read"), contact_id)
        await require_right(peek, access, draft)
        peek.expunge(draft)
        changed = draft.fill(values)
        await _require_references(peek, access, draft, changed)
    if changed.isdisjoint(CONTACT_COLUMNS):
        return await _write(session, access, contact_id, expected, values), claims.Found()
    answers = claims.Answers(command.duplicate_token, command.duplicate_bypass_reason)
    async with claims.claimed(runtime, access.principal, draft, "edit", answers) as found:
        contact = await _write(session, access, contact_id, expected, values)
    return contact, found


async def _write(
    session: AsyncSession, access: Access, contact_id: UUID, expected: int, values: dict[str, Any]
) -> Contact:
    contact = await _locked(session, access, contact_id, expected)
    was_private = contact.is_private
    changed = contact.fill(values)
    if "account_id" in changed:
        await _hold_account(session, contact)
    for fact in _facts(contact, was_private, changed):
        await emit(session, fact, contact)
    return contact


def _facts(contact: Contact, was_private: bool, changed: set[str]) -> list[type[Fact]]:
    """Who may see the contact weighs more than what else changed; a new owner is told in any case."""
    facts: list[type[Fact]] = []
    if contact.is_private != was_private:
        facts.append(ContactMadePrivate if contact.is_private else ContactPublished)
    elif changed - {"owner_id"}:
        facts.append(ContactChanged)
    if "owner_id" in changed:
        facts.append(ContactAssigned)
    return facts


async def _locked(session: AsyncSession, access: Access, contact_id: UUID, expected: int | None) -> Contact:
    contact = await get_for_update(
        session,
        Contact,
        contact_id,
        expected,
        ContactNotFound(),
        narrow=lambda statement: statement.where(visible_contacts(access.to("read"))),
    )
    await require_right(session, access, contact)
    return contact


async def _require_references(session: AsyncSession, access: Access, contact: Contact, changed: set[str]) -> None:
    if "owner_id" in changed and contact.owner_id != access.principal.id:
        await require_active_user(session, contact.owner_id)
    if "account_id" in changed and contact.account_id is not None:
        await _require_business(session, access, contact.account_id)


async def _require_business(session: AsyncSession, access: Access, account_id: UUID) -> None:
    readable = access.to("read", "account")
    kind = await session.scalar(select(Account.kind).where(Account.id == account_id, visible_accounts(readable)))
    if kind is None:
        raise errors.wrong("/account_id", "account_unknown", "There is no such account.")
    if kind == PERSON:
        raise errors.PersonAccountHasNoContacts()


async def _hold_account(session: AsyncSession, contact: Contact) -> None:
    """Until the commit nobody deletes the account: its people go to the bin with it, and none may be missed."""
    if contact.account_id is None:
        return
    with session.no_autoflush:
        living = select(Account.id).where(Account.id == contact.account_id, Account.deleted_at.is_(None))
        if await session.scalar(living.with_for_update(key_share=True, read=True)) is None:
            raise errors.wrong("/account_id", "account_unknown", "There is no such account.")


async def assign_contact(session: AsyncSession, access: Access, contact_id: UUID, command: AssignContact) -> Contact:
    contact = await _locked(session, access, contact_id, None)
    await require_active_user(session, command.owner_id)
    if contact.owner_id != command.owner_id:
        contact.owner_id = command.owner_id
        await emit(session, ContactAssigned, contact)
    return contact


async def delete_contact(session: AsyncSession, access: Access, contact_id: UUID) -> None:
    contact = await _locked(session, access, contact_id, None)
    contact.deleted_at = await session.scalar(select(func.now()))
    await emit(session, ContactDeleted, contact)


async def restore_contact(runtime: Runtime, session: AsyncSession, access: Access, contact_id: UUID) -> Contact:
    async with runtime.db.read() as peek:
        draft = await peek.get(Contact, contact_id)
    if draft is not None and access.covers(draft.owner_id):
        await claims.report_only(runtime, draft)
    contact = await get_for_update(
        session,
        Contact,
        contact_id,
        None,
        ContactNotFound(),
        narrow=lambda statement: statement.where(not_somebody_elses(access)),
    )
    await require_right(session, access, contact)
    if not contact.is_deleted:
        raise errors.NotDeleted()
    await _require_living_account(session, contact)
    contact.deleted_at = None
    await emit(session, ContactRestored, contact)
    return contact


async def _require_living_account(session: AsyncSession, contact: Contact) -> None:
    if contact.account_id is None:
        return
    gone_at = await session.scalar(select(Account.deleted_at).where(Account.id == contact.account_id))
    if gone_at is not None:
        raise errors.AccountOfContactDeleted()
