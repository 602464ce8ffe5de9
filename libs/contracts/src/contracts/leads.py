"""Events of the leads service: leads and the queues they wait in."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.event import Fact, Moment, State, open_set


class LeadState(State):
    """Somebody who may become a customer."""

    first_name: str | None = Field(default=None, description="First name.")
    last_name: str | None = Field(default=None, description="Last name.")
    company: str | None = Field(default=None, description="Organisation the person speaks for.")
    is_person: bool = Field(default=False, description="A private person, not an organisation.")
    title: str | None = Field(default=None, description="Job title.")
    email: str | None = Field(default=None, description="E-mail address.")
    phone: str | None = Field(default=None, description="Telephone as typed.")
    phone_e164: str | None = Field(default=None, description="In E.164; null when not a valid number.")
    mobile: str | None = Field(default=None, description="Mobile telephone as typed.")
    mobile_e164: str | None = Field(default=None, description="In E.164; null when not a valid number.")
    website: str | None = Field(default=None, description="Website with scheme.")
    street: str | None = Field(default=None, description="Street and number.")
    city: str | None = Field(default=None, description="City or place.")
    region: str | None = Field(default=None, description="Province, state or region.")
    postal_code: str | None = Field(default=None, description="Postal code.")
    country: str | None = Field(default=None, description="ISO 3166-1 alpha-2 code.")
    tax_number: str | None = Field(default=None, description="VAT or tax number, compact.")
    status: str = Field(description="Status from the organisation's own picklist.")
    status_category: Annotated[
        str,
        open_set(
            "What the status means.",
            open="nobody works on it yet",
            working="somebody works on it",
            qualified="worth an opportunity",
            unqualified="not worth more work",
            converted="became account, contact or opportunity",
        ),
    ]
    source: str | None = Field(
        default=None,
        description="Where the lead came from, for example web, fair, api (picklist).",
    )
    campaign: str | None = Field(default=None, description="Campaign that brought the lead.")
    utm: dict[str, str] = Field(
        default_factory=dict,
        description="utm_* parameters of the landing page, without the prefix.",
    )
    description: str | None = Field(default=None, description="What the person asked for.")
    score: int = Field(default=0, description="Higher means more promising.")
    owner_id: UUID | None = Field(
        default=None,
        description="User who works on the lead; null while it waits in a queue.",
    )
    queue_id: UUID | None = Field(default=None, description="Queue the lead waits in; null when it has an owner.")
    arrived_at: Moment = Field(description="When the request arrived (UTC); queues hand out in this order.")
    form: str | None = Field(default=None, description="Form the lead came through.")
    is_deleted: bool = Field(default=False, description="Deleted, and can be restored.")
    deleted_at: Moment | None = Field(default=None, description="When it was deleted.")


class LeadCaptured(Fact):
    """A request arrived, or somebody entered a lead."""

    TYPE: ClassVar[str] = "crm.leads.lead.captured.v1"
    state: LeadState


class LeadChanged(Fact):
    """Fields of a lead changed."""

    TYPE: ClassVar[str] = "crm.leads.lead.changed.v1"
    state: LeadState


class LeadAssigned(Fact):
    """A lead got another owner or queue; `previous` has the former ones."""

    TYPE: ClassVar[str] = "crm.leads.lead.assigned.v1"
    state: LeadState


class LeadStatusChanged(Fact):
    """A lead moved to another status."""

    TYPE: ClassVar[str] = "crm.leads.lead.status_changed.v1"
    state: LeadState


class LeadDeleted(Fact):
    """A lead was deleted; it can be restored."""

    TYPE: ClassVar[str] = "crm.leads.lead.deleted.v1"
    TOMBSTONE: ClassVar[bool] = True
    state: LeadState


class LeadRestored(Fact):
    """A deleted lead is back."""

    TYPE: ClassVar[str] = "crm.leads.lead.restored.v1"
    state: LeadState


class QueueState(State):
    """Where leads wait until a member takes the next one."""

    name: str = Field(description="Unique name of the queue.")
    member_ids: list[UUID] = Field(default_factory=list, description="Users who may take leads from it.")
    team_ids: list[UUID] = Field(default_factory=list, description="Teams whose users may take leads from it.")
    is_default: bool = Field(default=False, description="Leads without another place go here.")


class QueueCreated(Fact):
    """A queue was added."""

    TYPE: ClassVar[str] = "crm.leads.queue.created.v1"
    state: QueueState


class QueueChanged(Fact):
    """Name or members of a queue changed."""

    TYPE: ClassVar[str] = "crm.leads.queue.changed.v1"
    state: QueueState


class QueueDeleted(Fact):
    """A queue was removed."""

    TYPE: ClassVar[str] = "crm.leads.queue.deleted.v1"
    TOMBSTONE: ClassVar[bool] = True
    state: QueueState
