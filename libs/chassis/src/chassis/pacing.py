"""Long work in pure Python beside requests in the same process: a little, then a rest, so that they come through.

Giving the loop one turn is not enough: a request needs a dozen turns, and would pay for a piece of the work each time.
"""

import asyncio
import time
from dataclasses import dataclass, field


@dataclass
class Pace:
    """`work` and `rest` are seconds: after so much time without a rest, `breathe` rests so long."""

    work: float = 0.003
    rest: float = 0.006
    _since: float = field(default_factory=time.monotonic)

    async def breathe(self) -> None:
        """Call it between two steps, as often as possible; it returns at once while the work was short."""
        if time.monotonic() - self._since >= self.work:
            await asyncio.sleep(self.rest)
            self._since = time.monotonic()
