"""The tables of activities."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from chassis.migrations import chassis_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    chassis_tables.upgrade(op)
    create_activities()
    create_record_replicas()
    create_user_replicas()
    create_zone_data()
    create_reminders()
    create_timeline_entries()


def downgrade() -> None:
    for table in ("timeline_entries", "reminders", "zone_data", "user_replicas", "record_replicas", "activities"):
        op.drop_table(table)
    chassis_tables.downgrade(op)


def create_activities() -> None:
    op.create_table(
        "activities",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("duration_minutes", sa.Integer(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wall_time", sa.DateTime(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("links", JSONB(), nullable=False),
        sa.Column("reminders", JSONB(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('call', 'task', 'appointment', 'note')", name=op.f("ck_activities_kind")),
        sa.CheckConstraint("status IN ('planned', 'done', 'cancelled')", name=op.f("ck_activities_status")),
        sa.CheckConstraint("(wall_time IS NULL) OR (due_on IS NULL)", name=op.f("ck_activities_one_time")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activities")),
    )
    op.create_index(
        "ix_activities_agenda",
        "activities",
        ["assignee_id", "starts_at"],
        unique=False,
        postgresql_where=sa.text("status = 'planned'"),
    )
    op.create_index("ix_activities_created_at", "activities", ["created_at", "id"], unique=False)
    op.create_index("ix_activities_owner_id", "activities", ["owner_id"], unique=False)


def create_record_replicas() -> None:
    op.create_table(
        "record_replicas",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("is_private", sa.Boolean(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.CheckConstraint("object IN ('account', 'contact', 'lead')", name=op.f("ck_record_replicas_object")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_replicas")),
    )


def create_user_replicas() -> None:
    op.create_table(
        "user_replicas",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("team_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("roles", ARRAY(sa.Text()), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_replicas")),
    )


def create_zone_data() -> None:
    op.create_table(
        "zone_data",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("release", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zone_data")),
    )


def create_reminders() -> None:
    op.create_table(
        "reminders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column("wall_time", sa.DateTime(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("minutes_before", sa.Integer(), nullable=False),
        sa.Column("rrule", sa.Text(), nullable=True),
        sa.Column("channels", ARRAY(sa.Text()), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state IN ('pending', 'fired', 'cancelled', 'missed')", name=op.f("ck_reminders_state")),
        sa.ForeignKeyConstraint(["activity_id"], ["activities.id"], name=op.f("fk_reminders_activity_id_activities")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminders")),
        sa.UniqueConstraint("activity_id", "position", name=op.f("uq_reminders_activity_id_position")),
    )
    op.create_index(
        "ix_reminders_due", "reminders", ["due_at"], unique=False, postgresql_where=sa.text("state = 'pending'")
    )
    op.create_index(
        "ix_reminders_recipient_id",
        "reminders",
        ["recipient_id"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )


def create_timeline_entries() -> None:
    op.create_table(
        "timeline_entries",
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("via_id", sa.Uuid(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("is_contact", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["activities.id"], name=op.f("fk_timeline_entries_activity_id_activities")
        ),
        sa.PrimaryKeyConstraint("activity_id", "object", "record_id", name=op.f("pk_timeline_entries")),
    )
    op.create_index(
        "ix_timeline_entries_last_contact",
        "timeline_entries",
        ["object", "record_id", "at"],
        unique=False,
        postgresql_where=sa.text("is_contact"),
    )
    op.create_index(
        "ix_timeline_entries_record", "timeline_entries", ["object", "record_id", "rank", "activity_id"], unique=False
    )
    op.create_index(
        "ix_timeline_entries_unresolved",
        "timeline_entries",
        ["record_id"],
        unique=False,
        postgresql_where=sa.text("object = 'contact' AND resolved_at IS NULL"),
    )
