"""Shared migration environment: runs the service's versions over its database, one process at a time."""

import asyncio
from typing import Any

from alembic import context
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.handled import PARTITIONS

MIGRATION_LOCK = 7_234_001
"""Any number; two pods that migrate at once take turns."""


def is_modelled(name: str | None, kind: str, parents: Any) -> bool:
    return kind != "table" or not (name or "").startswith(PARTITIONS)


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=context.config.attributes["metadata"],
        compare_type=True,
        include_name=is_modelled,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def connect_and_run() -> None:
    engine = create_async_engine(context.config.attributes["url"], poolclass=pool.NullPool)
    try:
        async with engine.connect() as guard, engine.connect() as connection:
            await guard.execute(text(f"select pg_advisory_lock({MIGRATION_LOCK})"))
            await connection.execute(text("set lock_timeout = '5s'"))
            await connection.commit()
            await connection.run_sync(run)
            await connection.commit()
    finally:
        await engine.dispose()


asyncio.run(connect_and_run())
