"""One database and one role per service; nobody connects to somebody else's."""

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from devstack.processes import ServerFailed

if TYPE_CHECKING:
    import asyncpg


def name_of(service: str) -> str:
    return f"meridian_{service}"


def service_url(server_url: str, service: str, password: str) -> str:
    """The service's own URL for SQLAlchemy, on the server of `server_url`."""
    server = urlsplit(server_url)
    host = f"{server.hostname}:{server.port or 5432}"
    return f"postgresql+asyncpg://{name_of(service)}:{quote(password, safe='')}@{host}/{name_of(service)}"


async def create(server_url: str, passwords: Mapping[str, str]) -> None:
    """Makes roles and databases that are missing. `passwords`: service -> the password of its role.

    The user of `server_url` needs the right to create both. Raises ServerFailed when the server refuses.
    """
    # Here and not above: the client commands only want to know addresses.
    import asyncpg

    try:
        connection = await asyncpg.connect(server_url, timeout=15)
        try:
            for service, password in passwords.items():
                await _create(connection, name_of(service), password)
        finally:
            await connection.close()
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as problem:
        where = server_url.rpartition("@")[2]
        raise ServerFailed(f"PostgreSQL at {where} refuses: {problem or type(problem).__name__}") from problem


async def _create(connection: "asyncpg.Connection", name: str, password: str) -> None:
    # Names are Python identifiers; the password goes through format(), as DDL takes no parameters.
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name):
        await connection.execute(f'CREATE ROLE "{name}" LOGIN')
    statement = await connection.fetchval(
        "SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)", name, password
    )
    await connection.execute(statement)
    if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
        if not await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
            await connection.execute(f'GRANT "{name}" TO CURRENT_USER')
        await connection.execute(f'CREATE DATABASE "{name}" OWNER "{name}" TEMPLATE template0 ENCODING \'UTF8\'')
    await connection.execute(f'REVOKE CONNECT ON DATABASE "{name}" FROM PUBLIC')
