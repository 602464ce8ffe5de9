"""One thread for calls that block, driven from the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


class OwnThread:
    """Calls run one after another. A daemon: a call that never returns does not hold up the end of the process.

    The event loop's own pool would: it is small, shared, and joined at the end.
    """

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        Thread(target=self._work, name=name, daemon=True).start()

    def submit(self, call: Callable[[], T]) -> "asyncio.Future[T]":
        """The call's outcome; cancelling it does not stop a call that runs already."""
        future: Future[T] = Future()
        self._jobs.put((future, call))
        return asyncio.wrap_future(future)

    def end(self) -> None:
        """After what has been submitted."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            _run(*job)
            del job  # it may hold the last reference to a client


def _run(future: "Future[Any]", call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(call())
    except BaseException as error:
        future.set_exception(error)
