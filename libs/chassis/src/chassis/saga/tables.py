"""What sagas keep: the owner its sagas and what it heard, a participant what it did for each step."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.columns import NOW, moment

_pending = text("state = 'pending'")


def register(metadata: MetaData) -> None:
    """Adds the tables to a service's metadata."""
    _sagas(metadata)
    _steps(metadata)
    _works(metadata)


def _sagas(metadata: MetaData) -> None:
    # state and due_at make it a due queue (chassis.due): the row is looked at when its current step is late.
    Table(
        "sagas",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("name", Text, nullable=False),
        Column("subject_id", Uuid, nullable=False),
        Column("request_key", Text, nullable=False),
        Column("input", JSONB, nullable=False),
        Column("status", Text, nullable=False),
        Column("step", Integer, nullable=False),
        Column("sends", Integer, nullable=False),
        Column("messages", BigInteger, nullable=False),
        Column("reason", Text),
        Column("detail", Text),
        Column("actor_type", Text, nullable=False),
        Column("actor_id", Text),
        Column("correlation_id", Text, nullable=False),
        Column("state", Text, nullable=False, server_default=text("'pending'")),
        moment("due_at", nullable=False),
        moment("deadline_at", nullable=False),
        moment("started_at", nullable=False, server_default=NOW),
        moment("finished_at"),
        UniqueConstraint("name", "request_key"),
        Index("ix_sagas_running", "name", "subject_id", unique=True, postgresql_where=_pending),
        Index("ix_sagas_due_at", "due_at", postgresql_where=_pending),
    )


def _steps(metadata: MetaData) -> None:
    Table(
        "saga_steps",
        metadata,
        Column("saga_id", Uuid, ForeignKey("sagas.id"), primary_key=True),
        Column("step", Text, primary_key=True),
        Column("outcome", Text, nullable=False),
        Column("reply", JSONB, nullable=False, server_default=text("'{}'")),
        moment("changed_at", nullable=False, server_default=NOW),
    )


def _works(metadata: MetaData) -> None:
    Table(
        "saga_works",
        metadata,
        Column("saga_id", Uuid, primary_key=True),
        Column("step", Text, primary_key=True),
        Column("outcome", Text, nullable=False),
        Column("reply", JSONB, nullable=False, server_default=text("'{}'")),
        Column("replies", BigInteger, nullable=False, server_default=text("0")),
        moment("created_at", nullable=False, server_default=NOW),
    )


SAGAS = MetaData()
register(SAGAS)
SAGA = SAGAS.tables["sagas"]
SAGA_STEP = SAGAS.tables["saga_steps"]
SAGA_WORK = SAGAS.tables["saga_works"]
