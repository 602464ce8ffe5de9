"""What the gateway remembers: in memory only, and nothing that a restart or a second replica could not do without."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from gateway.domain.limits import Allowance, admit

MAX_REMEMBERED = 50_000


@dataclass
class Buckets:
    """One allowance per key; `take` says how many seconds to wait, 0.0 when admitted."""

    allowance: Allowance
    whole_at: dict[str, float] = field(default_factory=dict)

    def take(self, key: str, now: float) -> float:
        self.whole_at[key], wait = admit(self.whole_at.get(key, 0.0), now, self.allowance)
        if len(self.whole_at) > MAX_REMEMBERED:
            self._forget_whole_ones(now)
        return wait

    def _forget_whole_ones(self, now: float) -> None:
        self.whole_at = {key: moment for key, moment in self.whole_at.items() if moment > now}
        if len(self.whole_at) > MAX_REMEMBERED:
            # More callers at once than we care to count: those longest known start afresh.
            self.whole_at = dict(list(self.whole_at.items())[MAX_REMEMBERED // 2 :])


@dataclass(frozen=True, slots=True)
class Grant:
    """An access token that a session was exchanged for; `usable_until` on the monotonic clock."""

    access_token: str
    usable_until: float


Exchange = Callable[[str], Awaitable[Grant]]


class Grants:
    """The access tokens of the sessions seen lately; many requests of one session cause one exchange."""

    def __init__(self) -> None:
        self._granted: OrderedDict[bytes, Grant] = OrderedDict()
        self._running: dict[bytes, asyncio.Task[Grant]] = {}

    async def of(self, session_token: str, now: float, exchange: Exchange) -> Grant:
        key = _key(session_token)
        granted = self._granted.get(key)
        if granted is not None and now < granted.usable_until:
            return granted
        running = self._running.get(key)
        if running is None:
            running = asyncio.create_task(self._exchange(key, session_token, exchange))
            self._running[key] = running
        # One caller who leaves must not take the others' answer along.
        return await asyncio.shield(running)

    def forget(self, session_token: str) -> None:
        self._granted.pop(_key(session_token), None)

    async def _exchange(self, key: bytes, session_token: str, exchange: Exchange) -> Grant:
        try:
            granted = await exchange(session_token)
        except BaseException:
            self._granted.pop(key, None)
            raise
        finally:
            self._running.pop(key, None)
        self._granted[key] = granted
        if len(self._granted) > MAX_REMEMBERED:
            self._granted.popitem(last=False)
        return granted


def _key(session_token: str) -> bytes:
    return hashlib.sha256(session_token.encode("utf-8", "replace")).digest()
