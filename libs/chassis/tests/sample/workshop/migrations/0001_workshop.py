"""Teams."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from chassis.migrations import chassis_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    chassis_tables.upgrade(op)
    op.create_table(
        "teams",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("created_by", sa.Uuid),
        sa.Column("updated_by", sa.Uuid),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("owner_id", sa.Uuid),
        sa.Column("size", sa.Integer),
        sa.Column("founded_on", sa.Date),
        sa.Column("budget", sa.Numeric),
        sa.Column("is_open", sa.Boolean),
        sa.Column("tags", ARRAY(sa.Text)),
        sa.Column("email", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_teams"),
        sa.UniqueConstraint("name", name="uq_teams_name"),
    )
    op.create_table(
        "user_replicas",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("team_ids", ARRAY(sa.Uuid), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_user_replicas"),
    )


def downgrade() -> None:
    op.drop_table("user_replicas")
    op.drop_table("teams")
    chassis_tables.downgrade(op)
