from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from accounts.commands import errors
from accounts.commands.accounts import require_invoicing_facts
from accounts.domain.verification import REJECTED, VERIFIED
from accounts.models import Account
from accounts.queries.accounts import account_by_id
from accounts.queries.errors import AccountNotFound
from accounts.queries.visibility import visible_accounts
from chassis.access import Access
from chassis.db import get_for_update
from chassis.outbox import emit
from chassis.service import Runtime
from contracts.accounts import AccountRejected, AccountVerificationReopened, AccountVerified


class DecideVerification(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    decision: Literal["verified", "rejected", "to_verify"]
    reason: str | None = Field(None, max_length=2000, description="Required for a rejection.")
    duplicate_of: UUID | None = Field(None, description="The account that stays, when this one is a duplicate.")
    version: int | None = Field(None, ge=1, description="The version that was looked at; another one is refused (412).")


async def decide_verification(
    runtime: Runtime, session: AsyncSession, access: Access, account_id: UUID, command: DecideVerification
) -> Account:
    account = await get_for_update(
        session,
        Account,
        account_id,
        command.version,
        AccountNotFound(),
        narrow=lambda statement: statement.where(visible_accounts(access)),
    )
    if account.verification == command.decision and command.decision != REJECTED:
        return account
    if command.decision == VERIFIED:
        await _verify(runtime, session, access, account)
    elif command.decision == REJECTED:
        await _reject(session, access, account, command)
    else:
        account.reopen(command.reason)
        await emit(session, AccountVerificationReopened, account)
    return account


async def _verify(runtime: Runtime, session: AsyncSession, access: Access, account: Account) -> None:
    may_verify_own = bool(getattr(runtime.settings, "creators_may_verify", False))
    if account.created_by == access.principal.id and not may_verify_own:
        raise errors.OwnAccountNotVerifiable()
    require_invoicing_facts(runtime, account)
    account.verify(access.principal.id)
    await emit(session, AccountVerified, account)


async def _reject(session: AsyncSession, access: Access, account: Account, command: DecideVerification) -> None:
    if not command.reason:
        raise errors.wrong("/reason", "required", "A rejection says why.")
    if command.duplicate_of is not None:
        await _require_survivor(session, access, account, command.duplicate_of)
    account.reject(access.principal.id, command.reason, command.duplicate_of)
    await emit(session, AccountRejected, account)


async def _require_survivor(session: AsyncSession, access: Access, account: Account, survivor: UUID) -> None:
    if survivor == account.id:
        raise errors.wrong("/duplicate_of", "same_account", "An account is no duplicate of itself.")
    try:
        await account_by_id(session, access, survivor)
    except AccountNotFound:
        raise errors.wrong("/duplicate_of", "account_unknown", "There is no such account.") from None
