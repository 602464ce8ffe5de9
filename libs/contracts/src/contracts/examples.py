"""Golden examples: one made-up record per event type, the same on every run.

They document the contract, and every consumer must go on handling those of every release.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from contracts import accounts, activities, dedup, identity, leads, notifications
from contracts.catalogue import TOPICS, Topic
from contracts.envelope import Envelope, encode
from contracts.event import Event, Fact, State

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ANNA, BEPPE, TEAM = (UUID(f"01935a00-0000-7000-8000-00000000000{n}") for n in (1, 2, 3))
ACCOUNT, TWIN, CONTACT, LEAD, QUEUE = (UUID(f"01935a00-0000-7000-8000-00000000001{n}") for n in range(5))
ACTIVITY, REMINDER, DUPLICATE_SET, IMPORT, NOTICE = (UUID(f"01935a00-0000-7000-8000-00000000002{n}") for n in range(5))
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

WRITTEN: dict[str, Any] = {
    "version": 1,
    "created_at": NOON,
    "updated_at": NOON,
    "created_by": ANNA,
    "updated_by": ANNA,
}
ADDRESS = accounts.Address(street="Via Appia 12", city="Roma", region="RM", postal_code="00183", country="IT")
LINKS = [activities.Link(object="account", id=ACCOUNT), activities.Link(object="contact", id=CONTACT)]
SAME_TAX_NUMBER = dedup.Reason(field="tax_number", verdict="decisive", detail="IT12345670017 on both")
NEARLY_SAME_NAME = dedup.Reason(field="name", verdict="supports", detail="‘Asilo Girasole’ and ‘Asilo il Girasole’")

STATES: tuple[State, ...] = (
    identity.UserState(
        id=ANNA,
        email="anna@example.com",
        name="Anna Bianchi",
        roles=["sales"],
        team_ids=[TEAM],
        time_zone="Europe/Rome",
        locale="it-IT",
        **WRITTEN,
    ),
    identity.TeamState(id=TEAM, name="Roma", manager_id=BEPPE, **WRITTEN),
    accounts.AccountState(
        id=ACCOUNT,
        kind="business",
        name="Asilo Girasole",
        legal_name="Asilo Girasole S.r.l.",
        account_number="C-1042",
        external_id="erp-77",
        site="Sede centrale",
        type="customer",
        industry="education",
        rating="warm",
        phone="06 1234 5678",
        phone_e164="+390612345678",
        fax="06 1234 5679",
        email="info@girasole.example",
        website="https://girasole.example",
        tax_number="12345670017",
        tax_country="IT",
        employees=24,
        annual_revenue=accounts.Money(amount="850000.00", currency="EUR"),
        currency="EUR",
        description="Asks for a new catalogue every autumn.",
        billing=ADDRESS,
        shipping=ADDRESS,
        source="import",
        verification="to_verify",
        owner_id=ANNA,
        **WRITTEN,
    ),
    accounts.ContactState(
        id=CONTACT,
        account_id=ACCOUNT,
        first_name="Łucja",
        last_name="Nowak",
        title="Head teacher",
        department="Management",
        roles=["decision_maker"],
        email="lucja@girasole.example",
        phone="06 1234 5678",
        phone_e164="+390612345678",
        mobile="345 678 9012",
        mobile_e164="+393456789012",
        birthday=date(1980, 2, 29),
        mailing=ADDRESS,
        description="Prefers to be called in the morning.",
        external_id="erp-78",
        source="import",
        owner_id=ANNA,
        **WRITTEN,
    ),
    accounts.ImportState(
        id=IMPORT, object="accounts", filename="asili.csv", status="running", total=120, owner_id=ANNA, **WRITTEN
    ),
    leads.LeadState(
        id=LEAD,
        first_name="José",
        last_name="García",
        company="Guardería Sol",
        title="Directora",
        email="jose@sol.example",
        phone="91 123 45 67",
        phone_e164="+34911234567",
        website="https://sol.example",
        street="Calle Mayor 3",
        city="Madrid",
        region="M",
        postal_code="28013",
        country="ES",
        status="new",
        status_category="open",
        source="web",
        campaign="autumn",
        utm={"source": "newsletter", "medium": "email"},
        description="Asks for prices.",
        score=20,
        queue_id=QUEUE,
        arrived_at=NOON,
        form="contact",
        **WRITTEN,
    ),
    leads.QueueState(id=QUEUE, name="Inbound", member_ids=[ANNA, BEPPE], team_ids=[TEAM], is_default=True, **WRITTEN),
    activities.ActivityState(
        id=ACTIVITY,
        kind="call",
        status="planned",
        subject="Ask about the catalogue",
        location="by telephone",
        duration_minutes=15,
        starts_at=NOON + timedelta(hours=2),
        wall_time="2026-11-23T15:00",
        time_zone="Europe/Rome",
        assignee_id=ANNA,
        owner_id=ANNA,
        links=LINKS,
        reminders=[activities.Reminder(minutes_before=15, channels=["app", "email"])],
        **WRITTEN,
    ),
    activities.ReminderState(
        id=REMINDER,
        activity_id=ACTIVITY,
        recipient_id=ANNA,
        occurrence=1,
        due_at=NOON + timedelta(minutes=105),
        late_by_seconds=0.21,
        channels=["app", "email"],
        subject="Ask about the catalogue",
        kind="call",
        starts_at=NOON + timedelta(hours=2),
        time_zone="Europe/Rome",
        links=LINKS,
        **WRITTEN,
    ),
    dedup.DuplicateSetState(
        id=DUPLICATE_SET,
        object="account",
        status="open",
        score=0.98,
        members=[
            dedup.DuplicateMember(object="account", id=ACCOUNT, label="Asilo Girasole", score=0.98, owner_id=ANNA),
            dedup.DuplicateMember(
                object="account",
                id=TWIN,
                label="Asilo il Girasole",
                score=0.98,
                reasons=[SAME_TAX_NUMBER, NEARLY_SAME_NAME],
                owner_id=BEPPE,
            ),
        ],
        owner_ids=[ANNA, BEPPE],
        **WRITTEN,
    ),
    notifications.NotificationState(
        id=NOTICE,
        recipient_id=ANNA,
        kind="reminder",
        title="Ask about the catalogue",
        body="Call at 15:00 with Asilo Girasole.",
        link=f"/accounts/{ACCOUNT}",
        object="activity",
        object_id=ACTIVITY,
        channels=["app", "email"],
        **WRITTEN,
    ),
)

# What differs from the state above when a later fact is told: the new values, beside them the old ones.
DELETED: dict[str, Any] = {"is_deleted": True, "deleted_at": NOON + timedelta(hours=1)}
NOT_DELETED: dict[str, Any] = {"is_deleted": False, "deleted_at": None}
CHANGES: dict[type[Event], tuple[dict[str, Any], dict[str, Any]]] = {
    identity.UserChanged: ({"locale": "it-IT"}, {"locale": "en"}),
    identity.UserDeactivated: ({"is_active": False}, {"is_active": True}),
    identity.UserReactivated: ({"is_active": True}, {"is_active": False}),
    identity.TeamChanged: ({"manager_id": BEPPE}, {"manager_id": None}),
    identity.TeamDeleted: ({}, {}),
    accounts.AccountChanged: ({"phone_e164": "+390612345678"}, {"phone": "06 1234", "phone_e164": None}),
    accounts.AccountAssigned: ({"owner_id": BEPPE}, {"owner_id": str(ANNA)}),
    accounts.AccountVerified: ({"verification": "verified"}, {"verification": "to_verify"}),
    accounts.AccountRejected: (
        {"verification": "rejected", "verification_reason": "The tax number belongs to somebody else."},
        {"verification": "to_verify", "verification_reason": None},
    ),
    accounts.AccountVerificationReopened: (
        {"verification": "to_verify", "verification_reason": "New papers arrived."},
        {"verification": "rejected", "verification_reason": "The tax number belongs to somebody else."},
    ),
    accounts.AccountDeleted: (DELETED, NOT_DELETED),
    accounts.AccountRestored: (NOT_DELETED, {"is_deleted": True, "deleted_at": "2026-11-23T13:00:00Z"}),
    accounts.ContactChanged: ({"title": "Head teacher"}, {"title": "Teacher"}),
    accounts.ContactAssigned: ({"owner_id": BEPPE}, {"owner_id": str(ANNA)}),
    accounts.ContactPublished: (
        {"account_id": ACCOUNT, "is_private": False},
        {"account_id": None, "is_private": True},
    ),
    accounts.ContactMadePrivate: (
        {"account_id": None, "is_private": True},
        {"account_id": str(ACCOUNT), "is_private": False},
    ),
    accounts.ContactDeleted: (DELETED, NOT_DELETED),
    accounts.ContactRestored: (NOT_DELETED, {"is_deleted": True, "deleted_at": "2026-11-23T13:00:00Z"}),
    accounts.ImportCompleted: (
        {"status": "completed", "created": 112, "duplicate": 6, "failed": 2},
        {"status": "running", "created": 0, "duplicate": 0, "failed": 0},
    ),
    leads.LeadChanged: ({"score": 35}, {"score": 20}),
    leads.LeadAssigned: ({"owner_id": ANNA, "queue_id": None}, {"owner_id": None, "queue_id": str(QUEUE)}),
    leads.LeadStatusChanged: (
        {"status": "contacted", "status_category": "working"},
        {"status": "new", "status_category": "open"},
    ),
    leads.LeadDeleted: (DELETED, NOT_DELETED),
    leads.LeadRestored: (NOT_DELETED, {"is_deleted": True, "deleted_at": "2026-11-23T13:00:00Z"}),
    leads.QueueChanged: ({"name": "Inbound"}, {"name": "Web"}),
    leads.QueueDeleted: ({}, {}),
    activities.ActivityLogged: ({"status": "done", "outcome": "reached", "reminders": [], "completed_at": NOON}, {}),
    activities.ActivityChanged: ({"location": "by telephone"}, {"location": None}),
    activities.ActivityAssigned: ({"assignee_id": BEPPE}, {"assignee_id": str(ANNA)}),
    activities.ActivityCompleted: (
        {"status": "done", "outcome": "reached", "completed_at": NOON + timedelta(hours=3)},
        {"status": "planned", "outcome": None, "completed_at": None},
    ),
    activities.ActivityCancelled: ({"status": "cancelled"}, {"status": "planned"}),
    activities.ActivityDeleted: (DELETED, NOT_DELETED),
    dedup.DuplicateSetExtended: ({}, {"score": 0.93}),
    dedup.DuplicateSetDismissed: (
        {"status": "dismissed", "reviewed_by": ANNA, "reviewed_at": NOON + timedelta(hours=1)},
        {"status": "open", "reviewed_by": None, "reviewed_at": None},
    ),
    dedup.DuplicateSetExpired: ({"status": "expired"}, {"status": "open"}),
    notifications.NotificationRead: ({"is_read": True}, {"is_read": False}),
}


def example_state(topic: Topic) -> State:
    """The first version of the topic's made-up aggregate."""
    return next(state for state in STATES if type(state) is topic.state_model)


def example(event: type[Event], topic: Topic) -> Fact:
    """A made-up fact of the given type."""
    changed, previous = CHANGES.get(event, ({}, {}))
    state = example_state(topic)
    if event in CHANGES and event is not activities.ActivityLogged:
        changed = {"version": 2, "updated_at": NOON + timedelta(hours=1), **changed}
    fact = event.model_validate({"state": state.model_copy(update=changed), "previous": previous})
    if not isinstance(fact, Fact):
        raise TypeError(f"{event.__name__} is no fact")
    return fact


def envelope_of(number: int, type_: str, schema: str, state: State, topic: Topic) -> Envelope:
    """The envelope of the example with that number."""
    return Envelope(
        id=UUID(f"01935a10-0000-7000-8000-{number:012d}"),
        type=type_,
        source=f"/crm/{topic.producer}",
        subject=str(state.id),
        time=state.updated_at,
        sequence=state.version,
        correlation_id="01935a20-0000-7000-8000-000000000001",
        causation_id=None,
        traceparent=TRACE,
        actor_type="user",
        actor_id=str(ANNA),
        classification=topic.classification,
        dataschema=schema,
    )


def record(envelope: Envelope, topic_name: str, data: State | Fact) -> dict[str, Any]:
    """A Kafka record as JSON: topic, key, headers, data."""
    headers = {name: value.decode() for name, value in encode(envelope)}
    return {"topic": topic_name, "key": envelope.subject, "headers": headers, "data": data.model_dump(mode="json")}


def examples() -> Iterator[tuple[str, dict[str, Any]]]:
    """(type, record) of every event type, and of every state."""
    number = 0
    for topic in TOPICS:
        for event in topic.events:
            number += 1
            fact = example(event, topic)
            yield event.TYPE, record(envelope_of(number, event.TYPE, event.SCHEMA, fact.state, topic), topic.name, fact)
        if topic.has_state:
            number += 1
            state = example_state(topic)
            envelope = envelope_of(number, topic.state_type, topic.state_schema, state, topic)
            yield topic.state_type, record(envelope, topic.state_name, state)
