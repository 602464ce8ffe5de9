from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from accounts.models.tables import Base
from chassis.db import Record
from contracts.accounts import ImportState

PENDING, RUNNING, COMPLETED, FAILED, CANCELLED = "pending", "running", "completed", "failed", "cancelled"
UNFINISHED, FINISHED = (PENDING, RUNNING), (COMPLETED, FAILED, CANCELLED)


class Import(Record, Base):
    """One uploaded table and how far it has been read in.

    `done_through` is the last spreadsheet row whose outcome is stored. It moves in the transaction that stores the
    outcomes and the records, so whoever goes on after a crash starts behind it and repeats nothing.
    """

    __tablename__ = "imports"

    object: Mapped[str]
    filename: Mapped[str]
    status: Mapped[str] = mapped_column(default=PENDING)
    encoding: Mapped[str]
    delimiter: Mapped[str]
    header: Mapped[list[str]] = mapped_column(JSONB)
    mapping: Mapped[dict[str, str]] = mapped_column(JSONB)
    duplicates: Mapped[str]
    on_invalid: Mapped[str]
    country: Mapped[str | None]
    is_dry_run: Mapped[bool] = mapped_column(default=False)
    total: Mapped[int] = mapped_column(default=0)
    done_through: Mapped[int] = mapped_column(default=0)
    created: Mapped[int] = mapped_column(default=0)
    duplicate: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    with_warnings: Mapped[int] = mapped_column(default=0)
    owner_id: Mapped[UUID]
    owner_roles: Mapped[list[str]] = mapped_column(JSONB, default=list)
    correlation_id: Mapped[str]
    waiting_for: Mapped[str | None]
    problem: Mapped[str | None]
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        CheckConstraint("object IN ('accounts', 'contacts')", name="object"),
        CheckConstraint("status IN ('pending', 'running', 'completed', 'failed', 'cancelled')", name="status"),
        CheckConstraint("duplicates IN ('rule', 'alert')", name="duplicates"),
        CheckConstraint("on_invalid IN ('leave_out', 'fail_row')", name="on_invalid"),
        Index("ix_imports_owner", "owner_id", "created_at", "id"),
        Index("ix_imports_created_at", "created_at", "id"),
    )

    @property
    def processed(self) -> int:
        return self.created + self.duplicate + self.failed

    @property
    def is_finished(self) -> bool:
        return self.status not in UNFINISHED

    def record_id(self, number: int) -> UUID:
        """The id that row gets in every attempt, so that keys claimed before a crash are claimed by the same record.

        A UUIDv7: milliseconds and row number in front keep the index compact, the rest is drawn from import and row.
        """
        milliseconds = int(self.created_at.timestamp() * 1000) + number // 4096
        noise = int.from_bytes(sha256(self.id.bytes + number.to_bytes(8, "big")).digest()[:8], "big")
        bits = milliseconds << 80 | 0x7 << 76 | (number % 4096) << 64 | 0b10 << 62 | noise >> 2
        return UUID(int=bits)

    def state(self) -> ImportState:
        return ImportState.model_validate(self, from_attributes=True)


class ImportLease(Base):
    """Who is reading an import in, by the database's clock. A row of its own: the import's is locked by each chunk."""

    __tablename__ = "import_leases"

    import_id: Mapped[UUID] = mapped_column(ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True)
    holder: Mapped[UUID | None]
    until: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("'-infinity'"))


class ImportFile(Base):
    """The bytes as uploaded: a worker on any machine finds them where the rows are."""

    __tablename__ = "import_files"

    import_id: Mapped[UUID] = mapped_column(ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class ImportRow(Base):
    """The one outcome of a row; `cells` are kept where somebody may want to correct and send them again."""

    __tablename__ = "import_rows"

    import_id: Mapped[UUID] = mapped_column(ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    outcome: Mapped[str]
    record_id: Mapped[UUID | None]
    duplicate_of: Mapped[UUID | None]
    problems: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    cells: Mapped[list[str] | None] = mapped_column(JSONB)
    claim_id: Mapped[UUID | None]

    __table_args__ = (
        CheckConstraint("outcome IN ('created', 'duplicate', 'failed')", name="outcome"),
        Index("ix_import_rows_outcome", "import_id", "outcome", "number"),
    )
