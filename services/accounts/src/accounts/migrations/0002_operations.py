"""The tables behind the operators' commands."""

from alembic import op

from chassis.migrations import chassis_tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("operator_audit", "operator_jobs")


def upgrade() -> None:
    chassis_tables.add(op, *TABLES)


def downgrade() -> None:
    chassis_tables.remove(op, *TABLES)
