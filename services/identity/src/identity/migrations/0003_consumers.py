"""Ids of handled events in daily partitions; what the consumers note besides."""

from alembic import op

from chassis.migrations import chassis_tables

revision = "0003_consumers"
down_revision = "0002_operations"
branch_labels = None
depends_on = None

COLUMNS = {"consumer_offset": "topic_id", "inbox": "postponed"}


def upgrade() -> None:
    chassis_tables.add(op, "inbox_done")
    chassis_tables.add_columns(op, **COLUMNS)


def downgrade() -> None:
    chassis_tables.remove_columns(op, **COLUMNS)
    chassis_tables.remove(op, "inbox_done")
