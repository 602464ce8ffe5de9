"""The tables of dedup."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from chassis.migrations import chassis_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

OBJECT = "object IN ('account', 'contact', 'lead')"
ACTION = "IN ('block', 'confirm', 'alert', 'off')"


def moment(name: str, **options: object) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), **options)  # type: ignore[arg-type]


def upgrade() -> None:
    chassis_tables.upgrade(op)
    create_records()
    create_rules()
    create_sets()
    create_decisions()
    op.create_table(
        "user_replicas",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("roles", ARRAY(sa.Text), nullable=False),
        sa.Column("team_ids", ARRAY(sa.Uuid), nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
    )


def create_records() -> None:
    op.create_table(
        "records",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("object", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("owner_id", sa.Uuid),
        sa.Column("is_private", sa.Boolean, nullable=False),
        sa.Column("canonical", JSONB, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("is_deleted", sa.Boolean, nullable=False),
        sa.CheckConstraint(OBJECT, "object"),
    )
    op.create_table(
        "record_keys",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("record_id", sa.Uuid, primary_key=True, index=True),
    )
    op.create_table(
        "claims",
        sa.Column("object", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("record_id", sa.Uuid, nullable=False, index=True),
        sa.Column("claim_id", sa.Uuid, nullable=False, index=True),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("is_confirmed", sa.Boolean, nullable=False, server_default=sa.text("false")),
        moment("lease_until", nullable=False),
        sa.CheckConstraint(OBJECT, "object"),
    )
    op.create_index("ix_claims_unconfirmed", "claims", ["lease_until"], postgresql_where=sa.text("NOT is_confirmed"))


def create_rules() -> None:
    op.create_table(
        "rules",
        sa.Column("object", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("on_create", sa.Text, nullable=False),
        sa.Column("on_edit", sa.Text, nullable=False),
        sa.Column("block_on", ARRAY(sa.Text), nullable=False),
        moment("updated_at", nullable=False, server_default=sa.func.now()),
        sa.Column("updated_by", sa.Uuid),
        sa.CheckConstraint(OBJECT, "object"),
        sa.CheckConstraint(f"on_create {ACTION}", "on_create"),
        sa.CheckConstraint(f"on_edit {ACTION}", "on_edit"),
    )


def create_sets() -> None:
    op.create_table(
        "duplicate_sets",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        moment("created_at", nullable=False, server_default=sa.func.now()),
        moment("updated_at", nullable=False, server_default=sa.func.now()),
        sa.Column("created_by", sa.Uuid),
        sa.Column("updated_by", sa.Uuid),
        sa.Column("object", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("members", JSONB, nullable=False),
        sa.Column("owner_ids", ARRAY(sa.Uuid), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("reviewed_by", sa.Uuid),
        moment("reviewed_at"),
        sa.CheckConstraint("status IN ('open', 'dismissed', 'merged', 'expired')", "status"),
    )
    op.create_index("ix_duplicate_sets_status_score_id", "duplicate_sets", ["status", "score", "id"])
    op.create_table(
        "duplicate_set_members",
        sa.Column("set_id", sa.Uuid, primary_key=True),
        sa.Column("record_id", sa.Uuid, primary_key=True, index=True),
        sa.Column("is_open", sa.Boolean, nullable=False),
    )
    op.create_index(
        "uq_duplicate_set_members_open",
        "duplicate_set_members",
        ["record_id"],
        unique=True,
        postgresql_where=sa.text("is_open"),
    )
    op.create_table(
        "duplicate_pairs",
        sa.Column("one_id", sa.Uuid, primary_key=True),
        sa.Column("other_id", sa.Uuid, primary_key=True, index=True),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("reasons", JSONB, nullable=False),
    )
    op.create_table(
        "pending_matches",
        sa.Column("record_id", sa.Uuid, primary_key=True),
        moment("queued_at", nullable=False, server_default=sa.text("clock_timestamp()"), index=True),
        sa.Column("actor_type", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Text),
        sa.Column("correlation_id", sa.Text, nullable=False),
    )


def create_decisions() -> None:
    op.create_table(
        "dismissed_pairs",
        sa.Column("one_id", sa.Uuid, primary_key=True),
        sa.Column("other_id", sa.Uuid, primary_key=True, index=True),
        sa.Column("one_fingerprint", sa.Text, nullable=False),
        sa.Column("other_fingerprint", sa.Text, nullable=False),
        sa.Column("set_id", sa.Uuid, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("dismissed_by", sa.Uuid, nullable=False),
        moment("dismissed_at", nullable=False, server_default=sa.func.now()),
    )
    op.create_table(
        "bypasses",
        sa.Column("claim_id", sa.Uuid, primary_key=True),
        sa.Column("object", sa.Text, nullable=False),
        sa.Column("record_id", sa.Uuid, nullable=False, index=True),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("candidate_ids", ARRAY(sa.Uuid), nullable=False),
        sa.Column("rule_version", sa.Integer, nullable=False),
        moment("happened_at", nullable=False, server_default=sa.func.now()),
    )


def downgrade() -> None:
    for table in (
        "bypasses", "dismissed_pairs", "pending_matches", "duplicate_pairs", "duplicate_set_members", "duplicate_sets",
        "rules", "claims", "record_keys", "records", "user_replicas",
    ):  # fmt: skip
        op.drop_table(table)
    chassis_tables.downgrade(op)
