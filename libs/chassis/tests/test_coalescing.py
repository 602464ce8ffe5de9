"""Questions asked at the same moment travel together, and nobody pays for another one's trouble."""

import asyncio
from collections.abc import Sequence

import pytest

from chassis.coalescing import Coalescer
from chassis.context import SYSTEM, acting, current_correlation_id


class OtherSide:
    """Answers with the question in capitals, when `open` lets it; "BAD" spoils the request it travels in."""

    def __init__(self) -> None:
        self.requests: list[list[str]] = []
        self.correlations: list[str] = []
        self.returned: list[str] = []
        self.open = asyncio.Event()
        self.coalescer: Coalescer[str, str] = Coalescer(self.send, self.give_back, most=4, under_way=2)

    async def send(self, questions: Sequence[str]) -> Sequence[str]:
        self.requests.append(list(questions))
        self.correlations.append(current_correlation_id())
        await self.open.wait()
        if "BAD" in questions:
            raise LookupError("BAD")
        return [question.upper() for question in questions]

    async def give_back(self, answer: str) -> None:
        self.returned.append(answer)

    async def asked(self, *questions: str) -> "list[asyncio.Task[str]]":
        """The questions on their way; each task has run up to its wait."""
        tasks = [asyncio.create_task(self.coalescer.ask(question)) for question in questions]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return tasks


async def test_the_first_ones_leave_at_once_and_the_rest_together() -> None:
    other = OtherSide()
    tasks = await other.asked("a", "b", "c", "d", "e", "f", "g")
    assert other.requests == [["a"], ["b"]]
    other.open.set()
    assert await asyncio.gather(*tasks) == ["A", "B", "C", "D", "E", "F", "G"]
    assert other.requests == [["a"], ["b"], ["c", "d", "e", "f"], ["g"]]


async def test_a_bad_question_harms_no_other() -> None:
    other = OtherSide()
    tasks = await other.asked("a", "b", "c", "BAD", "d")
    other.open.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(answer) for answer in answers] == ["A", "B", "C", "BAD", "D"]
    assert isinstance(answers[3], LookupError)
    assert other.requests[2:] == [["c", "BAD", "d"], ["c"], ["BAD"], ["d"]]


async def test_who_stops_waiting_before_the_departure_is_not_asked_for() -> None:
    other = OtherSide()
    tasks = await other.asked("a", "b", "c", "d")
    tasks[2].cancel()
    other.open.set()
    assert [str(answer) for answer in await asyncio.gather(*tasks[:2], tasks[3])] == ["A", "B", "D"]
    assert other.requests[2:] == [["d"]]


async def test_the_answer_of_somebody_who_left_is_given_back() -> None:
    other = OtherSide()
    tasks = await other.asked("a", "b")
    tasks[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[0]
    other.open.set()
    assert await tasks[1] == "B"
    assert other.returned == ["A"]


async def test_a_question_that_travels_alone_keeps_its_correlation() -> None:
    other = OtherSide()
    other.open.set()
    for name in ("one", "two"):
        with acting(SYSTEM, correlation=name):
            await other.coalescer.ask("a")
    assert other.correlations == ["one", "two"]
