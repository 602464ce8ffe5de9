"""/livez, /readyz and /metrics, on every process and for everybody."""

from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis import migrations
from chassis.access import public
from chassis.service import Runtime

router = APIRouter(include_in_schema=False, dependencies=[public()])


@router.get("/livez")
async def live(request: Request, response: Response) -> dict[str, Any]:
    """503 when a part of this process has stopped making progress, so that the process is replaced.

    It is answered by the loop that does all the work: while that stands still, there is no answer.
    """
    runtime: Runtime = request.app.state.runtime
    stuck = sorted(name for name, state in runtime.health.items() if state == "stuck")
    response.status_code = 503 if stuck else 200
    return {"status": "stuck" if stuck else "ok", "stuck": stuck}


@router.get("/readyz")
async def ready(request: Request, response: Response) -> dict[str, Any]:
    """503 until the database answers, its migrations are at head and every consumer has joined its group."""
    runtime: Runtime = request.app.state.runtime
    checks = {"database": await database_state(runtime), **runtime.health}
    is_ready = all(state == "ok" for state in checks.values()) and not runtime.stopping.is_set()
    response.status_code = 200 if is_ready else 503
    return {"status": "ready" if is_ready else "not ready", "service": runtime.service.name, "checks": checks}


@router.get("/metrics")
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def database_state(runtime: Runtime) -> str:
    """`ok`, or what is wrong in words."""
    if not runtime.settings.database_url:
        return "ok"
    try:
        async with runtime.db.engine.connect() as connection:
            if runtime.is_migrated:
                await connection.execute(text("select 1"))
                return "ok"
            current = await _revision(connection)
    except Exception as error:
        return f"unreachable: {type(error).__name__}"
    wanted = migrations.head(runtime.service)
    runtime.is_migrated = current == wanted
    return "ok" if runtime.is_migrated else f"migrations at {current}, wanted {wanted}"


async def _revision(connection: AsyncConnection) -> str | None:
    if (await connection.execute(text("select to_regclass('alembic_version')"))).scalar_one() is None:
        return None
    found: str | None = (await connection.execute(text("select max(version_num) from alembic_version"))).scalar_one()
    return found
