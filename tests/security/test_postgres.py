"""I27, the half of PostgreSQL: each role tries everything it must not do, and can do everything it needs."""

import asyncio
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from importlib.resources import files
from itertools import product
from pathlib import Path

import asyncpg
import pytest
import yaml

from chassis.security.rights import ROLES, Role, rights_of, secret_tables, set_rights
from devstack.postgres import PostgresServer, binaries, installation
from tests.architecture.tree import ROOT

from .conftest import KINDS, SERVICES, Cluster, connected, service_named

# A column that everybody may name: neither generated nor an identity. No statement touches a row.
ON_TABLES = {
    "SELECT": "select * from {table} limit 0",
    "INSERT": "insert into {table} ({column}) select null where false",
    "UPDATE": "update {table} set {column} = null where false",
    "DELETE": "delete from {table} where false",
}
NEVER_ON_TABLES = (
    "truncate {table}",
    "alter table {table} add column added int",
    "alter table {table} disable trigger all",
    "drop table {table}",
    "create index on {table} ({column})",
    "create trigger spy after insert on {table} execute function suppress_redundant_updates_trigger()",
    "alter table {table} owner to current_user",
    "comment on table {table} is 'mine'",
)
NEVER = (
    "create table stolen (id int)",
    "create schema stolen",
    "create view stolen as select 1",
    "create function stolen() returns int language sql as 'select 1'",
    "create extension citext",
    "create publication stolen for all tables",
    "drop schema public cascade",
    "alter schema public owner to current_user",
)
NEVER_ON_THE_SERVER = (
    "create role stolen",
    "create database stolen",
    "alter system set fsync = off",
    "set session_replication_role = replica",
    "set session authorization meridian",
    "set role meridian",
    "alter role meridian password 'mine'",
    "grant meridian to current_user",
    "select pg_read_file('postgresql.conf')",
    "select pg_ls_dir('.')",
    "copy (select 1) to '/tmp/stolen'",
    "copy (select 1) to program 'true'",
    "select lo_import('/etc/passwd')",
    "select * from pg_authid",
    "select pg_reload_conf()",
    "select pg_switch_wal()",
    "select pg_create_physical_replication_slot('stolen')",
)
OUTSIDE = ("create database", "drop database", "alter system")
"""PostgreSQL asks for the right to these only outside a transaction."""
TABLES = """
select c.relname::text as name, quote_ident(min(a.attname)) as column
  from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
 where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
   and a.attidentity = '' and a.attgenerated = ''
 group by 1 order by 1"""


async def tried(connection: asyncpg.Connection, statement: str) -> str:
    """`done`, `refused`, or what else PostgreSQL said. Whatever it did is rolled back."""
    with suppress(RollBack):
        try:
            if statement.startswith(OUTSIDE):
                await connection.execute(statement)
                return "done"
            async with connection.transaction():
                await connection.execute(statement)
                raise RollBack
        except asyncpg.InsufficientPrivilegeError:
            return "refused"
        except asyncpg.PostgresError as error:
            return repr(error)
    return "done"


class RollBack(Exception):
    pass


async def tables_of(cluster: Cluster, service: str) -> dict[str, str]:
    owner = await connected(cluster.url(service, "migrator"))
    try:
        return {row["name"]: row["column"] for row in await owner.fetch(TABLES)}
    finally:
        await owner.close()


def on_tables(service: str, role: Role, tables: dict[str, str]) -> Iterator[tuple[str, str]]:
    """(statement, what must come of it) for everything that can be tried on each table."""
    secret = secret_tables(service_named(service).metadata)
    for table, column in tables.items():
        given = rights_of(role, table, is_secret=table in secret)
        for right, statement in ON_TABLES.items():
            yield statement.format(table=table, column=column), "done" if right in given else "refused"
        for statement in NEVER_ON_TABLES:
            yield statement.format(table=table, column=column), "refused"


def never(service: str, role: str) -> Iterator[str]:
    """What nobody but the migrator may do, and what not even he may."""
    yield from NEVER_ON_THE_SERVER
    yield from (f'set role "{service}_{kind}"' for kind in KINDS if kind != role)
    yield f'set role "{next(other for other in SERVICES if other != service)}_{role}"'
    if role != "migrator":
        yield from NEVER
        yield f'alter database "{service}" owner to current_user'
        yield f'drop database "{service}"'
    if role in ("relay", "report"):
        # It runs with its owner's rights, and could be asked to forget everything.
        yield "select rotate_inbox_done(-1000, 1)"
        # The app has them for the shadow of a replay.
        yield "create temporary table stolen (id int)"


@pytest.mark.parametrize("service", SERVICES)
async def test_each_role_can_do_what_the_matrix_says_and_nothing_else(cluster: Cluster, service: str) -> None:
    tables = await tables_of(cluster, service)
    counted = {"done": 0, "refused": 0}
    for role in ROLES:
        connection = await connected(cluster.url(service, role))
        try:
            if role == "report":
                # Read-only by default, which anybody may switch off: the rights must hold by themselves.
                await connection.execute("set default_transaction_read_only = off")
            for statement, expected in on_tables(service, role, tables):
                assert await tried(connection, statement) == expected, (role, statement)
                counted[expected] += 1
            if role == "app":
                assert await tried(connection, "create temporary table shadow (id int)") == "done"
            for statement in never(service, role):
                assert await tried(connection, statement) == "refused", (role, statement)
                counted["refused"] += 1
        finally:
            await connection.close()
    assert counted["refused"] > 25 * len(tables)
    print(f"{service}: {counted['done']} allowed actions done, {counted['refused']} forbidden ones refused")


@pytest.mark.parametrize("service", SERVICES)
async def test_the_migrator_changes_tables_and_nothing_of_the_server(cluster: Cluster, service: str) -> None:
    connection = await connected(cluster.url(service, "migrator"))
    try:
        for statement in never(service, "migrator"):
            assert await tried(connection, statement) == "refused", statement
        made = "create table added (id int); alter table added add column note text; create index on added (note)"
        assert await tried(connection, f"{made}; drop table added") == "done"
        assert await tried(connection, "select rotate_inbox_done(7, 1)") == "done"
    finally:
        await connection.close()


async def test_nobody_enters_another_database(cluster: Cluster) -> None:
    refused = 0
    for service, kind in product(SERVICES, KINDS):
        for database in {*SERVICES, "postgres", "template1"} - {service}:
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for database"):
                await connected(cluster.url(service, kind, database))
            refused += 1
        with pytest.raises(asyncpg.InvalidPasswordError):
            await connected(cluster.url(service, kind, password="another"))
    assert refused == len(SERVICES) * len(KINDS) * 7
    print(f"{refused} connections to another database tried, all refused")


async def test_a_report_cannot_write_by_accident_and_sees_no_secret(cluster: Cluster) -> None:
    secret = {"credentials", "service_accounts", "sign_in_sessions", "sign_in_throttles", "signing_keys"}
    assert secret_tables(service_named("identity").metadata) == secret
    connection = await connected(cluster.url("identity", "report"))
    try:
        assert await connection.fetchval("select count(*) from users") == 0
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await connection.execute("create temporary table mine (id int)")
    finally:
        await connection.close()


def test_the_script_and_the_migration_may_run_again(cluster: Cluster) -> None:
    cluster.make_roles("leads")
    cluster.migrate("leads")


async def test_a_database_with_one_role_is_left_alone(cluster: Cluster) -> None:
    made = service_named("leads")
    owner = cluster.url("leads", "migrator")
    assert not await set_rights("nobody", owner, made.metadata)


async def test_a_new_table_is_for_the_app_after_the_next_migration(cluster: Cluster) -> None:
    owner, app = await connected(cluster.url("dedup", "migrator")), await connected(cluster.url("dedup", "app"))
    try:
        await owner.execute("create table added (id int)")
        assert await tried(app, "select * from added") == "refused"
        assert await set_rights("dedup", cluster.url("dedup", "migrator"), service_named("dedup").metadata)
        assert await tried(app, "select * from added") == "done"
        await owner.execute("drop table added")
    finally:
        await owner.close()
        await app.close()


def test_the_containers_script_makes_what_compose_signs_in_with(tmp_path: Path) -> None:
    """The script of the postgres container, on a server of its own; the addresses are those of docker-compose.yml."""
    server = PostgresServer(tmp_path / "postgres", password="the-superuser's")
    server.start()
    try:
        (tmp_path / "roles").mkdir()
        shutil.copy(str(files("chassis.security") / "roles.sql"), tmp_path / "roles")
        shutil.copy(ROOT / "deploy" / "compose" / "databases.sh", tmp_path)
        compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
        defaults = {name: _default(value) for name, value in compose["postgres"]["environment"].items()}
        psql = {"PATH": f"{binaries(installation())}:/usr/bin:/bin", "PGHOST": "127.0.0.1", "PGPORT": str(server.port)}
        superuser = {"POSTGRES_USER": "meridian", "PGPASSWORD": "the-superuser's"}
        script = [str(tmp_path / "databases.sh")]
        done = subprocess.run(["bash", *script], env=defaults | psql | superuser, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        urls = [_default(url) for each in compose.values() for url in _addresses(each.get("environment", {}))]
        assert len(urls) == 4 * len(SERVICES)
        for url in urls:
            asyncio.run(_reached(url.replace("+asyncpg", "").replace("postgres:5432", f"127.0.0.1:{server.port}")))
    finally:
        server.stop(2)


def _default(value: str) -> str:
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)


def _addresses(environment: dict[str, str]) -> list[str]:
    return [value for name, value in environment.items() if name.endswith("DATABASE_URL")]


async def _reached(url: str) -> None:
    await (await connected(url)).close()
