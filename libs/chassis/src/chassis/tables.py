"""The tables that every service's database has besides its own. One place, used by models and migrations alike."""

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis import handled
from chassis.columns import NOW, moment
from chassis.saga import tables as sagas

SHARDS = 16
"""Fixed for ever: a row's shard is drawn from its aggregate id once, and order per aggregate hangs on it."""

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def register(metadata: MetaData) -> None:
    """Adds the chassis tables to a service's metadata."""
    _outbox(metadata)
    _relay(metadata)
    _consumers(metadata)
    _requests(metadata)
    _history(metadata)
    _operations(metadata)
    sagas.register(metadata)


def _event_columns() -> list[Column[object]]:
    return [
        Column("shard", SmallInteger, nullable=False),
        Column("topic", Text, nullable=False),
        Column("state_topic", Text),
        Column("tombstone", Boolean, nullable=False, server_default=text("false")),
        Column("aggregate_type", Text, nullable=False),
        Column("aggregate_id", Uuid, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("event_id", Uuid, nullable=False),
        Column("type", Text, nullable=False),
        Column("headers", JSONB, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        moment("created_at", nullable=False, server_default=NOW),
    ]


def _outbox(metadata: MetaData) -> None:
    # The id comes from an identity with cache 1 and is drawn while the aggregate's row lock is held:
    # then the order of ids is the order of changes, per aggregate.
    Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        *_event_columns(),
        UniqueConstraint("event_id"),
        UniqueConstraint("aggregate_type", "aggregate_id", "version", "type"),
        Index("ix_outbox_shard_id", "shard", "id"),
        postgresql_with={
            "autovacuum_vacuum_scale_factor": 0,
            "autovacuum_vacuum_threshold": 5000,
            "autovacuum_vacuum_cost_delay": 0,
        },
    )
    Table(
        "outbox_parked",
        metadata,
        Column("id", BigInteger, primary_key=True, autoincrement=False),
        *_event_columns(),
        Column("reason", Text, nullable=False),
        moment("parked_at", nullable=False, server_default=NOW),
        Index("ix_outbox_parked_aggregate_id", "aggregate_id"),
    )


def _relay(metadata: MetaData) -> None:
    Table(
        "outbox_shard",
        metadata,
        Column("shard", SmallInteger, primary_key=True, autoincrement=False),
        Column("owner", Text),
        Column("term", BigInteger, nullable=False, server_default=text("0")),
        moment("lease_until", nullable=False, server_default=text("'-infinity'")),
    )
    Table("relay_member", metadata, Column("owner", Text, primary_key=True), moment("seen_at", nullable=False))


def _consumers(metadata: MetaData) -> None:
    Table(
        "consumer_offset",
        metadata,
        Column("grp", Text, primary_key=True),
        Column("topic", Text, primary_key=True),
        Column("partition", Integer, primary_key=True, autoincrement=False),
        Column("next", BigInteger, nullable=False),
        Column("first_seen", BigInteger, nullable=False),
        Column("topic_id", Text),
        moment("updated_at", nullable=False, server_default=NOW),
    )
    _inbox(metadata)
    handled.register(metadata)
    Table(
        "quarantine",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("topic", Text, nullable=False),
        Column("partition", Integer, nullable=False),
        Column("offset", BigInteger, nullable=False),
        Column("key", LargeBinary),
        Column("headers", JSONB, nullable=False),
        Column("value", LargeBinary),
        Column("error", Text, nullable=False),
        moment("quarantined_at", nullable=False, server_default=NOW),
        UniqueConstraint("topic", "partition", "offset"),
    )


def _inbox(metadata: MetaData) -> None:
    Table(
        "inbox",
        metadata,
        Column("seq", BigInteger, Identity(always=True), primary_key=True),
        Column("handler", Text, nullable=False),
        Column("event_id", Uuid, nullable=False),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("headers", JSONB, nullable=False),
        Column("payload", LargeBinary),
        Column("state", Text, nullable=False, server_default=text("'pending'")),
        Column("attempts", Integer, nullable=False, server_default=text("0")),
        Column("postponed", Integer, nullable=False, server_default=text("0")),
        moment("next_at", nullable=False, server_default=NOW),
        Column("lease_token", Uuid),
        moment("lease_until"),
        Column("error", Text),
        moment("created_at", nullable=False, server_default=NOW),
        moment("done_at"),
        UniqueConstraint("handler", "event_id"),
        Index("ix_inbox_unfinished", "handler", "key", "seq", postgresql_where=text("state <> 'done'")),
        Index("ix_inbox_next_at", "next_at", postgresql_where=text("state = 'pending'")),
        Index("ix_inbox_done_at", "done_at", postgresql_where=text("state = 'done'")),
    )


def _requests(metadata: MetaData) -> None:
    Table(
        "idempotency_keys",
        metadata,
        Column("principal_id", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("request_hash", LargeBinary, nullable=False),
        Column("status", Integer),
        Column("headers", JSONB),
        Column("body", LargeBinary),
        moment("created_at", nullable=False, server_default=NOW),
        Index("ix_idempotency_keys_created_at", "created_at"),
    )


def _history(metadata: MetaData) -> None:
    Table(
        "field_history",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("object", Text, nullable=False),
        Column("object_id", Uuid, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("field", Text, nullable=False),
        Column("old", JSONB),
        Column("new", JSONB),
        Column("actor_type", Text, nullable=False),
        Column("actor_id", Text),
        Column("correlation_id", Text, nullable=False),
        moment("changed_at", nullable=False, server_default=NOW),
        Index("ix_field_history_object_id_id", "object_id", "id"),
    )


# Also against the owner of the table, whom no privilege keeps from changing it.
_REFUSE_CHANGE = """
create or replace function refuse_change() returns trigger language plpgsql as $$
begin raise exception '%% is append-only', tg_table_name using errcode = '42501'; end $$"""
_APPEND_ONLY = """
create trigger append_only before update or delete or truncate on operator_audit
for each statement execute function refuse_change()"""


def _operations(metadata: MetaData) -> None:
    audit = Table(
        "operator_audit",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        moment("at", nullable=False, server_default=NOW),
        Column("actor_id", Text, nullable=False),
        Column("actor_name", Text, nullable=False),
        Column("action", Text, nullable=False),
        Column("object", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("result", Text, nullable=False),
        Column("details", JSONB, nullable=False, server_default=text("'{}'")),
        Column("correlation_id", Text, nullable=False),
    )
    for occasion, statement in (
        ("after_create", _REFUSE_CHANGE),
        ("after_create", _APPEND_ONLY),
        ("after_drop", "drop function if exists refuse_change()"),
    ):
        event.listen(audit, occasion, DDL(statement))  # type: ignore[no-untyped-call]
    Table(
        "operator_jobs",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("parameters", JSONB, nullable=False),
        Column("state", Text, nullable=False, server_default=text("'pending'")),
        Column("actor_id", Text, nullable=False),
        Column("actor_name", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("correlation_id", Text, nullable=False),
        Column("progress", JSONB, nullable=False, server_default=text("'{}'")),
        Column("result", JSONB, nullable=False, server_default=text("'{}'")),
        Column("lease_token", Uuid),
        moment("lease_until"),
        moment("created_at", nullable=False, server_default=NOW),
        moment("started_at"),
        moment("finished_at"),
        Index("ix_operator_jobs_unfinished", "created_at", postgresql_where=text("finished_at is null")),
    )


CHASSIS = MetaData(naming_convention=NAMING)
register(CHASSIS)

OUTBOX = CHASSIS.tables["outbox"]
OUTBOX_PARKED = CHASSIS.tables["outbox_parked"]
OUTBOX_SHARD = CHASSIS.tables["outbox_shard"]
CONSUMER_OFFSET = CHASSIS.tables["consumer_offset"]
INBOX = CHASSIS.tables["inbox"]
INBOX_DONE = CHASSIS.tables["inbox_done"]
QUARANTINE = CHASSIS.tables["quarantine"]
IDEMPOTENCY_KEYS = CHASSIS.tables["idempotency_keys"]
FIELD_HISTORY = CHASSIS.tables["field_history"]
OPERATOR_AUDIT = CHASSIS.tables["operator_audit"]
OPERATOR_JOBS = CHASSIS.tables["operator_jobs"]
