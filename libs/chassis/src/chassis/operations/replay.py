"""A stretch of a topic once more: into a shadow, to see what would come out, or into the live rows, which versions and
the inbox protect. The live group's positions are not touched."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import structlog
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.kafka import SourceRecord
from chassis.operations.jobs import Job, JobRefused
from chassis.operations.reading import Choice, Reading, alone, stretch
from chassis.operations.shadow import Shadow, connected
from chassis.operations.states import decoded
from chassis.projector import Intake, caused_by, fold, is_transient
from chassis.reactor import KEEP_DONE_DAYS
from chassis.subscriptions import Received, Subscriptions, handler_name

if TYPE_CHECKING:
    from chassis.service import Runtime

log = structlog.get_logger(__name__)

CHUNK = 500
TRIES = 6


class Replay(BaseModel):
    """What is replayed, and into what. `first` and `last` are moments, offsets, `start` or `end`."""

    model_config = ConfigDict(extra="forbid")

    topic: str = Field(max_length=200)
    first: AwareDatetime | int | Literal["start"] = "start"
    last: AwareDatetime | int | Literal["end"] = "end"
    types: list[str] = Field(default_factory=list, max_length=50)
    key: str | None = Field(None, max_length=200)
    into: Literal["shadow", "live"]
    handlers: list[str] = Field(
        default_factory=list, max_length=50, description="Consumer functions; the topic's projectors when left out."
    )
    accept_repeats: bool = Field(
        False, description="Let reactors have events that are older than what they remember having handled."
    )

    @property
    def is_whole(self) -> bool:
        return self.first == "start" and self.last == "end" and not self.types and self.key is None

    def choice(self) -> Choice:
        since = self.first if isinstance(self.first, datetime) else None
        until = self.last if isinstance(self.last, datetime) else None
        return Choice(frozenset(self.types), self.key, since, until)


def narrowed(subscriptions: Subscriptions, wanted: Replay) -> Subscriptions:
    """The chosen functions only. Raises JobRefused for names nobody has, and for choices that make no sense."""
    topic = wanted.topic.removesuffix(".state")
    projectors = {handler_name(each): each for each in subscriptions.projectors.get(topic, ())}
    reactors = {
        handler_name(each): (type_, each)
        for type_, every in subscriptions.reactors.items()
        if type_.startswith(f"{topic}.")
        for each in every
    }
    if wanted.into == "live" and topic != wanted.topic:
        raise JobRefused("states go into the live rows by `bootstrap`; a replay into live reads a topic of facts")
    chosen = wanted.handlers or list(projectors)
    unknown = [name for name in chosen if name not in projectors and name not in reactors]
    if unknown or not chosen:
        there = ", ".join([*projectors, *reactors]) or "nobody"
        raise JobRefused(f"{', '.join(unknown) or 'No projector'} does not listen to {topic} here; {there} does")
    acting = [name for name in chosen if name in reactors]
    if acting and wanted.into == "shadow":
        raise JobRefused(f"{', '.join(acting)} acts on events and has no rows to compare")
    found = Subscriptions()
    for name in chosen:
        if name in projectors:
            found.projectors.setdefault(topic, []).append(projectors[name])
        else:
            type_, reactor = reactors[name]
            found.reactors.setdefault(type_, []).append(reactor)
    return found


def check_memory(wanted: Replay, subscriptions: Subscriptions, now: datetime) -> None:
    """A reactor knows for some days what it has handled; older events would have their effect again."""
    oldest = now - timedelta(days=KEEP_DONE_DAYS)
    is_remembered = isinstance(wanted.first, datetime) and wanted.first >= oldest
    if subscriptions.reactors and not is_remembered and not wanted.accept_repeats:
        raise JobRefused(
            f"reactors remember {KEEP_DONE_DAYS} days: begin at or after {oldest:%Y-%m-%dT%H:%MZ}, "
            "or say that repeated effects are accepted"
        )


async def run(runtime: "Runtime", job: Job) -> dict[str, Any]:
    """The job: reads, applies, reports; the result has counts, and in a shadow the differences."""
    wanted = Replay.model_validate(dict(job.parameters))
    subscriptions = narrowed(runtime.service.subscriptions, wanted)
    check_memory(wanted, subscriptions, datetime.now(UTC))
    if wanted.into == "live":
        return await _read(runtime, job, wanted, Live(runtime, subscriptions))
    async with connected(runtime.db.url) as connection:
        shadow = Shadow(connection, runtime.service.name)
        counts = await _read(runtime, job, wanted, Filling(shadow, subscriptions))
        return {**counts, "differences": await shadow.differences(is_whole=wanted.is_whole)}


class Live:
    """Applies records as the consumers do: in transactions, behind versions and the inbox."""

    def __init__(self, runtime: "Runtime", subscriptions: Subscriptions) -> None:
        self._database = runtime.db
        self._intake = Intake(runtime.db, runtime.service.name, subscriptions)
        self._intake.assigned()

    async def __call__(self, records: Sequence[SourceRecord]) -> int:
        try:
            await patiently(lambda: self._apply(records, one_by_one=False))
        except Exception as error:
            if is_transient(error):
                raise
            await patiently(lambda: self._apply(records, one_by_one=True))
        return 0

    async def _apply(self, records: Sequence[SourceRecord], *, one_by_one: bool) -> None:
        async with self._database.transaction() as session:
            await self._intake.effect(session, records, one_by_one=one_by_one)


class Filling:
    """Applies records to the shadow; what a projector refuses is counted."""

    def __init__(self, shadow: Shadow, subscriptions: Subscriptions) -> None:
        self._shadow = shadow
        self._subscriptions = subscriptions

    async def __call__(self, records: Sequence[SourceRecord]) -> int:
        received, unreadable = decoded(records)
        folded = fold(received)
        try:
            await self._project(folded)
        except Exception as error:
            if is_transient(error):
                raise
            return unreadable + sum([await self._refuses(each) for each in folded])
        return unreadable

    async def _refuses(self, one: Received) -> bool:
        try:
            await self._project([one])
        except Exception as error:
            log.warning("shadow_refused", event_id=str(one.envelope.id), error=repr(error))
            return True
        return False

    async def _project(self, batch: Sequence[Received]) -> None:
        async def effect(session: AsyncSession) -> None:
            for projectors in self._subscriptions.projectors.values():
                for projector in projectors if batch else ():
                    with caused_by(batch[-1].envelope, handler_name(projector)):
                        await projector(session, batch)

        await self._shadow.apply(effect)


async def _read(
    runtime: "Runtime", job: Job, wanted: Replay, apply: Callable[[Sequence[SourceRecord]], Awaitable[int]]
) -> dict[str, Any]:
    choice, chosen, refused = wanted.choice(), 0, 0
    async with alone(runtime.bus, [wanted.topic]) as consumer:
        bounds = await stretch(consumer, wanted.first, wanted.last)
        reading = Reading(consumer, bounds)
        async for _, records in reading.chunks():
            taken = [record for record in records if choice.takes(record)]
            for begin in range(0, len(taken), CHUNK):
                refused += await apply(taken[begin : begin + CHUNK])
            chosen += len(taken)
            await job.report(read=reading.passed, of=bounds.total, chosen=chosen)
    return {"read": reading.passed, "chosen": chosen, "refused": refused}


async def patiently(work: Callable[[], Awaitable[None]]) -> None:
    """Tries again what the database was too busy for. Raises what remains."""
    for attempt in range(TRIES):
        try:
            return await work()
        except Exception as error:
            if not is_transient(error) or attempt == TRIES - 1:
                raise
            await asyncio.sleep(0.1 * 2**attempt)
    raise AssertionError("unreachable")
