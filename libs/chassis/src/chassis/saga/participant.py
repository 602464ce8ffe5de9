"""A participant does its part of other services' sagas: each step once, answered as often as it is asked.

A row per (saga, step) decides, locked before anything is done, so it does not matter in which order commands come: an
order that arrives after its cancellation is refused, a repeated one gets the same answer again.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import structlog
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import metrics
from chassis.errors import ServiceError
from chassis.saga.messages import attempt, send
from chassis.saga.tables import SAGA_WORK
from chassis.subscriptions import Received, Subscriptions
from contracts.event import Command, Kept, Message, Reply

log = structlog.get_logger(__name__)

CommandT = TypeVar("CommandT", bound=Command)
Work = Callable[[AsyncSession, Any], Awaitable[Mapping[str, Any] | None]]
Undo = Callable[[AsyncSession, Any, Any], Awaitable[Sequence[Kept]]]
WorkT = TypeVar("WorkT", bound=Work)


class Refused(Exception):
    """The step may not happen; `code` is stable, `detail` is for people."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(detail or code)
        self.code, self.detail = code, detail


def participate(
    subscriptions: Subscriptions,
    order: type[Command],
    *,
    reply: type[Reply],
    cancel: type[Command],
    undo: Undo | None = None,
) -> Callable[[WorkT], WorkT]:
    """The decorated function does one step and returns the reply's own fields.

    It refuses by raising Refused, or a ServiceError with a status below 500; what it changed is then rolled back.
    Anything else it raises is tried again by the inbox. `undo(session, cancel, reply)` takes back
    what `reply` says was made, and returns what it had to keep; it may not refuse. Without it the step is a pivot: a
    cancellation that comes too late is answered with what was done.
    """

    def declare(function: WorkT) -> WorkT:
        async def work(session: AsyncSession, command: Command, received: Received[Any]) -> None:
            async def repeat(known: Reply) -> Reply:
                # A refusal does not stand against an order that insists: past the pivot there is no other way.
                return await _do(session, command, reply, function) if known.outcome == "refused" else known

            await _answer(session, command, reply, lambda: _do(session, command, reply, function), repeat)

        async def take_back(session: AsyncSession, command: Command, received: Received[Any]) -> None:
            async def revise(known: Reply) -> Reply:
                return await _cancel(session, command, known, undo)

            await _answer(session, command, reply, lambda: _forbid(command, reply), revise)

        # The inbox keeps work under these names.
        work.__name__, take_back.__name__ = function.__name__, f"cancel_{function.__name__}"
        subscriptions.react(order)(work)
        subscriptions.react(cancel)(take_back)
        return function

    return declare


async def _answer(
    session: AsyncSession,
    command: Message,
    reply: type[Reply],
    first: Callable[[], Awaitable[Reply]],
    again: Callable[[Reply], Awaitable[Reply]],
) -> None:
    """Claims the step, lets `first` decide or `again` revise what was decided, and sends the answer."""
    c = SAGA_WORK.c
    key = {"saga_id": command.saga_id, "step": command.step}
    claim = upsert(SAGA_WORK).values(**key, outcome="begun").on_conflict_do_nothing().returning(c.saga_id)
    # Of two at once the second waits here until the first has committed.
    is_first = (await session.execute(claim)).first() is not None
    mine = (c.saga_id == command.saga_id) & (c.step == command.step)
    if is_first:
        number, answer = 0, await first()
    else:
        known = (await session.execute(select(c.reply, c.replies).where(mine).with_for_update())).one()
        number, answer = known.replies, await again(reply.model_validate(known.reply))
    values = {"outcome": answer.outcome, "reply": answer.model_dump(mode="json"), "replies": number + 1}
    await session.execute(update(SAGA_WORK).where(mine).values(**values))
    send(session, answer, number + 1)
    metrics.saga_answers.labels(command.TYPE, answer.outcome).inc()


async def _do(session: AsyncSession, command: Command, reply: type[Reply], function: Work) -> Reply:
    key: dict[str, Any] = {"saga_id": command.saga_id, "step": command.step}
    try:
        async with attempt(session):
            made = await function(session, command)
        return reply(**key, outcome="done", **(made or {}))
    except Refused as refusal:
        return reply(**key, outcome="refused", reason=refusal.code, detail=str(refusal))
    except ServiceError as error:
        if error.status >= 500:
            raise
        return reply(**key, outcome="refused", reason=error.code, detail=error.detail)


async def _forbid(command: Command, reply: type[Reply]) -> Reply:
    """Nothing was done yet, and now nothing may be."""
    return reply(saga_id=command.saga_id, step=command.step, outcome="cancelled")


async def _cancel(session: AsyncSession, command: Command, known: Reply, undo: Undo | None) -> Reply:
    if known.outcome == "refused":
        return known.model_copy(update={"outcome": "cancelled"})
    if known.outcome != "done" or undo is None:
        return known
    kept = list(await undo(session, command, known))
    if kept:
        log.warning("saga_kept", saga_id=str(command.saga_id), step=command.step, kept=[each.object for each in kept])
    return type(known)(saga_id=known.saga_id, step=known.step, outcome="cancelled", kept=kept)
