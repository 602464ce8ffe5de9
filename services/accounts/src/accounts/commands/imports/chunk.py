"""A chunk of rows: one question to dedup, then one short transaction for records, outcomes and progress together."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from accounts.commands import claims
from accounts.commands.imports import lease
from accounts.commands.imports.link import link_to_accounts
from accounts.commands.imports.prepare import Prepared, prepare_rows
from accounts.domain.rows import Problem
from accounts.models import Account, Contact, Import, ImportRow
from accounts.models.imports import RUNNING
from chassis.context import Actor, acting
from chassis.outbox import emit_many
from chassis.pacing import Pace
from chassis.service import Runtime
from contracts.accounts import AccountCreated, ContactCreated
from contracts.dedup import ClaimResult

CREATED, DUPLICATE, FAILED = "created", "duplicate", "failed"
# Building rows and events is pure Python: enough for one statement to pay, few enough for others to get their turn.
ROWS_AT_ONCE = 5
NOT_STORABLE = Problem("", None, "not_storable", "The database does not take this row.")


async def import_rows(runtime: Runtime, job: Import, holder: UUID, rows: Sequence[tuple[int, list[str]]]) -> None:
    """Gives every row its outcome, once. Raises Unanswered (nothing happened, try later) or LeaseLost (stop)."""
    prepared = await prepare_rows(job, rows)
    await link_to_accounts(runtime, prepared)
    answers = await _ask(runtime, job, prepared)
    try:
        await _store(runtime, job, holder, prepared, answers)
    except (IntegrityError, DataError):
        if len(rows) == 1:
            return await _store_as_failed(runtime, job, holder, prepared[0])
        # One row spoils the chunk: alone it shows itself, and the others go in.
        for row in rows:
            await import_rows(runtime, job, holder, [row])


async def _ask(runtime: Runtime, job: Import, prepared: Sequence[Prepared]) -> dict[UUID, ClaimResult]:
    action = "alert" if job.duplicates == "alert" else None
    items = [claims.item(row.record, "create", "import", action=action) for row in prepared if row.record is not None]
    if not items:
        return {}
    results = await claims.ask_many(runtime, items, timeout=claims.BATCH_SECONDS)
    return {result.record_id: result for result in results}


async def _store(
    runtime: Runtime, job: Import, holder: UUID, prepared: Sequence[Prepared], answers: dict[UUID, ClaimResult]
) -> None:
    rows = [_outcome(job, row, answers.get(row.record.id) if row.record is not None else None) for row in prepared]
    kept = {row["number"] for row in rows if row["outcome"] == CREATED}
    records = [row.record for row in prepared if row.number in kept and row.record is not None and not job.is_dry_run]
    with acting(Actor("import", str(job.id)), correlation=job.correlation_id):
        async with runtime.db.transaction() as session:
            current = await _fenced(session, job, holder)
            await _store_records(session, records)
            await session.execute(insert(ImportRow), rows)
            _advance(current, rows)
    job.done_through = current.done_through


async def _store_records(session: AsyncSession, records: Sequence[Account | Contact]) -> None:
    pace = Pace()
    for start in range(0, len(records), ROWS_AT_ONCE):
        part = records[start : start + ROWS_AT_ONCE]
        session.add_all(part)
        await emit_many(session, AccountCreated, [record for record in part if isinstance(record, Account)])
        await emit_many(session, ContactCreated, [record for record in part if isinstance(record, Contact)])
        await pace.breathe()


async def _fenced(session: AsyncSession, job: Import, holder: UUID) -> Import:
    """The import's row, locked, if this worker may still go on exactly here."""
    await lease.renew(session, job.id, holder)
    current = await session.get_one(Import, job.id, with_for_update=True)
    if current.status != RUNNING or current.done_through != job.done_through:
        raise lease.LeaseLost("The import was cancelled or has moved on.")
    return current


async def _store_as_failed(runtime: Runtime, job: Import, holder: UUID, row: Prepared) -> None:
    row.record = None
    row.problems.append(NOT_STORABLE)
    await _store(runtime, job, holder, [row], {})


def _advance(current: Import, rows: Sequence[dict[str, object]]) -> None:
    outcomes = [row["outcome"] for row in rows]
    current.created += outcomes.count(CREATED)
    current.duplicate += outcomes.count(DUPLICATE)
    current.failed += outcomes.count(FAILED)
    current.with_warnings += sum(1 for row in rows if row["outcome"] == CREATED and row["problems"])
    current.done_through = max(int(str(row["number"])) for row in rows)
    current.waiting_for = None


def _outcome(job: Import, row: Prepared, answer: ClaimResult | None) -> dict[str, object]:
    problems = [problem._asdict() for problem in row.problems]
    stored: dict[str, object] = {"import_id": job.id, "number": row.number, "record_id": None, "duplicate_of": None}
    stored |= {"claim_id": answer.claim_id if answer else None, "problems": problems, "cells": None}
    if row.record is None:
        return stored | {"outcome": FAILED, "cells": row.cells}
    if answer is not None and answer.decision in ("blocked", "confirm"):
        problems.append(_why_duplicate(answer)._asdict())
        original = answer.candidates[0].id if answer.candidates else None
        return stored | {"outcome": DUPLICATE, "cells": row.cells, "duplicate_of": original}
    record_id = None if job.is_dry_run else row.record.id
    return stored | {"outcome": CREATED, "record_id": record_id, "cells": row.cells if problems else None}


def _why_duplicate(answer: ClaimResult) -> Problem:
    if not answer.candidates:
        return Problem("", None, "duplicate", "The same record exists already.")
    best = answer.candidates[0]
    fields = ", ".join(reason.field for reason in best.reasons if reason.verdict != "contradicts")
    return Problem("", None, "duplicate", f"Same as {best.label or best.id}" + (f" by {fields}." if fields else "."))
