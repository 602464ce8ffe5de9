"""One request or event is one transaction: nobody outside this module commits."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, Protocol, TypeVar
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy import DateTime, MetaData, Select, event, func, select
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import InterfaceError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Mapped, declared_attr, mapped_column
from sqlalchemy.orm import Session as SyncSession
from uuid_utils.compat import uuid7

from chassis import context, idempotency, outbox, tables
from chassis.errors import PreconditionFailed, ServiceError
from chassis.failpoints import failpoint
from chassis.unit import Unit, unit_of

DEAD_SQLSTATES = ("57P01", "57P02", "57P03", "08", "25006")
"""A backend that was ended, a broken connection, or a primary that was demoted to read-only: the pool is worthless."""

CLIENT_GRACE = 5.0
"""Seconds that an answer may come after the server's own limit: then the connection leads nowhere any more."""


class Record:
    """Columns of every aggregate row; `version` guards against lost updates and orders the aggregate's events."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    version: Mapped[int] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), onupdate=func.now()
    )
    created_by: Mapped[UUID | None] = mapped_column(default=lambda: acting_user())
    updated_by: Mapped[UUID | None] = mapped_column(default=lambda: acting_user(), onupdate=lambda: acting_user())

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version, "eager_defaults": True}


class SoftDelete:
    """Rows that are deleted can be restored; they never stand in the way of a create."""

    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)

    @property
    def is_deleted(self) -> bool:
        return self.deleted_at is not None


class Versioned(Protocol):
    id: Any
    version: Any


def acting_user() -> UUID | None:
    """The person behind the current work, for the created_by and updated_by columns."""
    who = context.actor.get()
    return UUID(who.id) if who.id and who.type == "user" else None


def new_metadata() -> MetaData:
    """A service's own metadata: the naming convention and the chassis tables. Never share it between services."""
    metadata = MetaData(naming_convention=tables.NAMING)
    tables.register(metadata)
    return metadata


def _mark_dead(failure: ExceptionContext) -> Exception | None:
    original = failure.original_exception
    state, name = getattr(original, "sqlstate", None) or "", type(original).__name__
    if state.startswith(DEAD_SQLSTATES) or name in ("InterfaceError", "InternalClientError", "TimeoutError"):
        failure.is_disconnect = True
    if name == "InternalClientError":
        # asyncpg's word for a backend that was ended at an unlucky moment; SQLAlchemy does not know it.
        return InterfaceError(failure.statement, failure.parameters, original, connection_invalidated=True)
    return None


class Database:
    """The pool of one process and the two ways to use it.

    `url` is a `postgresql+asyncpg://` address; `pool_size` is the most connections for writing, and again for reading;
    time-outs are in milliseconds and enforced by the server. `outbox_limit` are the events that may wait for the broker
    before changes are refused.
    """

    def __init__(
        self,
        url: str,
        service: str,
        *,
        pool_size: int = 10,
        statement_timeout: int = 30_000,
        outbox_limit: int = 1_000_000,
    ) -> None:
        self.service = service
        self._outbox = outbox.Level(outbox_limit)
        self.url = url
        self.committed = asyncio.Event()
        self.engine = self._engine(pool_size, statement_timeout)
        # A pool of their own: who looks something up in the middle of a transaction must not wait for a connection
        # that another one like him holds. And reads save the BEGIN and ROLLBACK round trips.
        self._readers = self._engine(pool_size, statement_timeout, isolation_level="AUTOCOMMIT")
        self._write = async_sessionmaker(self.engine, expire_on_commit=False)
        self._read = async_sessionmaker(self._readers, autoflush=False)

    def _engine(self, pool_size: int, statement_timeout: int, **options: Any) -> AsyncEngine:
        engine = create_async_engine(
            self.url,
            pool_size=pool_size,
            # An overflow connection is closed after use and has prepared nothing: better to wait for a warm one.
            max_overflow=0,
            # The connection used last has its statements prepared.
            pool_use_lifo=True,
            # Errors go to logs and to operators, who must not see what belongs to somebody.
            hide_parameters=True,
            connect_args={
                "server_settings": _server_settings(self.service, statement_timeout),
                "timeout": 10,
                # The server cannot end a statement that never reached it, or whose answer is lost on the way.
                "command_timeout": statement_timeout / 1000 + CLIENT_GRACE,
                "prepared_statement_cache_size": 500,
            },
            **options,
        )
        event.listen(engine.sync_engine, "handle_error", _mark_dead, retval=True)
        return engine

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A unit of work: outbox rows and history are written after the last flush, then everything commits."""
        async with self._write() as session:
            session.sync_session.info["unit"] = Unit(self.service)
            yield session
            await outbox.write(session, self._outbox)
            wrote = unit_of(session).events
            failpoint("unit.before_commit")
            await session.commit()
        failpoint("unit.after_commit")
        if wrote:
            self.committed.set()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """For queries only: every statement sees the newest committed data."""
        async with self._read() as session:
            yield session

    async def close(self) -> None:
        await self.engine.dispose()
        await self._readers.dispose()


def _server_settings(service: str, statement_timeout: int) -> dict[str, str]:
    return {
        "application_name": f"meridian-{service}",
        "statement_timeout": str(statement_timeout),
        "lock_timeout": "10000",
        "idle_in_transaction_session_timeout": "30000",
        "jit": "off",
    }


@event.listens_for(SyncSession, "loaded_as_persistent")
def _remember_state(session: SyncSession, instance: object) -> None:
    unit = session.info.get("unit")
    if unit is not None:
        unit.remember(instance)


async def transaction(request: Request) -> AsyncIterator[AsyncSession]:
    """Opens the request's unit of work; use it through `Session`, whose scope commits before the bytes leave."""
    database: Database = request.app.state.runtime.db
    async with database.transaction() as session:
        request.state.session = session
        await idempotency.claim(request, session)
        yield session


async def reading(request: Request) -> AsyncIterator[AsyncSession]:
    """Opens a session for queries; use it through `Reader`."""
    database: Database = request.app.state.runtime.db
    async with database.read() as session:
        yield session


Session = Annotated[AsyncSession, Depends(transaction, scope="function")]
Reader = Annotated[AsyncSession, Depends(reading, scope="function")]

RecordT = TypeVar("RecordT", bound=Versioned)


async def get_for_update(
    session: AsyncSession,
    model: type[RecordT],
    identity: UUID,
    expected: int | None,
    not_found: ServiceError,
    *,
    narrow: Callable[[Select[RecordT]], Select[RecordT]] = lambda statement: statement,
) -> RecordT:
    """Locks and loads one row.

    `expected` is the version from `If-Match` (None: any); another version raises PreconditionFailed (412) with the
    current one. `narrow` may add conditions, such as the rows the caller may see. Raises `not_found` without a row.
    """
    statement = narrow(select(model).where(model.id == identity)).with_for_update(of=model)
    record = (await session.execute(statement)).scalar_one_or_none()
    if record is None:
        raise not_found
    if expected is not None and record.version != expected:
        raise PreconditionFailed(current_version=record.version)
    return record
