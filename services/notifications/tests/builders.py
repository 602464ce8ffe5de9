"""States of other services' aggregates, as their facts carry them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from contracts.accounts import AccountAssigned, AccountState, ContactCreated, ContactState, ImportStarted, ImportState
from contracts.activities import ActivityScheduled, ActivityState, ReminderDue, ReminderState
from contracts.dedup import DuplicateMember, DuplicateSetState, DuplicateSetSuspected
from contracts.identity import UserCreated, UserState
from contracts.leads import LeadAssigned, LeadState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STAMP: dict[str, Any] = {"version": 1, "created_at": NOW, "updated_at": NOW}


def user(user_id: UUID, **values: Any) -> UserCreated:
    known = {**STAMP, "id": user_id, "email": f"u{user_id.hex}@meridian.test", "name": "Ada Test", "roles": ["sales"]}
    return UserCreated(state=UserState(**{**known, "time_zone": "Europe/Rome", "locale": "en", **values}))


def account_assigned(owner_id: UUID, **values: Any) -> AccountAssigned:
    known = {**STAMP, "id": uuid4(), "kind": "business", "name": "ACME S.p.A.", "verification": "to_verify"}
    return AccountAssigned(state=AccountState(**{**known, "owner_id": owner_id, **values}))


def lead_assigned(owner_id: UUID | None, **values: Any) -> LeadAssigned:
    known = {**STAMP, "id": uuid4(), "last_name": "Kowalska", "status": "new", "status_category": "open"}
    return LeadAssigned(state=LeadState(**{**known, "arrived_at": NOW, "owner_id": owner_id, **values}))


def contact(owner_id: UUID, account_id: UUID | None = None, **values: Any) -> ContactCreated:
    known = {**STAMP, "id": uuid4(), "first_name": "Segreta", "last_name": "Rossi", "owner_id": owner_id}
    state = {**known, "account_id": account_id, "is_private": account_id is None, **values}
    return ContactCreated(state=ContactState(**state))


def activity(assignee_id: UUID, **values: Any) -> ActivityScheduled:
    known = {**STAMP, "id": uuid4(), "kind": "call", "status": "planned", "subject": "Call back", "owner_id": uuid4()}
    return ActivityScheduled(state=ActivityState(**{**known, "assignee_id": assignee_id, **values}))


def reminder(recipient_id: UUID, **values: Any) -> ReminderDue:
    known = {**STAMP, "id": uuid4(), "activity_id": uuid4(), "recipient_id": recipient_id, "occurrence": 1}
    state = {**known, "due_at": NOW, "subject": "Call back", "kind": "call", "channels": ["app", "email"], **values}
    return ReminderDue(state=ReminderState(**state))


def duplicate_set(*owners: UUID, **values: Any) -> DuplicateSetSuspected:
    members = [
        DuplicateMember(object="account", id=uuid4(), label=f"Firm {index}", score=0.93, owner_id=owner)
        for index, owner in enumerate(owners)
    ]
    known = {**STAMP, "id": uuid4(), "object": "account", "status": "open", "score": 0.93, "members": members}
    return DuplicateSetSuspected(state=DuplicateSetState(**{**known, "owner_ids": list(owners), **values}))


def import_started(owner_id: UUID) -> ImportStarted:
    state = ImportState(
        **STAMP, id=uuid4(), object="accounts", filename="a.csv", status="running", total=9, owner_id=owner_id
    )
    return ImportStarted(state=state)
