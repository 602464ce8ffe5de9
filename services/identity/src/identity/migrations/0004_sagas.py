"""What sagas keep: their own state, and what was done for those of others."""

from alembic import op

from chassis.migrations import chassis_tables

revision = "0004_sagas"
down_revision = "0003_consumers"
branch_labels = None
depends_on = None

TABLES = ("sagas", "saga_steps", "saga_works")


def upgrade() -> None:
    chassis_tables.add(op, *TABLES)


def downgrade() -> None:
    chassis_tables.remove(op, *TABLES)
