"""The tables of leads."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from chassis.migrations import chassis_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXTS = (
    "first_name", "company", "title", "email", "phone", "phone_e164", "mobile", "mobile_e164", "website", "country",
    "region", "city", "street", "postal_code", "tax_number", "source", "campaign", "description", "form",
)  # fmt: skip


def moment(name: str, **options: object) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), **options)  # type: ignore[arg-type]


def record() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        moment("created_at", nullable=False, server_default=sa.func.now()),
        moment("updated_at", nullable=False, server_default=sa.func.now()),
        sa.Column("created_by", sa.Uuid),
        sa.Column("updated_by", sa.Uuid),
    ]


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    chassis_tables.upgrade(op)
    create_leads()
    create_queues()
    create_histories()
    create_forms()
    create_users()


def create_leads() -> None:
    op.create_table(
        "leads",
        *record(),
        moment("deleted_at"),
        sa.Column("last_name", sa.Text, nullable=False),
        *(sa.Column(name, sa.Text) for name in TEXTS),
        sa.Column("is_person", sa.Boolean, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("status_category", sa.Text, nullable=False),
        sa.Column("utm", JSONB, nullable=False),
        sa.Column("score", sa.Integer, nullable=False),
        sa.Column("owner_id", sa.Uuid),
        sa.Column("queue_id", sa.Uuid),
        moment("arrived_at", nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("duplicate_check", sa.Text, nullable=False),
        sa.Column("search", sa.Text, nullable=False),
        sa.CheckConstraint("(owner_id IS NULL) <> (queue_id IS NULL)", "place"),
        sa.CheckConstraint("duplicate_check IN ('done', 'pending')", "duplicate_check"),
    )
    waiting = sa.text("queue_id IS NOT NULL AND deleted_at IS NULL")
    present = sa.text("deleted_at IS NULL")
    op.create_index("ix_leads_queue", "leads", ["queue_id", "arrived_at", "id"], postgresql_where=waiting)
    op.create_index("ix_leads_created_at", "leads", ["created_at", "id"], postgresql_where=present)
    op.create_index("ix_leads_owner", "leads", ["owner_id", "created_at", "id"], postgresql_where=present)
    op.create_index("ix_leads_status", "leads", ["status", "created_at", "id"], postgresql_where=present)
    op.create_index("ix_leads_unchecked", "leads", ["id"], postgresql_where=sa.text("duplicate_check = 'pending'"))
    op.create_index(
        "ix_leads_search", "leads", ["search"], postgresql_using="gin", postgresql_ops={"search": "gin_trgm_ops"}
    )


def create_queues() -> None:
    op.create_table(
        "queues",
        *record(),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("member_ids", ARRAY(sa.Uuid), nullable=False),
        sa.Column("team_ids", ARRAY(sa.Uuid), nullable=False),
        sa.Column("is_default", sa.Boolean, nullable=False),
        moment("deleted_at"),
    )
    op.create_index("uq_queues_default", "queues", ["is_default"], unique=True, postgresql_where=sa.text("is_default"))
    op.create_index(
        "uq_queues_name",
        "queues",
        [sa.text("lower(name)")],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "picklists",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("entries", JSONB, nullable=False),
        moment("updated_at", nullable=False, server_default=sa.func.now()),
        sa.Column("updated_by", sa.Uuid),
    )


def create_histories() -> None:
    op.create_table(
        "status_changes",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("lead_id", sa.Uuid, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("changed_by", sa.Uuid),
        moment("changed_at", nullable=False, server_default=sa.text("clock_timestamp()")),
    )
    op.create_index("ix_status_changes_lead_id_id", "status_changes", ["lead_id", "id"])
    op.create_table(
        "assignments",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("lead_id", sa.Uuid, nullable=False),
        sa.Column("how", sa.Text, nullable=False),
        sa.Column("from_owner_id", sa.Uuid),
        sa.Column("from_queue_id", sa.Uuid),
        sa.Column("to_owner_id", sa.Uuid),
        sa.Column("to_queue_id", sa.Uuid),
        sa.Column("reason", sa.Text),
        sa.Column("assigned_by", sa.Uuid),
        moment("assigned_at", nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.CheckConstraint("how IN ('captured', 'taken', 'given')", "how"),
    )
    op.create_index("ix_assignments_lead_id_id", "assignments", ["lead_id", "id"])


def create_forms() -> None:
    op.create_table(
        "forms",
        *record(),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("campaign", sa.Text),
        sa.Column("queue_id", sa.Uuid),
        sa.Column("per_minute", sa.Integer, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
    )
    op.create_table(
        "submissions",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("form_id", sa.Uuid, nullable=False),
        moment("received_at", nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("lead_id", sa.Uuid),
        sa.Column("fields", JSONB, nullable=False),
        sa.CheckConstraint("outcome IN ('captured', 'duplicate', 'spam')", "outcome"),
    )
    op.create_index("ix_submissions_form_id_received_at", "submissions", ["form_id", "received_at"])
    op.create_index("ix_submissions_received_at_id", "submissions", ["received_at", "id"])


def create_users() -> None:
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


def downgrade() -> None:
    for table in (
        "user_replicas", "submissions", "forms", "assignments", "status_changes", "picklists", "queues", "leads",
    ):  # fmt: skip
        op.drop_table(table)
    chassis_tables.downgrade(op)
