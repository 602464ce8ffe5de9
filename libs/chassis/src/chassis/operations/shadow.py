"""A second set of rows beside the live ones: the projectors fill temporary tables, and the difference is shown.

Temporary tables hide the live ones of the same name within one session, so the projectors' own code runs unchanged
and nobody else sees its rows. What a projector writes is learned by letting it: a batch that would write to a live
table is rolled back, the table gets its shadow, and the batch runs again.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine

from chassis.operations.jobs import JobRefused
from chassis.unit import Unit

SAMPLE = 20

# A statement that could write locks its table like this, also when no row of it is newer.
_WRITTEN = text("""
select c.relname from pg_locks l join pg_class c on c.oid = l.relation
where l.pid = pg_backend_pid() and l.locktype = 'relation' and l.mode = 'RowExclusiveLock'
  and c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')""")
_COLUMNS = text("""
select a.attname as name, coalesce(i.indisprimary, false) as is_key,
  a.attidentity <> '' or a.attgenerated <> ''
  or coalesce(pg_get_expr(d.adbin, d.adrelid), '') ~ '(now|clock_timestamp|nextval)\\(' as is_own
from pg_attribute a
left join pg_index i on i.indrelid = a.attrelid and i.indisprimary and a.attnum = any(i.indkey)
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attrelid = to_regclass('public.' || quote_ident(:table)) and a.attnum > 0 and not a.attisdropped
order by a.attnum""")

Effect = Callable[[AsyncSession], Awaitable[None]]


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[AsyncConnection]:
    """A connection beside the pool, since it is held for long; its end is the end of its temporary tables.

    Comparing large tables may take longer than any statement of the service's own.
    """
    settings = {"application_name": "meridian-shadow", "statement_timeout": "0", "jit": "off"}
    engine = create_async_engine(
        url, poolclass=NullPool, hide_parameters=True, connect_args={"server_settings": settings, "timeout": 10}
    )
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


class Shadow:
    """One database session with its temporary tables; the end of the connection is their end."""

    def __init__(self, connection: AsyncConnection, service: str) -> None:
        self._connection = connection
        self._service = service
        self.tables: set[str] = set()

    async def apply(self, effect: Effect) -> None:
        """Runs the effect on the shadow tables, whichever they turn out to be; events it emits are dropped."""
        while written := await self._attempt(effect):
            if written & self.tables:
                raise JobRefused(f"a projector writes to {', '.join(sorted(written))} past its shadow")
            await self._add(written)

    async def _attempt(self, effect: Effect) -> set[str]:
        async with AsyncSession(self._connection, expire_on_commit=False) as session:
            session.sync_session.info["unit"] = Unit(self._service)
            await effect(session)
            await session.flush()
            written = set((await session.execute(_WRITTEN)).scalars())
            await (session.rollback() if written else session.commit())
        return written

    async def _add(self, names: set[str]) -> None:
        for name in sorted(names):
            await self._connection.execute(
                text(f'create temporary table "{name}" (like public."{name}" including all)')
            )
        # Statements that were prepared before still mean the live tables.
        await self._connection.execute(text("discard plans"))
        await self._connection.commit()
        self.tables |= names

    async def differences(self, *, is_whole: bool) -> dict[str, Any]:
        """By table: rows compared, and how many are missing live, older live, otherwise different, newer live (written
        meanwhile) and, when the whole history was replayed, live only; with the keys of some of each."""
        found = {}
        for name in sorted(self.tables):
            counting = text(f'select count(*) from pg_temp."{name}"')  # noqa: S608 - a name from the catalogue
            count = (await self._connection.execute(counting)).scalar_one()
            if count:
                found[name] = {"rows": count, **await self._compared(name, is_whole)}
        await self._connection.rollback()
        return found

    async def _compared(self, name: str, is_whole: bool) -> dict[str, Any]:
        columns = (await self._connection.execute(_COLUMNS, {"table": name})).all()
        keys = [column.name for column in columns if column.is_key]
        names = [column.name for column in columns if not column.is_own and not column.is_key]
        rows = await self._connection.execute(text(_statement(name, keys, names)))
        return {
            row.kind: {"count": row.count, "keys": row.keys[:SAMPLE], "columns": sorted(set(row.columns) - {None})}
            for row in rows
            if is_whole or row.kind != "live_only"
        }


def _statement(name: str, keys: list[str], columns: list[str]) -> str:
    def of(side: str, names: list[str]) -> str:
        return ", ".join(f'{side}."{each}"' for each in names)

    age = ["when l.version > s.version then 'newer_live'", "when l.version < s.version then 'older_live'"]
    versions = "\n".join(age) if "version" in columns else ""
    pairs = ", ".join(f'case when s."{each}" is distinct from l."{each}" then \'{each}\' end' for each in columns)
    key = " || '/' || ".join(f'coalesce(s."{each}", l."{each}")::text' for each in keys)
    return f"""
with found as (
  select {key} as key,
    case when l."{keys[0]}" is null then 'missing_live'
         when s."{keys[0]}" is null then 'live_only'
         {versions}
         else 'different' end as kind,
    case when s."{keys[0]}" is not null and l."{keys[0]}" is not null
      then array[{pairs}]::text[] else '{{}}'::text[] end as columns
  from pg_temp."{name}" s full join public."{name}" l on ({of("s", keys)}) = ({of("l", keys)})
  where s."{keys[0]}" is null or l."{keys[0]}" is null or ({of("s", columns)}) is distinct from ({of("l", columns)}))
select kind, count(distinct key) as count, (array_agg(distinct key))[1:{SAMPLE}] as keys,
  coalesce(array_agg(distinct c), '{{}}') as columns
from found left join lateral unnest(columns) c on true group by kind"""  # noqa: S608 - names from the catalogue
