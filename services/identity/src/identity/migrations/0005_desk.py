"""What people set for themselves: preferences, saved views, and what they opened lately."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005_desk"
down_revision = "0004_sagas"
branch_labels = None
depends_on = None

NOW = sa.text("now()")
JSON = postgresql.JSONB()


def _moment(name: str) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=NOW)


def upgrade() -> None:
    op.create_table(
        "preferences",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("value", JSON, nullable=False),
        _moment("changed_at"),
        sa.PrimaryKeyConstraint("user_id", "name", name="pk_preferences"),
    )
    op.create_table(
        "saved_views",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("object", sa.String(60), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("query", JSON, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        _moment("created_at"),
        _moment("updated_at"),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_saved_views"),
    )
    op.create_index("uq_saved_views_name", "saved_views", ["owner_id", "object", sa.text("lower(name)")], unique=True)
    op.create_index("ix_saved_views_object", "saved_views", ["object"])
    op.create_table(
        "recents",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("object", sa.String(60), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.String(200), nullable=False),
        _moment("seen_at"),
        sa.PrimaryKeyConstraint("user_id", "object", "record_id", name="pk_recents"),
    )
    op.create_index("ix_recents_user_id_seen_at", "recents", ["user_id", "seen_at"])


def downgrade() -> None:
    for table in ("recents", "saved_views", "preferences"):
        op.drop_table(table)
