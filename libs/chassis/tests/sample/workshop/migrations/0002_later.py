"""What the chassis got after the first release."""

from alembic import op

from chassis.migrations import chassis_tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("operator_audit", "operator_jobs", "inbox_done", "sagas", "saga_steps", "saga_works")
COLUMNS = {"consumer_offset": "topic_id", "inbox": "postponed"}


def upgrade() -> None:
    chassis_tables.add(op, *TABLES)
    chassis_tables.add_columns(op, **COLUMNS)


def downgrade() -> None:
    chassis_tables.remove_columns(op, **COLUMNS)
    chassis_tables.remove(op, *TABLES)
