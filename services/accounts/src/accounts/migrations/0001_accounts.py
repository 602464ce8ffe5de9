"""The tables of accounts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from chassis.migrations import chassis_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ADDRESS = ("street", "city", "region", "postal_code", "country")
LIVING = sa.text("deleted_at IS NULL")


def moment(name: str, **options: object) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), **options)  # type: ignore[arg-type]


def texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String) for name in names]


def record() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        moment("created_at", nullable=False, server_default=sa.func.now()),
        moment("updated_at", nullable=False, server_default=sa.func.now()),
        sa.Column("created_by", sa.Uuid),
        sa.Column("updated_by", sa.Uuid),
    ]


def searchable() -> list[sa.Column[object]]:
    return [
        sa.Column("owner_id", sa.Uuid, nullable=False),
        sa.Column("search_key", sa.String(collation="C"), nullable=False),
        sa.Column("search_text", sa.String, nullable=False),
        moment("deleted_at"),
    ]


def index_living(table: str, indexes: dict[str, tuple[str, ...]]) -> None:
    for name, columns in indexes.items():
        op.create_index(f"ix_{table}_{name}", table, list(columns), postgresql_where=LIVING)
    op.create_index(
        f"ix_{table}_search_text",
        table,
        ["search_text"],
        postgresql_using="gin",
        postgresql_ops={"search_text": "gin_trgm_ops"},
        postgresql_with={"gin_pending_list_limit": "256"},
    )


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    chassis_tables.upgrade(op)
    create_accounts()
    create_contacts()
    create_imports()
    op.create_table(
        "user_replicas",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("email", sa.String, nullable=False),
        sa.Column("roles", ARRAY(sa.Text), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("team_ids", ARRAY(sa.Uuid), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("time_zone", sa.String, nullable=False),
        sa.Column("locale", sa.String, nullable=False),
    )


def create_accounts() -> None:
    op.create_table(
        "accounts",
        *record(),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        *texts("legal_name", "account_number", "external_id", "site", "type", "industry", "rating"),
        *texts("phone", "phone_e164", "fax", "email", "website", "tax_number", "tax_country"),
        sa.Column("employees", sa.Integer),
        sa.Column("annual_revenue_amount", sa.Numeric(20, 4)),
        *texts("annual_revenue_currency", "currency", "description", "first_name", "last_name"),
        sa.Column("birthday", sa.Date),
        *texts(*(f"{prefix}_{part}" for prefix in ("billing", "shipping") for part in ADDRESS)),
        sa.Column("parent_id", sa.Uuid, sa.ForeignKey("accounts.id")),
        *texts("source"),
        sa.Column("verification", sa.String, nullable=False),
        *texts("verification_reason"),
        sa.Column("verified_by", sa.Uuid),
        sa.Column("duplicate_of", sa.Uuid),
        *searchable(),
        sa.CheckConstraint("kind IN ('business', 'person')", "kind"),
        sa.CheckConstraint("verification IN ('to_verify', 'verified', 'rejected')", "verification"),
        sa.CheckConstraint("parent_id <> id", "own_parent"),
    )
    index_living(
        "accounts",
        {
            "search_key": ("search_key", "id"),
            "created_at": ("created_at", "id"),
            "updated_at": ("updated_at", "id"),
            "owner": ("owner_id", "created_at", "id"),
            "verification": ("verification", "created_at", "id"),
            "industry": ("industry", "search_key", "id"),
            "type": ("type", "search_key", "id"),
            "billing_city": ("billing_city", "search_key", "id"),
            "email": ("email",),
            "phone_e164": ("phone_e164",),
            "tax_number": ("tax_number",),
            "external_id": ("external_id",),
            "parent": ("parent_id",),
        },
    )


def create_contacts() -> None:
    op.create_table(
        "contacts",
        *record(),
        sa.Column("account_id", sa.Uuid, sa.ForeignKey("accounts.id")),
        *texts("external_id", "first_name"),
        sa.Column("last_name", sa.String, nullable=False),
        *texts("title", "department"),
        sa.Column("roles", ARRAY(sa.Text), nullable=False, server_default=sa.text("'{}'")),
        *texts("email", "phone", "phone_e164", "mobile", "mobile_e164"),
        sa.Column("birthday", sa.Date),
        *texts(*(f"mailing_{part}" for part in ADDRESS), "description"),
        sa.Column("do_not_call", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("email_opt_out", sa.Boolean, nullable=False, server_default=sa.text("false")),
        *texts("source"),
        *searchable(),
    )
    index_living(
        "contacts",
        {
            "search_key": ("search_key", "id"),
            "created_at": ("created_at", "id"),
            "updated_at": ("updated_at", "id"),
            "owner": ("owner_id", "created_at", "id"),
            "account": ("account_id", "search_key", "id"),
            "email": ("email",),
            "phone_e164": ("phone_e164",),
            "mobile_e164": ("mobile_e164",),
            "external_id": ("external_id",),
        },
    )


def create_imports() -> None:
    numbers = ("total", "done_through", "created", "duplicate", "failed", "with_warnings")
    op.create_table(
        "imports",
        *record(),
        *(
            sa.Column(name, sa.String, nullable=False)
            for name in (
                "object",
                "filename",
                "status",
                "encoding",
                "delimiter",
                "duplicates",
                "on_invalid",
                "correlation_id",
            )
        ),
        *(sa.Column(name, JSONB, nullable=False) for name in ("header", "mapping", "owner_roles")),
        *texts("country", "waiting_for", "problem"),
        sa.Column("is_dry_run", sa.Boolean, nullable=False),
        *(sa.Column(name, sa.Integer, nullable=False) for name in numbers),
        sa.Column("owner_id", sa.Uuid, nullable=False),
        moment("started_at"),
        moment("finished_at"),
        sa.CheckConstraint("object IN ('accounts', 'contacts')", "object"),
        sa.CheckConstraint("status IN ('pending', 'running', 'completed', 'failed', 'cancelled')", "status"),
        sa.CheckConstraint("duplicates IN ('rule', 'alert')", "duplicates"),
        sa.CheckConstraint("on_invalid IN ('leave_out', 'fail_row')", "on_invalid"),
    )
    op.create_index("ix_imports_owner", "imports", ["owner_id", "created_at", "id"])
    op.create_index("ix_imports_created_at", "imports", ["created_at", "id"])
    op.create_table(
        "import_leases",
        sa.Column("import_id", sa.Uuid, sa.ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("holder", sa.Uuid),
        moment("until", nullable=False, server_default=sa.text("'-infinity'")),
    )
    op.create_table(
        "import_files",
        sa.Column("import_id", sa.Uuid, sa.ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "import_rows",
        sa.Column("import_id", sa.Uuid, sa.ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("record_id", sa.Uuid),
        sa.Column("duplicate_of", sa.Uuid),
        sa.Column("problems", JSONB, nullable=False),
        sa.Column("cells", JSONB),
        sa.Column("claim_id", sa.Uuid),
        sa.CheckConstraint("outcome IN ('created', 'duplicate', 'failed')", "outcome"),
    )
    op.create_index("ix_import_rows_outcome", "import_rows", ["import_id", "outcome", "number"])


def downgrade() -> None:
    for table in ("import_rows", "import_files", "import_leases", "imports", "contacts", "accounts", "user_replicas"):
        op.drop_table(table)
    chassis_tables.downgrade(op)
