"""An import from its first to its last row, whoever begins it and however often it is interrupted."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from uuid import UUID

import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from accounts.commands import claims
from accounts.commands.imports import lease
from accounts.commands.imports.chunk import import_rows
from accounts.domain.spreadsheet import Sheet, Unreadable, open_sheet
from accounts.models import Import, ImportFile, ImportRow
from accounts.models.imports import CANCELLED, COMPLETED, FAILED, PENDING, RUNNING
from chassis.context import Actor, acting
from chassis.outbox import emit
from chassis.questions import Unanswered
from chassis.service import Runtime
from contracts.accounts import ImportCompleted, ImportStarted

FIRST_WAIT, LONGEST_WAIT = 0.25, 5.0
RELEASED_AT_ONCE = 200

logger = structlog.get_logger(__name__)


async def read_in(runtime: Runtime, import_id: UUID, holder: UUID) -> None:
    """Reads the import to its end, or until the worker stops or the lease is lost; the rest is somebody else's then."""
    job, content = await _load(runtime, import_id)
    try:
        sheet = await asyncio.to_thread(open_sheet, content, job.encoding, job.delimiter)
    except Unreadable as error:
        return await _finish(runtime, job, holder, FAILED, str(error))
    try:
        await _begin(runtime, job, holder)
        if await _read_rows(runtime, job, holder, sheet):
            await _finish(runtime, job, holder, COMPLETED, None)
    except lease.LeaseLost as lost:
        logger.info("import_left", import_id=str(import_id), reason=str(lost))
        await _tidy_after(runtime, job)


async def _tidy_after(runtime: Runtime, job: Import) -> None:
    """A cancelled dry run leaves nothing behind either; one that another worker took over is none of ours."""
    async with runtime.db.read() as session:
        status = await session.scalar(select(Import.status).where(Import.id == job.id))
    if job.is_dry_run and status == CANCELLED:
        await _release_trial_claims(runtime, job, None)


async def _load(runtime: Runtime, import_id: UUID) -> tuple[Import, bytes]:
    async with runtime.db.read() as session:
        job = await session.get_one(Import, import_id)
        content = await session.scalar(select(ImportFile.content).where(ImportFile.import_id == import_id))
        session.expunge_all()
    return job, content or b""


async def _begin(runtime: Runtime, job: Import, holder: UUID) -> None:
    async with _as_import(runtime, job) as session:
        await lease.renew(session, job.id, holder)
        current = await session.get_one(Import, job.id, with_for_update=True)
        if current.status == PENDING:
            current.status = RUNNING
            current.started_at = await session.scalar(select(func.clock_timestamp()))
            await emit(session, ImportStarted, current)
        job.status, job.done_through = current.status, current.done_through


async def _read_rows(runtime: Runtime, job: Import, holder: UUID, sheet: Sheet) -> bool:
    """True when every row has its outcome, False when the worker was asked to stop."""
    rows = sheet.rows(after=job.done_through)
    size = int(getattr(runtime.settings, "import_chunk", 100))
    rest = float(getattr(runtime.settings, "import_rest", 0.25))
    while chunk := list(islice(rows, size)):
        began = time.monotonic()
        if not await _until_answered(runtime, job, holder, chunk):
            return False
        # The pause gives other requests the processor and the database; it grows with what the chunk has taken.
        await asyncio.sleep((time.monotonic() - began) * rest)
        if runtime.stopping.is_set():
            return False
    return True


async def _until_answered(runtime: Runtime, job: Import, holder: UUID, chunk: Sequence[tuple[int, list[str]]]) -> bool:
    """Dedup may be away for hours: the rows wait, the lease is kept, and the import says what it waits for."""
    wait = FIRST_WAIT
    while not runtime.stopping.is_set():
        try:
            left = [row for row in chunk if row[0] > job.done_through]
            if left:
                await import_rows(runtime, job, holder, left)
            return True
        except Unanswered as error:
            logger.warning("import_waits", import_id=str(job.id), reason=str(error), retry_in=wait)
            await _say_waiting(runtime, job, holder)
            await _pause(runtime, wait)
            wait = min(wait * 2, LONGEST_WAIT)
    return False


async def _say_waiting(runtime: Runtime, job: Import, holder: UUID) -> None:
    async with _as_import(runtime, job) as session:
        await lease.renew(session, job.id, holder)
        statement = update(Import).where(Import.id == job.id, Import.waiting_for.is_(None), Import.status == RUNNING)
        await session.execute(statement.values(waiting_for="dedup", version=Import.version + 1))
        status = await session.scalar(select(Import.status).where(Import.id == job.id))
    if status != RUNNING:
        raise lease.LeaseLost("The import was cancelled.")


async def _pause(runtime: Runtime, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await runtime.stopping.wait()
    except TimeoutError:
        pass


async def _finish(runtime: Runtime, job: Import, holder: UUID, status: str, problem: str | None) -> None:
    if job.is_dry_run:
        await _release_trial_claims(runtime, job, holder)
    async with _as_import(runtime, job) as session:
        await lease.renew(session, job.id, holder)
        current = await session.get_one(Import, job.id, with_for_update=True)
        if current.is_finished:
            return
        await end(session, current, status, problem)


async def end(session: AsyncSession, current: Import, status: str, problem: str | None = None) -> None:
    """The last word about an import. The file goes: what failed is kept row by row."""
    current.status, current.problem, current.waiting_for = status, problem, None
    current.finished_at = await session.scalar(select(func.clock_timestamp()))
    await session.execute(delete(ImportFile).where(ImportFile.import_id == current.id))
    await emit(session, ImportCompleted, current)


async def _release_trial_claims(runtime: Runtime, job: Import, holder: UUID | None) -> None:
    """A dry run holds its keys to the end, so that it finds duplicates inside the file, and then lets them all go."""
    async with runtime.db.read() as session:
        held = select(ImportRow.claim_id).where(ImportRow.import_id == job.id, ImportRow.claim_id.is_not(None))
        claim_ids = list(await session.scalars(held))
    for start in range(0, len(claim_ids), RELEASED_AT_ONCE):
        await claims.release(runtime, claim_ids[start : start + RELEASED_AT_ONCE], timeout=claims.BATCH_SECONDS)
        if holder is not None:
            async with runtime.db.transaction() as session:
                await lease.renew(session, job.id, holder)


async def cancel_import(session: AsyncSession, job: Import) -> Import:
    """Rows that are in stay in. The worker sees it at its next chunk."""
    await end(session, job, CANCELLED)
    return job


@asynccontextmanager
async def _as_import(runtime: Runtime, job: Import) -> AsyncIterator[AsyncSession]:
    """A transaction whose events name the import as their author."""
    with acting(Actor("import", str(job.id)), correlation=job.correlation_id):
        async with runtime.db.transaction() as session:
            yield session
