"""States of other services' aggregates, as their facts carry them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from contracts.accounts import AccountCreated, AccountState, ContactCreated, ContactState
from contracts.identity import UserCreated, UserState
from contracts.leads import LeadCaptured, LeadState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STAMP: dict[str, Any] = {"version": 1, "created_at": NOW, "updated_at": NOW}


def account(name: str = "ACME S.p.A.", **values: Any) -> AccountCreated:
    known = {**STAMP, "id": uuid4(), "kind": "business", "verification": "to_verify", "owner_id": uuid4()}
    return AccountCreated(state=AccountState(**{**known, "name": name, **values}))


def contact(account_id: UUID | None = None, **values: Any) -> ContactCreated:
    known = {**STAMP, "id": uuid4(), "first_name": "Maria", "last_name": "Rossi", "owner_id": uuid4()}
    state = {**known, "account_id": account_id, "is_private": account_id is None, **values}
    return ContactCreated(state=ContactState(**state))


def lead(**values: Any) -> LeadCaptured:
    known = {**STAMP, "id": uuid4(), "last_name": "Kowalska", "company": "Zakład", "status": "new"}
    return LeadCaptured(state=LeadState(**{**known, "status_category": "open", "arrived_at": NOW, **values}))


def user(user_id: UUID, time_zone: str = "Europe/Rome", **values: Any) -> UserCreated:
    known = {**STAMP, "id": user_id, "email": f"{user_id}@meridian.test", "name": "Ada Test", "roles": ["sales"]}
    return UserCreated(state=UserState(**{**known, "time_zone": time_zone, **values}))


def link(event: Any) -> dict[str, str]:
    return {"object": event.TOPIC.rsplit(".", 1)[1], "id": str(event.state.id)}
