"""Every topic of Meridian: who writes it, who reads it, how long it is kept, who answers for it.

The single source for creating topics, for docs/events.md and for the AsyncAPI document.
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal

from contracts import accounts, activities, dedup, identity, leads, notifications
from contracts.envelope import Classification
from contracts.event import Event, Fact, State

Kind = Literal["facts", "commands", "replies"]


@dataclass(frozen=True)
class Topic:
    """One topic per aggregate type, written by its owner only; key = aggregate id.

    Sagas have two more kinds (key = saga id): commands to one service, and replies to the owner of sagas. These may
    have several writers: `producer` and `also_written_by`.

    With `has_state` there is a compacted topic `<name>.state` beside it. A record there has the `ce_type` `state_type`,
    the same id, sequence and other attributes as the fact it comes from, and as value the bare state; events with
    `TOMBSTONE` put a record without value there.
    """

    name: str
    aggregate: str
    producer: str
    consumers: tuple[str, ...]
    description: str
    classification: Classification
    owner: str
    events: tuple[type[Event], ...]
    retention_days: int = 30
    has_state: bool = True
    partitions: int = 24
    kind: Kind = "facts"
    also_written_by: tuple[str, ...] = ()

    @property
    def writers(self) -> tuple[str, ...]:
        """The services that may write it."""
        return (self.producer, *self.also_written_by)

    @property
    def state_name(self) -> str:
        """Name of the compacted topic."""
        return f"{self.name}.state"

    @property
    def state_type(self) -> str:
        """`ce_type` of the records in the compacted topic."""
        return f"{self.name}.state.v1"

    @property
    def state_schema(self) -> str:
        """`ce_dataschema` of the records in the compacted topic."""
        minor = max(event.MINOR for event in self.events)
        return f"urn:meridian:schema:{self.state_type}.{minor}"

    @property
    def state_model(self) -> type[State]:
        """Shape of the state that the facts of this topic carry."""
        annotation = self.events[0].model_fields["state"].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, State)):
            raise TypeError(f"{self.name} carries no state")
        return annotation


TOPICS: tuple[Topic, ...] = (
    Topic(
        name="crm.identity.user",
        aggregate="user",
        producer="identity",
        consumers=("accounts", "activities", "dedup", "leads", "notifications"),
        description="People who sign in: name, roles, teams, time zone.",
        classification="personal",
        owner="@meridian/identity",
        events=(identity.UserCreated, identity.UserChanged, identity.UserDeactivated, identity.UserReactivated),
    ),
    Topic(
        name="crm.identity.team",
        aggregate="team",
        producer="identity",
        consumers=(),
        description="Teams and their managers.",
        classification="none",
        owner="@meridian/identity",
        events=(identity.TeamCreated, identity.TeamChanged, identity.TeamDeleted),
    ),
    Topic(
        name="crm.accounts.account",
        aggregate="account",
        producer="accounts",
        consumers=("activities", "dedup", "notifications"),
        description="Organisations and persons one works with.",
        classification="personal",
        owner="@meridian/accounts",
        events=(
            accounts.AccountCreated,
            accounts.AccountChanged,
            accounts.AccountAssigned,
            accounts.AccountVerified,
            accounts.AccountRejected,
            accounts.AccountVerificationReopened,
            accounts.AccountDeleted,
            accounts.AccountRestored,
        ),
    ),
    Topic(
        name="crm.accounts.contact",
        aggregate="contact",
        producer="accounts",
        consumers=("activities", "dedup", "notifications"),
        description="People at accounts, and private contacts of one user.",
        classification="personal",
        owner="@meridian/accounts",
        events=(
            accounts.ContactCreated,
            accounts.ContactChanged,
            accounts.ContactAssigned,
            accounts.ContactPublished,
            accounts.ContactMadePrivate,
            accounts.ContactDeleted,
            accounts.ContactRestored,
        ),
    ),
    Topic(
        name="crm.accounts.import",
        aggregate="import",
        producer="accounts",
        consumers=("notifications",),
        description="Files of records being read in, with totals by outcome.",
        classification="none",
        owner="@meridian/accounts",
        has_state=False,
        events=(accounts.ImportStarted, accounts.ImportCompleted),
    ),
    Topic(
        name="crm.leads.lead",
        aggregate="lead",
        producer="leads",
        consumers=("activities", "dedup", "notifications"),
        description="Inbound requests and leads.",
        classification="personal",
        owner="@meridian/leads",
        events=(
            leads.LeadCaptured,
            leads.LeadChanged,
            leads.LeadAssigned,
            leads.LeadStatusChanged,
            leads.LeadDeleted,
            leads.LeadRestored,
        ),
    ),
    Topic(
        name="crm.leads.queue",
        aggregate="queue",
        producer="leads",
        consumers=(),
        description="Queues in which leads wait.",
        classification="none",
        owner="@meridian/leads",
        events=(leads.QueueCreated, leads.QueueChanged, leads.QueueDeleted),
    ),
    Topic(
        name="crm.activities.activity",
        aggregate="activity",
        producer="activities",
        consumers=("notifications",),
        description="Calls, tasks, appointments and notes; without the text of notes.",
        classification="personal",
        owner="@meridian/activities",
        events=(
            activities.ActivityScheduled,
            activities.ActivityLogged,
            activities.ActivityChanged,
            activities.ActivityAssigned,
            activities.ActivityCompleted,
            activities.ActivityCancelled,
            activities.ActivityDeleted,
        ),
    ),
    Topic(
        name="crm.activities.reminder",
        aggregate="reminder",
        producer="activities",
        consumers=("notifications",),
        description="Reminders at the moment they fall due.",
        classification="personal",
        owner="@meridian/activities",
        has_state=False,
        events=(activities.ReminderDue,),
    ),
    Topic(
        name="crm.dedup.duplicate_set",
        aggregate="duplicate_set",
        producer="dedup",
        consumers=("notifications",),
        description="Records that are probably the same customer.",
        classification="personal",
        owner="@meridian/dedup",
        events=(
            dedup.DuplicateSetSuspected,
            dedup.DuplicateSetExtended,
            dedup.DuplicateSetDismissed,
            dedup.DuplicateSetExpired,
        ),
    ),
    Topic(
        name="crm.notifications.notification",
        aggregate="notification",
        producer="notifications",
        consumers=(),
        description="Notices to people.",
        classification="personal",
        owner="@meridian/notifications",
        has_state=False,
        events=(notifications.NotificationCreated, notifications.NotificationRead),
    ),
)


@cache
def _topics() -> dict[str, Topic]:
    return {topic.name: topic for topic in TOPICS}


@cache
def _classes() -> dict[str, type[Event]]:
    return {event.TYPE: event for topic in TOPICS for event in topic.events}


def include(*topics: Topic) -> None:
    """Adds topics that are not of this list: those of a service that is being tried out, in this process alone."""
    _topics().update({topic.name: topic for topic in topics})
    _classes().update({event.TYPE: event for topic in topics for event in topic.events})


def topic_named(name: str) -> Topic:
    """The topic of that name; KeyError when there is none."""
    return _topics()[name]


def topic_of(event: type[Event]) -> Topic:
    """The topic that events of this class are written to; KeyError when the class is not in the catalogue."""
    return _topics()[event.TOPIC]


def event_class(type_: str) -> type[Event] | None:
    """The class for a `ce_type`; None for a type this release does not know, which a consumer skips."""
    return _classes().get(type_)


def topics_of(producer: str) -> tuple[Topic, ...]:
    """The topics that a service writes."""
    return tuple(topic for topic in TOPICS if producer in topic.writers)


def parse(type_: str, payload: bytes) -> Event | None:
    """The event of a record's data; None for an unknown type; ValidationError when the data break the contract."""
    known = event_class(type_)
    return known.model_validate_json(payload) if known else None


def state_of(event: Event) -> State:
    """The state that a fact carries; TypeError for an event that is no fact."""
    if not isinstance(event, Fact):
        raise TypeError(f"{type(event).__name__} carries no state")
    return event.state
