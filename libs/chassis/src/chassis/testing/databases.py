"""One migrated database per service and test session; before each test its rows are what the migrations left."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg

from chassis import migrations
from chassis.service import Service
from chassis.worker import plain_dsn

TABLES = """
select c.relname, array_agg(quote_ident(a.attname) order by a.attnum)
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname <> 'alembic_version'
  and a.attgenerated = ''
group by c.relname order by c.relname
"""


class TestDatabase:
    """Rows that migrations wrote are kept aside and put back."""

    __test__ = False

    def __init__(self, url: str) -> None:
        self.url = url
        self._reset = ""

    async def remember(self) -> None:
        """Notes how to get back to the present rows; call it once after migrating."""
        async with self._connected() as connection:
            tables = {row[0]: ", ".join(row[1]) for row in await connection.fetch(TABLES)}
            await connection.execute("create schema if not exists seeded")
            statements = [f'delete from "{table}"' for table in tables]
            for table, columns in tables.items():
                if await connection.fetchval(f'select exists (select from "{table}")'):
                    await connection.execute(f'create table seeded."{table}" as select {columns} from "{table}"')
                    into = f'insert into "{table}" ({columns}) overriding system value'
                    statements.append(f'{into} select {columns} from seeded."{table}"')
        self._reset = ";\n".join(statements)

    async def reset(self) -> None:
        async with self._connected() as connection, connection.transaction():
            # Foreign keys and triggers rest meanwhile, so the order of tables does not matter.
            await connection.execute("set local session_replication_role = replica")
            await connection.execute(self._reset)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(plain_dsn(self.url))
        try:
            yield connection
        finally:
            await connection.close()


async def created(server_url: str, service: Service) -> TestDatabase:
    """A new database with the service's migrations applied. `server_url` is a superuser's."""
    name = f"test_{service.name}_{uuid4().hex[:8]}"
    admin = await asyncpg.connect(plain_dsn(server_url))
    try:
        await admin.execute(f'create database "{name}" template template0')
    finally:
        await admin.close()
    url = f"{server_url.rsplit('/', 1)[0]}/{name}"
    settings = service.settings.model_construct(database_url=url)
    # Alembic runs an event loop of its own.
    await asyncio.to_thread(migrations.upgrade, service, settings)
    found = TestDatabase(url)
    await found.remember()
    return found
