"""The same POST with the same `Idempotency-Key` has its effect once and gets the first answer again.

The key is claimed at the start of the request's transaction and its answer stored at the end of it, so effect and
answer commit together; a second request with the key waits for the first one's transaction.
"""

import asyncio
import hashlib
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData, UploadFile

from chassis.auth import authenticate
from chassis.errors import Conflict, FieldProblem, Malformed, ServiceError
from chassis.tables import IDEMPOTENCY_KEYS as KEYS

if TYPE_CHECKING:
    from chassis.db import Database

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replay"
MAX_KEY = 200
LIFETIME = timedelta(hours=24)
TIDY_SECONDS = 600
KEPT_HEADERS = ("content-type", "etag", "location")
NOBODY = UUID(int=0)


class IdempotencyKeyInvalid(Malformed):
    code = "idempotency_key_invalid"
    title = "The idempotency key is not usable"


class IdempotencyKeyReused(ServiceError):
    status = 422
    code = "idempotency_key_reused"
    title = "The idempotency key was used for another request"


class RequestInFlight(Conflict):
    code = "request_in_flight"
    title = "The first request with this idempotency key is still running"


class Replay(Exception):
    """Ends a repeated request with the stored answer."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        super().__init__("answered from the stored response")
        self.status = status
        self.headers = headers
        self.body = body


async def replay(_: Request, stored: Exception) -> Response:
    """Exception handler that sends the stored answer."""
    if not isinstance(stored, Replay):
        raise stored
    return Response(stored.body, stored.status, {**stored.headers, REPLAYED: "true"})


async def claim(request: Request, session: AsyncSession) -> None:
    """Takes the request's key inside its transaction.

    Raises Replay when it was answered before, IdempotencyKeyReused (422) for another request under the same key.
    """
    key = request.headers.get(HEADER)
    if key is None or request.method != "POST":
        return
    _check(key)
    principal = await authenticate(request)
    owner = str(principal.id if principal else NOBODY)
    digest = await _digest(request, owner)
    if not await _take(session, owner, key, digest):
        await _answer_again(session, owner, key, digest)
    request.state.idempotency = (session, owner, key)


def _check(key: str) -> None:
    if not 1 <= len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
        problem = FieldProblem(f"header:{HEADER}", "idempotency_key_invalid", f"1 to {MAX_KEY} printable characters.")
        raise IdempotencyKeyInvalid(errors=[problem])


async def _digest(request: Request, owner: str) -> bytes:
    """What makes two requests the same: method, address, who asks, and the body to the byte."""
    # Each sending of a form draws a new boundary, so of a form the values count.
    is_form = getattr(request, "_form", None) is not None
    body = await _form_digest(await request.form()) if is_form else await request.body()
    parts: Iterable[bytes] = (request.method.encode(), str(request.url.path).encode(), request.url.query.encode())
    return hashlib.sha256(b"\0".join([*parts, owner.encode(), body])).digest()


async def _form_digest(form: FormData) -> bytes:
    found = hashlib.sha256()
    for name, value in form.multi_items():
        found.update(name.encode() + b"\0")
        if isinstance(value, UploadFile):
            found.update((value.filename or "").encode() + b"\0")
            while chunk := await value.read(1_048_576):
                found.update(chunk)
            await value.seek(0)
        else:
            found.update(value.encode() + b"\0")
    return found.digest()


async def _take(session: AsyncSession, owner: str, key: str, digest: bytes) -> bool:
    """Whether the key is ours now; waits for another transaction that has just taken it. An expired key is free."""
    fresh = insert(KEYS).values(principal_id=owner, key=key, request_hash=digest)
    replaced = {"request_hash": digest, "status": None, "headers": None, "body": None, "created_at": func.now()}
    taken = fresh.on_conflict_do_update(
        index_elements=[KEYS.c.principal_id, KEYS.c.key],
        set_=replaced,
        where=KEYS.c.created_at < func.now() - LIFETIME,
    )
    return (await session.execute(taken.returning(KEYS.c.key))).scalar_one_or_none() is not None


async def _answer_again(session: AsyncSession, owner: str, key: str, digest: bytes) -> None:
    columns = (KEYS.c.request_hash, KEYS.c.status, KEYS.c.headers, KEYS.c.body)
    mine = (KEYS.c.principal_id == owner) & (KEYS.c.key == key)
    row = (await session.execute(select(*columns).where(mine))).one_or_none()
    if row is None or row.status is None:
        raise RequestInFlight(headers={"Retry-After": "1"})
    if row.request_hash != digest:
        raise IdempotencyKeyReused()
    raise Replay(row.status, row.headers or {}, row.body or b"")


async def remember(request: Request, response: Response) -> None:
    """Stores the answer under the claimed key; runs after the endpoint, before its transaction commits."""
    claimed: tuple[AsyncSession, str, str] | None = getattr(request.state, "idempotency", None)
    if claimed is None or not hasattr(response, "body"):
        return
    session, owner, key = claimed
    mine = (KEYS.c.principal_id == owner) & (KEYS.c.key == key)
    if "no-store" in response.headers.get("cache-control", ""):
        await session.execute(delete(KEYS).where(mine))
        return
    kept: dict[str, Any] = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    stored = {"status": response.status_code, "headers": kept, "body": bytes(response.body)}
    await session.execute(update(KEYS).where(mine).values(stored))


async def forget_old_keys(session: AsyncSession) -> int:
    """Deletes keys past their lifetime; returns how many."""
    removed = await session.execute(delete(KEYS).where(KEYS.c.created_at < func.now() - LIFETIME).returning(KEYS.c.key))
    return len(removed.all())


async def keep_tidy(database: "Database", stopping: asyncio.Event) -> None:
    """Deletes expired keys every few minutes until `stopping` is set."""
    while not stopping.is_set():
        async with database.transaction() as session:
            await forget_old_keys(session)
        with suppress(TimeoutError):
            async with asyncio.timeout(TIDY_SECONDS):
                await stopping.wait()
