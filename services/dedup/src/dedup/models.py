from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, Text, Uuid, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.db import Record, new_metadata
from contracts.dedup import DuplicateSetState

OBJECTS = ("account", "contact", "lead")
STATUSES = ("open", "dismissed", "merged", "expired")
ACTIONS = ("block", "confirm", "alert", "off")


def one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


class Base(DeclarativeBase):
    metadata = new_metadata()
    type_annotation_map = {
        str: Text,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[dict[str, Any]]: JSONB,
        list[str]: ARRAY(Text),
        list[UUID]: ARRAY(Uuid),
    }


class KnownRecord(Base):
    """Replica of an account, contact or lead, reduced to what is compared and shown."""

    __tablename__ = "records"
    __table_args__ = (CheckConstraint(one_of("object", OBJECTS), "object"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    object: Mapped[str]
    version: Mapped[int]
    label: Mapped[str]
    owner_id: Mapped[UUID | None]
    is_private: Mapped[bool]
    canonical: Mapped[dict[str, Any]]
    fingerprint: Mapped[str]
    is_deleted: Mapped[bool]


class RecordKey(Base):
    """Keys of live records. Blocking keys lead to candidates; exact keys say who inherits a claim."""

    __tablename__ = "record_keys"

    key: Mapped[str] = mapped_column(primary_key=True)
    record_id: Mapped[UUID] = mapped_column(primary_key=True, index=True)


class Claim(Base):
    """One exact key of one object belongs to one record: for ten minutes, or until the record no longer has it."""

    __tablename__ = "claims"
    __table_args__ = (
        Index("ix_claims_unconfirmed", "lease_until", postgresql_where=text("NOT is_confirmed")),
        CheckConstraint(one_of("object", OBJECTS), "object"),
    )

    object: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    record_id: Mapped[UUID] = mapped_column(index=True)
    claim_id: Mapped[UUID] = mapped_column(index=True)
    label: Mapped[str]
    is_confirmed: Mapped[bool] = mapped_column(server_default=text("false"))
    lease_until: Mapped[datetime]


class Rule(Base):
    """What happens to duplicates of one object; without a row the defaults of domain.decision hold."""

    __tablename__ = "rules"
    __table_args__ = (
        CheckConstraint(one_of("object", OBJECTS), "object"),
        CheckConstraint(one_of("on_create", ACTIONS), "on_create"),
        CheckConstraint(one_of("on_edit", ACTIONS), "on_edit"),
    )

    object: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    on_create: Mapped[str]
    on_edit: Mapped[str]
    block_on: Mapped[list[str]]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_by: Mapped[UUID | None]


class DuplicateSet(Record, Base):
    """`members` is what the event says: what a reader may see is decided from the records at the time of reading."""

    __tablename__ = "duplicate_sets"
    __table_args__ = (
        CheckConstraint(one_of("status", STATUSES), "status"),
        Index("ix_duplicate_sets_status_score_id", "status", "score", "id"),
    )

    object: Mapped[str]
    status: Mapped[str]
    score: Mapped[float]
    members: Mapped[list[dict[str, Any]]]
    owner_ids: Mapped[list[UUID]]
    reason: Mapped[str | None]
    reviewed_by: Mapped[UUID | None]
    reviewed_at: Mapped[datetime | None]

    @property
    def member_ids(self) -> list[UUID]:
        return [UUID(member["id"]) for member in self.members]

    def hold(self, members: list[dict[str, Any]], owner_ids: list[UUID]) -> bool:
        """Takes over new members; False when they are the same with the same scores."""
        before = {member["id"]: member["score"] for member in self.members or []}
        if before == {member["id"]: member["score"] for member in members}:
            return False
        objects = {member["object"] for member in members}
        self.object = objects.pop() if len(objects) == 1 else "mixed"
        self.members, self.owner_ids = members, owner_ids
        self.score = max(member["score"] for member in members)
        return True

    def dismiss(self, reviewer: UUID, reason: str, now: datetime) -> None:
        self.status, self.reason = "dismissed", reason
        self.reviewed_by, self.reviewed_at = reviewer, now

    def state(self) -> DuplicateSetState:
        return DuplicateSetState.model_validate(
            {
                "id": self.id,
                "version": self.version,
                "created_at": self.created_at,
                "updated_at": self.updated_at,
                "created_by": self.created_by,
                "updated_by": self.updated_by,
                "object": self.object,
                "status": self.status,
                "score": self.score,
                "members": self.members,
                "owner_ids": self.owner_ids,
                "reviewed_by": self.reviewed_by,
                "reviewed_at": self.reviewed_at,
            }
        )


class SetMember(Base):
    """Which records are in which set; a record is in one open set at most."""

    __tablename__ = "duplicate_set_members"
    __table_args__ = (
        Index("uq_duplicate_set_members_open", "record_id", unique=True, postgresql_where=text("is_open")),
    )

    set_id: Mapped[UUID] = mapped_column(primary_key=True)
    record_id: Mapped[UUID] = mapped_column(primary_key=True, index=True)
    is_open: Mapped[bool]


class DuplicatePair(Base):
    """The pairs behind the open sets, `one_id` < `other_id`."""

    __tablename__ = "duplicate_pairs"

    one_id: Mapped[UUID] = mapped_column(primary_key=True)
    other_id: Mapped[UUID] = mapped_column(primary_key=True, index=True)
    score: Mapped[float]
    reasons: Mapped[list[dict[str, Any]]]


class PendingMatch(Base):
    """Records whose comparison was put off, because another transaction was comparing."""

    __tablename__ = "pending_matches"

    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    queued_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp(), index=True)
    actor_type: Mapped[str]
    actor_id: Mapped[str | None]
    correlation_id: Mapped[str]


class DismissedPair(Base):
    """ "Not a duplicate", for as long as neither record changes in what is compared."""

    __tablename__ = "dismissed_pairs"

    one_id: Mapped[UUID] = mapped_column(primary_key=True)
    other_id: Mapped[UUID] = mapped_column(primary_key=True, index=True)
    one_fingerprint: Mapped[str]
    other_fingerprint: Mapped[str]
    set_id: Mapped[UUID]
    reason: Mapped[str]
    dismissed_by: Mapped[UUID]
    dismissed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Bypass(Base):
    """A block that somebody with the right set aside, and why."""

    __tablename__ = "bypasses"

    claim_id: Mapped[UUID] = mapped_column(primary_key=True)
    object: Mapped[str]
    record_id: Mapped[UUID] = mapped_column(index=True)
    user_id: Mapped[UUID]
    reason: Mapped[str]
    candidate_ids: Mapped[list[UUID]]
    rule_version: Mapped[int]
    happened_at: Mapped[datetime] = mapped_column(server_default=func.now())


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
