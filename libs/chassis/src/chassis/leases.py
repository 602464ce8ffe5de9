"""Which shards of the outbox a relay may work on, by rows and the clock of the database.

A lease only keeps repeats few: that two relays never work on one shard at the same time is not promised, and nothing
depends on it. Each change of owner raises the shard's `term`.
"""

import asyncio
from dataclasses import dataclass, field
from math import ceil
from uuid import uuid4

import asyncpg

from chassis.tables import SHARDS

LEASE_SECONDS = 5
LEASE_MARGIN = 1.0
"""Seconds before the end of a lease in which nothing new is sent: time for what is under way to arrive."""
RENEW_EVERY = 0.75
"""Seconds; also how often free shards are looked for. A killed relay's are taken over after both times together."""

_SEED = "insert into outbox_shard (shard) select generate_series(0, $1 - 1) on conflict do nothing"
_JOIN = """
insert into relay_member (owner, seen_at) values ($1, clock_timestamp())
on conflict (owner) do update set seen_at = excluded.seen_at"""
_FORGET = "delete from relay_member where seen_at < clock_timestamp() - make_interval(secs => $1)"
_MEMBERS = "select count(*) from relay_member"
_RENEW = """
update outbox_shard set lease_until = clock_timestamp() + make_interval(secs => $2)
where owner = $1 and lease_until > clock_timestamp() returning shard"""
_LEASE = """
update outbox_shard s set owner = $1, term = term + 1, lease_until = clock_timestamp() + make_interval(secs => $2)
from (select shard, lease_until > '-infinity' as has_expired from outbox_shard where lease_until < clock_timestamp()
      order by shard limit $3 for update skip locked) f
where s.shard = f.shard returning s.shard, f.has_expired"""
_RELEASE = "update outbox_shard set lease_until = '-infinity' where owner = $1 and shard = any($2::smallint[])"
_LEAVE = "delete from relay_member where owner = $1"


class LeasesLost(Exception):
    """Another relay may have taken over what is being sent here; the producer must give up what it still holds."""


@dataclass
class Leases:
    """The shards of one relay. The clock of this process only decides when to ask again."""

    owner: str = field(default_factory=lambda: uuid4().hex)
    shards: list[int] = field(default_factory=list)
    doubt: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when two relays may have sent for one shard: ours was lost, or its last owner did not give it back."""
    _kept_at: float = -1e9
    _renewed_at: float = -1e9

    async def begin(self, connection: asyncpg.Connection) -> None:
        """With a new connection nothing is known: the next `keep` asks."""
        await connection.execute(_SEED, SHARDS)
        self._kept_at = -1e9

    async def keep(self, connection: asyncpg.Connection) -> bool:
        """Renews what is ours and takes or gives up shards for a fair share; False when it is too early for that."""
        now = asyncio.get_running_loop().time()
        if now - self._kept_at < RENEW_EVERY:
            return False
        self._kept_at = self._renewed_at = now
        async with connection.transaction():
            held = [row["shard"] for row in await connection.fetch(_RENEW, self.owner, LEASE_SECONDS)]
            self.shards = await self._fair_share(connection, held)
        return True

    async def renew(self, connection: asyncpg.Connection) -> None:
        """Only renews: in the middle of a batch no shard is given up or taken. Raises LeasesLost."""
        now = asyncio.get_running_loop().time()
        if now - self._renewed_at < RENEW_EVERY:
            return
        await connection.execute(_JOIN, self.owner)
        held = {row["shard"] for row in await connection.fetch(_RENEW, self.owner, LEASE_SECONDS)}
        if not held.issuperset(self.shards):
            self._kept_at = -1e9
            self.doubt.set()
            raise LeasesLost(f"{len(self.shards)} shards were held, {len(held)} are")
        self._renewed_at = now

    def may_be_lost(self) -> bool:
        """Whether this process was away for so long that others may be working on its shards."""
        return asyncio.get_running_loop().time() - self._renewed_at > LEASE_SECONDS - LEASE_MARGIN

    async def _fair_share(self, connection: asyncpg.Connection, held: list[int]) -> list[int]:
        await connection.execute(_JOIN, self.owner)
        await connection.execute(_FORGET, LEASE_SECONDS)
        fair = ceil(SHARDS / await connection.fetchval(_MEMBERS))
        if len(held) > fair:
            await connection.execute(_RELEASE, self.owner, held[fair:])
            return held[:fair]
        free = await connection.fetch(_LEASE, self.owner, LEASE_SECONDS, fair - len(held)) if len(held) < fair else []
        if any(row["has_expired"] for row in free):
            self.doubt.set()
        return sorted([*held, *(row["shard"] for row in free)])

    async def leave(self, connection: asyncpg.Connection) -> None:
        """Others may take over at once."""
        await connection.execute(_RELEASE, self.owner, self.shards, timeout=1)
        await connection.execute(_LEAVE, self.owner, timeout=1)
        self.shards = []
