"""What a saga is: its steps in order, what each orders, and what becomes of its subject in the end."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.event import Command, Kept, Reply

CommandT = TypeVar("CommandT", bound=Command)


@dataclass(frozen=True)
class Progress:
    """What is known of one saga: what it was started with, and the fields of each step's reply.

    `step` is the name of the step that is being ordered. `reason` and `detail` say why it failed, `kept` what its
    cancelled steps could not take back.
    """

    saga_id: UUID
    subject_id: UUID
    input: Mapping[str, JsonValue]
    replies: Mapping[str, Mapping[str, JsonValue]]
    step: str = ""
    reason: str | None = None
    detail: str | None = None
    kept: tuple[Kept, ...] = ()

    def order(self, command: type[CommandT], **fields: Any) -> CommandT:
        """The command of the current step."""
        return command(saga_id=self.saga_id, step=self.step, **fields)


@dataclass(frozen=True)
class Step:
    """One order to one service.

    `order` builds the command, always the same one for the same progress: it may be sent again. `cancel` is what takes
    the step back, or forbids it when it has not happened yet. A pivot cannot be taken back once it is done: before it a
    failure compensates, after it the saga only goes forward. An unanswered order is sent again `resends` times, each
    time after `patience`.
    """

    name: str
    order: Callable[[Progress], Command]
    cancel: type[Command]
    reply: type[Reply]
    is_pivot: bool = False
    patience: timedelta = timedelta(seconds=10)
    resends: int = 3


End = Callable[[AsyncSession, Progress], Awaitable[None]]


@dataclass(frozen=True)
class Saga:
    """`completed` and `compensated` change the subject, in the owner's database; they are repeated until they succeed.

    A saga that is not past its pivot after `limit` is compensated. `name` stays in the database over releases, as do
    the names and the order of its steps. Raises ValueError for a definition that cannot work.
    """

    name: str
    steps: tuple[Step, ...]
    completed: End
    compensated: End
    limit: timedelta = timedelta(minutes=5)

    def __post_init__(self) -> None:
        if len({step.name for step in self.steps}) != len(self.steps) or not self.steps:
            raise ValueError(f"{self.name}: steps need names of their own")
        if sum(step.is_pivot for step in self.steps) > 1:
            raise ValueError(f"{self.name}: there is one point of no return at most")

    @property
    def point_of_no_return(self) -> int:
        """Index of the first step that is only ever ordered when there is no way back."""
        pivots = [index for index, step in enumerate(self.steps) if step.is_pivot]
        return pivots[0] + 1 if pivots else len(self.steps)
