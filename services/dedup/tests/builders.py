"""Records as other services publish them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.accounts import (
    AccountChanged,
    AccountCreated,
    AccountDeleted,
    AccountState,
    ContactCreated,
    ContactState,
)
from contracts.dedup import ClaimItem
from contracts.identity import UserCreated, UserState
from contracts.leads import LeadCaptured, LeadState

OWNER = UUID("0192aaaa-0000-7000-8000-000000000001")
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
BASICS: dict[str, Any] = {"created_at": NOW, "updated_at": NOW, "version": 1}


def account(**fields: Any) -> AccountState:
    given = {"id": uuid7(), "kind": "business", "verification": "to_verify", "owner_id": OWNER, **BASICS, **fields}
    return AccountState.model_validate(given)


def contact(**fields: Any) -> ContactState:
    given = {"id": uuid7(), "account_id": uuid7(), "owner_id": OWNER, **BASICS, **fields}
    return ContactState.model_validate({**given, "is_private": given["account_id"] is None})


def lead(**fields: Any) -> LeadState:
    given = {"id": uuid7(), "status": "new", "status_category": "open", "arrived_at": NOW, "owner_id": OWNER, **BASICS}
    return LeadState.model_validate({**given, **fields})


def user(**fields: Any) -> UserCreated:
    return UserCreated(state=UserState.model_validate({"id": uuid7(), **BASICS, **fields}))


def created(state: AccountState) -> AccountCreated:
    return AccountCreated(state=state)


def changed(state: AccountState, **fields: Any) -> AccountChanged:
    return AccountChanged(state=state.model_copy(update={"version": state.version + 1, **fields}))


def deleted(state: AccountState) -> AccountDeleted:
    return AccountDeleted(
        state=state.model_copy(update={"version": state.version + 1, "is_deleted": True, "deleted_at": NOW})
    )


def contact_created(state: ContactState) -> ContactCreated:
    return ContactCreated(state=state)


def captured(state: LeadState) -> LeadCaptured:
    return LeadCaptured(state=state)


def item(object: str = "account", **fields: Any) -> dict[str, Any]:
    """A claim of a new record with the given fields; `_` in front of a name sets the item's own attribute."""
    own = {name[1:]: value for name, value in fields.items() if name.startswith("_")}
    public = {name: value for name, value in fields.items() if not name.startswith("_")}
    given = ClaimItem.model_validate({"object": object, "record_id": uuid7(), "fields": public, **own})
    return given.model_dump(mode="json")
