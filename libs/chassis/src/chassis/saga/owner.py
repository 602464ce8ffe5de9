"""The owner of a saga: starts it, hears the replies, chases what is late, ends it.

Every step of the machine is one transaction under the lock of the saga's row: it reads where the saga stands, changes
that, and queues the next command. A reply that does not fit where the saga stands is a repeat or comes too late, and
changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from pydantic import JsonValue
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import registry
from uuid_utils.compat import uuid7

from chassis import context, metrics
from chassis.context import Actor, acting
from chassis.errors import Conflict
from chassis.saga.definition import Progress, Saga, Step
from chassis.saga.messages import attempt, send
from chassis.saga.tables import SAGA, SAGA_STEP
from chassis.subscriptions import Received, Subscriptions
from contracts.event import Kept, Reply

log = structlog.get_logger(__name__)

LONGEST_PAUSE = timedelta(seconds=60)
"""Between two sends of what must succeed in the end."""


class SagaRow:
    """One saga as mapped by `sagas`; `status` is running, compensating, completed or compensated."""

    id: UUID
    name: str
    subject_id: UUID
    input: dict[str, JsonValue]
    status: str
    step: int
    sends: int
    messages: int
    reason: str | None
    detail: str | None
    actor_type: str
    actor_id: str | None
    correlation_id: str
    state: str
    due_at: datetime
    deadline_at: datetime
    started_at: datetime
    finished_at: datetime | None


registry().map_imperatively(SagaRow, SAGA)


@dataclass(frozen=True)
class Started:
    """`is_new` is false when the same request had started it before."""

    saga_id: UUID
    is_new: bool


class SagaRunning(Conflict):
    """The subject is in the middle of another saga of this kind."""

    code = "saga_running"
    title = "This is already being done"


async def start(
    session: AsyncSession, saga: Saga, *, subject_id: UUID, request_key: str, input: dict[str, JsonValue]
) -> Started:
    """Starts a saga in the transaction of the request that asks for it; the first command leaves with its commit.

    The same `request_key` always gives the same saga, however it ended. Raises SagaRunning (409, with `saga_id`) while
    another one of this kind is at work on the subject.
    """
    now = await database_now(session)
    who = context.actor.get()
    values = {
        "id": uuid7(),
        "name": saga.name,
        "subject_id": subject_id,
        "request_key": request_key,
        "input": input,
        "status": "running",
        "step": 0,
        "sends": 0,
        "messages": 0,
        "actor_type": who.type,
        "actor_id": who.id,
        "correlation_id": context.current_correlation_id(),
        "due_at": now,
        "deadline_at": now + saga.limit,
    }
    made = await session.execute(upsert(SAGA).values(values).on_conflict_do_nothing().returning(SAGA.c.id))
    if (found := made.scalar_one_or_none()) is None:
        return await _started_before(session, saga, subject_id, request_key)
    row = await session.get_one(SagaRow, found)
    await _order(session, saga, row, now)
    return Started(found, is_new=True)


async def _started_before(session: AsyncSession, saga: Saga, subject_id: UUID, request_key: str) -> Started:
    c = SAGA.c
    same = select(c.id).where(c.name == saga.name, c.request_key == request_key)
    if (known := (await session.execute(same)).scalar_one_or_none()) is not None:
        return Started(known, is_new=False)
    busy = select(c.id).where(c.name == saga.name, c.subject_id == subject_id, c.state == "pending")
    running = (await session.execute(busy)).scalar_one_or_none()
    raise SagaRunning(saga_id=str(running) if running else None)


def orchestrate(subscriptions: Subscriptions, saga: Saga) -> None:
    """The owner hears the replies of this saga from now on."""

    async def hear(session: AsyncSession, reply: Reply, received: Received[Any]) -> None:
        await hear_reply(session, saga, reply)

    hear.__name__ = f"hear_{saga.name.replace('-', '_')}"
    subscriptions.react(*{step.reply: None for step in saga.steps})(hear)


async def hear_reply(session: AsyncSession, saga: Saga, reply: Reply) -> None:
    """Takes the saga one step on, if the reply is the one it waits for."""
    row = await session.get(SagaRow, reply.saga_id, with_for_update=True)
    if row is None or row.name != saga.name:
        log.warning("reply_to_unknown_saga", saga_id=str(reply.saga_id), saga=saga.name)
        return
    current = saga.steps[row.step] if 0 <= row.step < len(saga.steps) else None
    if row.state != "pending" or current is None or reply.step != current.name:
        return
    now = await database_now(session)
    if row.status == "running":
        await _hear_running(session, saga, row, reply, now)
    elif reply.outcome == "cancelled":
        await _note(session, row, reply)
        await _take_back(session, saga, row, row.step - 1, now)
    elif reply.outcome == "done" and current.is_pivot:
        # The cancellation came too late, and nothing before the pivot has been taken back yet.
        row.status, row.reason, row.detail = "running", None, None
        await _hear_running(session, saga, row, reply, now)


async def _hear_running(session: AsyncSession, saga: Saga, row: SagaRow, reply: Reply, now: datetime) -> None:
    if reply.outcome == "done":
        await _note(session, row, reply)
        row.step, row.sends = row.step + 1, 0
        await _go_on(session, saga, row, now)
    elif row.step < saga.point_of_no_return:
        row.reason, row.detail = reply.reason or reply.outcome, reply.detail
        await _note(session, row, reply)
        # The refused step is cancelled too: another copy of the order may still be under way, and may be granted.
        await _take_back(session, saga, row, row.step, now)
    else:
        # There is no way back: somebody has to make the step possible, and it is ordered again until then.
        log.error("saga_step_refused", saga=saga.name, saga_id=str(row.id), step=reply.step, reason=reply.reason)


async def _go_on(session: AsyncSession, saga: Saga, row: SagaRow, now: datetime) -> None:
    if row.step < len(saga.steps):
        await _order(session, saga, row, now)
    else:
        await _end(session, saga, row, now)


async def _take_back(session: AsyncSession, saga: Saga, row: SagaRow, step: int, now: datetime) -> None:
    """Cancels the steps from `step` back to the first, one after the other."""
    row.status, row.step, row.sends = "compensating", step, 0
    if step >= 0:
        await _order(session, saga, row, now)
    else:
        await _end(session, saga, row, now)


async def _order(session: AsyncSession, saga: Saga, row: SagaRow, now: datetime) -> None:
    """Sends the current step's command, or its cancellation, for the first time or again."""
    step = saga.steps[row.step]
    if row.status == "running":
        command = step.order(await progress(session, row, step.name))
    else:
        command = step.cancel(saga_id=row.id, step=step.name)
    row.sends, row.messages = row.sends + 1, row.messages + 1
    row.due_at = now + _pause(saga, row, step)
    if row.sends > 1:
        metrics.saga_resends.labels(saga.name, step.name).inc()
    await session.flush()
    send(session, command, row.messages)


def _pause(saga: Saga, row: SagaRow, step: Step) -> timedelta:
    """What must succeed in the end is asked for ever more rarely."""
    is_patient = row.status == "running" and row.step < saga.point_of_no_return
    pause = step.patience if is_patient else step.patience * 2 ** min(row.sends - 1, 10)
    return min(pause, LONGEST_PAUSE)


async def _end(session: AsyncSession, saga: Saga, row: SagaRow, now: datetime) -> None:
    """Changes the subject and closes the saga; when that fails, the row waits and it is tried again, without limit."""
    is_completed = row.status == "running"
    await session.flush()
    try:
        async with attempt(session):
            end = saga.completed if is_completed else saga.compensated
            await end(session, await progress(session, row))
    except Exception as error:
        row.sends += 1
        row.due_at = now + min(timedelta(seconds=2 ** min(row.sends, 10)), LONGEST_PAUSE)
        log.error("saga_end_failed", saga=saga.name, saga_id=str(row.id), error=repr(error), exc_info=error)
        return
    row.status = "completed" if is_completed else "compensated"
    row.state, row.finished_at = "settled", now
    metrics.saga_finished.labels(saga.name, row.status).inc()


async def _note(session: AsyncSession, row: SagaRow, reply: Reply) -> None:
    values = {"outcome": reply.outcome, "reply": reply.model_dump(mode="json")}
    written = upsert(SAGA_STEP).values(saga_id=row.id, step=reply.step, **values)
    changed = written.on_conflict_do_update(
        index_elements=[SAGA_STEP.c.saga_id, SAGA_STEP.c.step],
        set_={**values, "changed_at": func.clock_timestamp()},
    )
    await session.execute(changed)


async def progress(session: AsyncSession, row: SagaRow, step: str = "") -> Progress:
    """What the saga knows by now."""
    c = SAGA_STEP.c
    rows = await session.execute(select(c.step, c.reply).where(c.saga_id == row.id).order_by(c.changed_at, c.step))
    replies = {found.step: found.reply for found in rows}
    kept = tuple(Kept.model_validate(each) for reply in replies.values() for each in reply.get("kept", ()))
    return Progress(row.id, row.subject_id, row.input, replies, step, row.reason, row.detail, kept)


async def chase(session: AsyncSession, sagas: Sequence[Saga], rows: Sequence[SagaRow]) -> None:
    """What is late is ordered again, given up or ended; a saga for which that fails does not stop the others."""
    known = {saga.name: saga for saga in sagas}
    now = await database_now(session)
    for row in rows:
        with acting(Actor(row.actor_type, row.actor_id), correlation=row.correlation_id):
            try:
                async with attempt(session):
                    await _chase_one(session, known[row.name], row, now)
            except Exception as error:
                await session.refresh(row)
                row.due_at = now + LONGEST_PAUSE
                log.error("saga_chase_failed", saga=row.name, saga_id=str(row.id), error=repr(error), exc_info=error)


async def _chase_one(session: AsyncSession, saga: Saga, row: SagaRow, now: datetime) -> None:
    if not 0 <= row.step < len(saga.steps):
        await _end(session, saga, row, now)
        return
    gives_up = row.sends > saga.steps[row.step].resends or now >= row.deadline_at
    if row.status == "running" and gives_up and row.step < saga.point_of_no_return:
        row.reason, row.detail = "no_answer", f"{saga.steps[row.step].name} gave no answer"
        # It may have happened or happen yet, so it is cancelled too, and first.
        await _take_back(session, saga, row, row.step, now)
    else:
        await _order(session, saga, row, now)


async def database_now(session: AsyncSession) -> datetime:
    """PostgreSQL's clock, the only one that decides."""
    moment: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return moment
