"""When a loop rests after a batch, so that the next batch is one for many.

What comes after a quiet moment is worked on at once and followed by no rest: the answer to a single change may come
right behind it. Only when batches follow each other closely does a rest pay, and then it costs nobody's first event.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

CLOSE = 2.5
"""Batches follow each other closely when they begin within so many rests."""


@dataclass
class Gathering:
    """`linger` are the seconds of one rest; 0 for none at all. `clock` tells seconds."""

    linger: float
    clock: Callable[[], float] = time.monotonic
    _before: float = field(default=float("-inf"))

    def rest(self) -> float:
        """Seconds to rest after the batch that has just ended: 0.0 when the one before it is long ago."""
        now = self.clock()
        is_close = now - self._before < CLOSE * self.linger
        self._before = now
        return self.linger if is_close else 0.0
