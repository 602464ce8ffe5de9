import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from chassis.overlap import Working

Piece = Callable[[str], Coroutine[Any, Any, None]]


def pieces(seen: list[str], gate: asyncio.Event) -> Piece:
    async def piece(name: str) -> None:
        seen.append(f"{name} begins")
        await gate.wait()
        seen.append(f"{name} ends")
        if name == "bad":
            raise ValueError(name)

    return piece


async def test_one_works_while_the_next_is_prepared_and_never_two() -> None:
    seen: list[str] = []
    gate = asyncio.Event()
    piece = pieces(seen, gate)
    async with Working() as working:
        await working.next(piece("a"))
        seen.append("prepared")
        gate.set()
        await working.next(piece("b"))
    assert seen == ["a begins", "prepared", "a ends", "b begins", "b ends"]


@pytest.mark.parametrize("names", [("bad",), ("bad", "never")])
async def test_what_fails_is_raised_as_it_is_and_nothing_begins_after_it(names: tuple[str, ...]) -> None:
    seen: list[str] = []
    gate = asyncio.Event()
    gate.set()
    piece = pieces(seen, gate)
    with pytest.raises(ValueError, match="bad"):
        async with Working() as working:
            for name in names:
                await working.next(piece(name))
    assert seen == ["bad begins", "bad ends"]


async def test_nothing_runs_on_after_a_failure_of_the_preparation_or_a_cancellation() -> None:
    seen: list[str] = []
    piece = pieces(seen, asyncio.Event())
    with pytest.raises(LookupError):
        async with Working() as working:
            await working.next(piece("a"))
            raise LookupError
    assert seen == ["a begins"]

    async def two() -> None:
        async with Working() as working:
            await working.next(piece("b"))
            await working.next(piece("c"))

    task = asyncio.create_task(two())
    while "b begins" not in seen:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["a begins", "b begins"]
    assert len(asyncio.all_tasks()) == 1
