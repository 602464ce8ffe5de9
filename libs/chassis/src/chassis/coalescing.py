"""Request coalescing: what many ask at the same moment goes out as one question.

Nobody waits for company. A question leaves at once while few are under way; those that come meanwhile leave together
when one of them is back. So a quiet moment costs no time, and a busy one costs the other side one transaction for many.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from chassis.questions import Unanswered

QuestionT = TypeVar("QuestionT")
AnswerT = TypeVar("AnswerT")


@dataclass(slots=True)
class _Asked(Generic[QuestionT, AnswerT]):
    question: QuestionT
    answer: "asyncio.Future[AnswerT]"
    context: Context
    is_alone: bool = False


@dataclass
class Coalescer(Generic[QuestionT, AnswerT]):
    """`send` asks many questions at once and returns their answers in the same order; it sets its own time limit.

    `give_back` undoes the answer of somebody who has stopped waiting. At most `most` questions travel together, at most
    `under_way` requests at a time. Fails a request of many, each is asked again alone: one bad question harms no other.
    """

    send: Callable[[Sequence[QuestionT]], Awaitable[Sequence[AnswerT]]]
    give_back: Callable[[AnswerT], Awaitable[None]]
    most: int = 50
    under_way: int = 2
    _waiting: "deque[_Asked[QuestionT, AnswerT]]" = field(default_factory=deque)
    _travelling: "set[asyncio.Task[None]]" = field(default_factory=set)

    async def ask(self, question: QuestionT) -> AnswerT:
        """The answer to one question. Raises what `send` raises; cancel it to stop waiting."""
        asked: _Asked[QuestionT, AnswerT] = _Asked(question, asyncio.get_running_loop().create_future(), copy_context())
        self._waiting.append(asked)
        self._depart()
        return await asked.answer

    def _depart(self) -> None:
        while len(self._travelling) < self.under_way and (together := self._boarded()):
            # The first one's correlation and trace: a question that travels alone keeps its own.
            task = asyncio.get_running_loop().create_task(self._travel(together), context=together[0].context)
            self._travelling.add(task)
            task.add_done_callback(self._arrived)

    def _boarded(self) -> "list[_Asked[QuestionT, AnswerT]]":
        together: list[_Asked[QuestionT, AnswerT]] = []
        while self._waiting and len(together) < self.most:
            if together and (together[0].is_alone or self._waiting[0].is_alone):
                break
            asked = self._waiting.popleft()
            if not asked.answer.done():
                together.append(asked)
        return together

    def _arrived(self, task: "asyncio.Task[None]") -> None:
        self._travelling.discard(task)
        self._depart()

    async def _travel(self, together: "list[_Asked[QuestionT, AnswerT]]") -> None:
        try:
            answers = await self.send([asked.question for asked in together])
            pairs = list(zip(together, answers, strict=True))
        except Exception as error:
            self._failed(together, error)
            return
        abandoned = [answer for asked, answer in pairs if asked.answer.done()]
        for asked, answer in pairs:
            if not asked.answer.done():
                asked.answer.set_result(answer)
        for answer in abandoned:
            await self.give_back(answer)

    def _failed(self, together: "list[_Asked[QuestionT, AnswerT]]", error: Exception) -> None:
        for asked in reversed(together):
            if len(together) > 1:
                asked.is_alone = True
                self._waiting.appendleft(asked)
            elif not asked.answer.done():
                asked.answer.set_exception(error)


async def ask_with_others(
    state: dict[str, Any],
    name: str,
    send: Callable[[Sequence[QuestionT]], Awaitable[Sequence[AnswerT]]],
    give_back: Callable[[AnswerT], Awaitable[None]],
    question: QuestionT,
    *,
    patience: float,
) -> AnswerT:
    """One question through the coalescer that the process keeps in `state` under `name`, made at the first use.

    `patience` are seconds. Raises Unanswered after them, and what `send` raises.
    """
    coalescer: Coalescer[QuestionT, AnswerT] = state.setdefault(name, Coalescer(send, give_back))
    try:
        async with asyncio.timeout(patience):
            return await coalescer.ask(question)
    except TimeoutError as error:
        raise Unanswered("no answer in time") from error
