from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, Text, Uuid, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from uuid_utils.compat import uuid7

from chassis.db import Record, SoftDelete, new_metadata
from chassis.fields import e164
from contracts.leads import LeadState, QueueState
from leads.domain import Status, digits, folded

WAITING = text("queue_id IS NOT NULL AND deleted_at IS NULL")
PRESENT = text("deleted_at IS NULL")
PHONES = ("phone", "mobile")


class Base(DeclarativeBase):
    metadata = new_metadata()
    type_annotation_map = {
        str: Text,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        dict[str, str]: JSONB,
        list[dict[str, str]]: JSONB,
        list[str]: ARRAY(Text),
        list[UUID]: ARRAY(Uuid),
    }


class Lead(Record, SoftDelete, Base):
    """Somebody who may become a customer. Belongs to a user or waits in a queue, always one of the two."""

    __tablename__ = "leads"
    __table_args__ = (
        CheckConstraint("(owner_id IS NULL) <> (queue_id IS NULL)", "place"),
        CheckConstraint("duplicate_check IN ('done', 'pending')", "duplicate_check"),
        Index("ix_leads_queue", "queue_id", "arrived_at", "id", postgresql_where=WAITING),
        Index("ix_leads_created_at", "created_at", "id", postgresql_where=PRESENT),
        Index("ix_leads_owner", "owner_id", "created_at", "id", postgresql_where=PRESENT),
        Index("ix_leads_status", "status", "created_at", "id", postgresql_where=PRESENT),
        Index("ix_leads_unchecked", "id", postgresql_where=text("duplicate_check = 'pending'")),
        Index("ix_leads_search", "search", postgresql_using="gin", postgresql_ops={"search": "gin_trgm_ops"}),
    )

    first_name: Mapped[str | None]
    last_name: Mapped[str]
    company: Mapped[str | None]
    is_person: Mapped[bool]
    title: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    phone_e164: Mapped[str | None]
    mobile: Mapped[str | None]
    mobile_e164: Mapped[str | None]
    website: Mapped[str | None]
    country: Mapped[str | None]
    region: Mapped[str | None]
    city: Mapped[str | None]
    street: Mapped[str | None]
    postal_code: Mapped[str | None]
    tax_number: Mapped[str | None]
    status: Mapped[str]
    status_category: Mapped[str]
    source: Mapped[str | None]
    campaign: Mapped[str | None]
    utm: Mapped[dict[str, str]]
    description: Mapped[str | None]
    score: Mapped[int]
    owner_id: Mapped[UUID | None]
    queue_id: Mapped[UUID | None]
    arrived_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    form: Mapped[str | None]
    duplicate_check: Mapped[str]
    search: Mapped[str]

    @property
    def name(self) -> str:
        return f"{self.first_name or ''} {self.last_name}".strip()

    def fill(self, values: Mapping[str, Any]) -> set[str]:
        """Takes over fields and derives the rest; the names that are different now."""
        changed = {name for name, value in values.items() if getattr(self, name) != value}
        for name in changed:
            setattr(self, name, values[name])
        for name in PHONES:
            setattr(self, f"{name}_e164", e164(getattr(self, name), self.country))
        numbers = (digits(self.phone), digits(self.mobile), self.phone_e164, self.mobile_e164)
        self.search = folded(self.first_name, self.last_name, self.company, self.email, self.tax_number, *numbers)
        return changed

    def move(self, status: Status) -> None:
        self.status, self.status_category = status.value, status.category

    def assign(self, *, owner_id: UUID | None = None, queue_id: UUID | None = None) -> None:
        """To a user or to a queue. The time of arrival stays, so nobody loses the place in the line."""
        self.owner_id, self.queue_id = owner_id, None if owner_id else queue_id

    def state(self) -> LeadState:
        return LeadState.model_validate({name: getattr(self, name) for name in LeadState.model_fields})


class Queue(Record, Base):
    """Where leads wait. `member_ids` are users, `team_ids` teams whose users are members too."""

    __tablename__ = "queues"
    __table_args__ = (
        Index("uq_queues_default", "is_default", unique=True, postgresql_where=text("is_default")),
        Index("uq_queues_name", func.lower(text("name")), unique=True, postgresql_where=text("deleted_at IS NULL")),
    )

    name: Mapped[str]
    member_ids: Mapped[list[UUID]]
    team_ids: Mapped[list[UUID]]
    is_default: Mapped[bool]
    deleted_at: Mapped[datetime | None]

    def has_member(self, user_id: UUID, team_ids: frozenset[UUID]) -> bool:
        return user_id in self.member_ids or not team_ids.isdisjoint(self.team_ids)

    def state(self) -> QueueState:
        return QueueState.model_validate({name: getattr(self, name) for name in QueueState.model_fields})


class Picklist(Base):
    """A list of values that the organisation keeps itself; without a row the defaults of the domain hold."""

    __tablename__ = "picklists"

    name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    entries: Mapped[list[dict[str, str]]]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_by: Mapped[UUID | None]


class StatusChange(Base):
    __tablename__ = "status_changes"
    __table_args__ = (Index("ix_status_changes_lead_id_id", "lead_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    lead_id: Mapped[UUID]
    before: Mapped[str]
    after: Mapped[str]
    reason: Mapped[str | None]
    changed_by: Mapped[UUID | None]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class Assignment(Base):
    """Who got a lead from whom, and how: captured, taken from a queue, or given by somebody."""

    __tablename__ = "assignments"
    __table_args__ = (
        CheckConstraint("how IN ('captured', 'taken', 'given')", "how"),
        Index("ix_assignments_lead_id_id", "lead_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    lead_id: Mapped[UUID]
    how: Mapped[str]
    from_owner_id: Mapped[UUID | None]
    from_queue_id: Mapped[UUID | None]
    to_owner_id: Mapped[UUID | None]
    to_queue_id: Mapped[UUID | None]
    reason: Mapped[str | None]
    assigned_by: Mapped[UUID | None]
    assigned_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class Form(Record, Base):
    """A form on somebody's web site. The key is public: it says which form, it opens nothing else."""

    __tablename__ = "forms"

    key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    source: Mapped[str]
    campaign: Mapped[str | None]
    queue_id: Mapped[UUID | None]
    per_minute: Mapped[int]
    is_active: Mapped[bool]


class Submission(Base):
    """Everything that came through a form, also what did not become a lead, so that no request is lost."""

    __tablename__ = "submissions"
    __table_args__ = (
        CheckConstraint("outcome IN ('captured', 'duplicate', 'spam')", "outcome"),
        Index("ix_submissions_form_id_received_at", "form_id", "received_at"),
        Index("ix_submissions_received_at_id", "received_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    form_id: Mapped[UUID]
    received_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    outcome: Mapped[str]
    lead_id: Mapped[UUID | None]
    fields: Mapped[dict[str, Any]]


class UserReplica(Base):
    __tablename__ = "user_replicas"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    name: Mapped[str]
    email: Mapped[str]
    roles: Mapped[list[str]]
    team_ids: Mapped[list[UUID]]
    is_active: Mapped[bool]
    time_zone: Mapped[str]
    locale: Mapped[str]
