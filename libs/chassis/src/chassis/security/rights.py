"""What each of a service's four roles may do with each table; the migrator says so after every migration.

The roles themselves come from roles.sql. A database without them (local mode: one role owns everything) is left alone.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

import asyncpg
from sqlalchemy import MetaData

from chassis.tables import CHASSIS

Role = Literal["app", "relay", "report"]
ROLES: tuple[Role, ...] = ("app", "relay", "report")
"""Besides the migrator, which owns database, schema and tables and is the only one that may change them."""

Rights = tuple[str, ...]
DML: Rights = ("SELECT", "INSERT", "UPDATE", "DELETE")
READ: Rights = ("SELECT",)
APPEND: Rights = ("SELECT", "INSERT")

OF_APP: Mapping[str, Rights] = {
    # An event that was committed cannot be taken back or changed by the process that wrote it.
    "outbox": APPEND,
    "outbox_shard": READ,
    "relay_member": READ,
    "field_history": APPEND,
    "operator_audit": APPEND,
    "alembic_version": READ,
}
OF_RELAY: Mapping[str, Rights] = {
    "outbox": ("SELECT", "DELETE"),
    "outbox_parked": APPEND,
    "outbox_shard": ("SELECT", "INSERT", "UPDATE"),
    "relay_member": DML,
}
FOR_REPORTS = frozenset({"field_history"})
"""Of the chassis' own tables; the others are of no meaning to a report, and full of other tables' data."""
MACHINERY = frozenset(CHASSIS.tables) - FOR_REPORTS | {"alembic_version"}

_TABLES = """
select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
   and not relispartition order by relname"""


# By default everybody may run a function, and some run with their owner's rights. Those of extensions are not ours.
_OWN_FUNCTIONS = """do $$ declare found regprocedure; begin
for found in select oid from pg_proc where pronamespace = 'public'::regnamespace and proowner = current_user::regrole
loop
  execute format('revoke all on function %s from public', found);
  execute format('grant execute on function %s to "{service}_app"', found);
end loop; end $$"""


def rights_of(role: Role, table: str, *, is_secret: bool = False) -> Rights:
    """The matrix. `is_secret`: the model says `info={"secret": True}`, so reports do not see it."""
    if role == "app":
        return OF_APP.get(table, DML)
    if role == "relay":
        return OF_RELAY.get(table, ())
    return () if is_secret or table in MACHINERY else READ


def secret_tables(metadata: MetaData) -> frozenset[str]:
    """The tables with credentials or keys."""
    return frozenset(table.name for table in metadata.tables.values() if table.info.get("secret"))


def statements(service: str, tables: Mapping[str, bool]) -> Iterator[str]:
    """SQL that gives the three roles exactly their rights. `tables`: name -> whether it is secret."""
    yield _OWN_FUNCTIONS.format(service=service)
    for role in ROLES:
        name = f'"{service}_{role}"'
        yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {name}"
        yield f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {name}"
        for table, is_secret in tables.items():
            if rights := rights_of(role, table, is_secret=is_secret):
                yield f'GRANT {", ".join(rights)} ON "{table}" TO {name}'


async def set_rights(service: str, dsn: str, metadata: MetaData) -> bool:
    """Sets the rights in one transaction, so that nobody is ever without; False where the roles do not exist.

    `dsn` is the migrator's postgresql:// address. Raises asyncpg's errors.
    """
    connection = await asyncpg.connect(dsn, timeout=15)
    try:
        roles = [f"{service}_{role}" for role in ROLES]
        if await connection.fetchval("select count(*) from pg_roles where rolname = any($1)", roles) < len(roles):
            return False
        secret = secret_tables(metadata)
        tables = {row[0]: row[0] in secret for row in await connection.fetch(_TABLES)}
        async with connection.transaction():
            await connection.execute(";\n".join(statements(service, tables)))
        return True
    finally:
        await connection.close()
