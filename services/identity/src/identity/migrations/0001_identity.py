"""Users, teams, sign-in sessions, service accounts, signing keys."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from chassis.migrations import chassis_tables

revision = "0001_identity"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

NOW = sa.text("now()")


def _moment(name: str, *, nullable: bool = False, stamped: bool = True) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, server_default=NOW if stamped else None)


def _record() -> list[sa.Column]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        _moment("created_at"),
        _moment("updated_at"),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
    ]


def upgrade() -> None:
    chassis_tables.upgrade(op)
    _people()
    _sign_in()
    _keys()


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("team_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("locale", sa.String(35), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        *_record(),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
    )
    op.create_index("uq_users_email", "users", [sa.text("lower(email)")], unique=True)
    op.create_index("ix_users_team_ids", "users", ["team_ids"], postgresql_using="gin")
    op.create_table(
        "teams",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("manager_id", sa.Uuid(), nullable=True),
        _moment("deleted_at", nullable=True, stamped=False),
        *_record(),
        sa.PrimaryKeyConstraint("id", name="pk_teams"),
        sa.ForeignKeyConstraint(["manager_id"], ["users.id"], name="fk_teams_manager_id_users"),
    )
    op.create_index(
        "uq_teams_name", "teams", [sa.text("lower(name)")], unique=True, postgresql_where=sa.text("deleted_at IS NULL")
    )


def _sign_in() -> None:
    op.create_table(
        "credentials",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        _moment("changed_at"),
        sa.PrimaryKeyConstraint("user_id", name="pk_credentials"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_credentials_user_id_users", ondelete="CASCADE"),
    )
    op.create_table(
        "sign_in_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        _moment("created_at"),
        _moment("last_used_at"),
        _moment("expires_at", stamped=False),
        _moment("revoked_at", nullable=True, stamped=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("user_agent", sa.String(300), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_sessions"),
        sa.UniqueConstraint("token_hash", name="uq_sign_in_sessions_token_hash"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_sign_in_sessions_user_id_users", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_sign_in_sessions_user_id", "sign_in_sessions", ["user_id"])
    op.create_index("ix_sign_in_sessions_expires_at", "sign_in_sessions", ["expires_at"])
    op.create_table(
        "sign_in_throttles",
        sa.Column("key", sa.String(64), nullable=False),
        _moment("whole_at", stamped=False),
        sa.PrimaryKeyConstraint("key", name="pk_sign_in_throttles"),
    )
    op.create_index("ix_sign_in_throttles_whole_at", "sign_in_throttles", ["whole_at"])


def _keys() -> None:
    op.create_table(
        "service_accounts",
        sa.Column("client_id", sa.String(100), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False, server_default=sa.text("true")),
        _moment("updated_at"),
        sa.PrimaryKeyConstraint("client_id", name="pk_service_accounts"),
    )
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.String(64), nullable=False),
        sa.Column("public", postgresql.JSONB(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        _moment("created_at"),
        _moment("retired_at", nullable=True, stamped=False),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_keys"),
    )


def downgrade() -> None:
    for table in ("signing_keys", "service_accounts", "sign_in_throttles", "sign_in_sessions", "credentials"):
        op.drop_table(table)
    op.drop_table("teams")
    op.drop_table("users")
    chassis_tables.downgrade(op)
