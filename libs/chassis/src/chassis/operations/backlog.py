"""What waits in the outbox, since when, and who is to send it."""

from datetime import datetime

from pydantic import BaseModel, Field
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


class Lease(BaseModel):
    """One relay and the shards it has leased; the owner is null for shards that nobody has."""

    owner: str | None
    shards: list[int]
    term: int = Field(description="Highest number of times one of these shards has changed hands.")
    lease_until: datetime | None


class Backlog(BaseModel):
    waiting: int = Field(description="Events that Kafka has not acknowledged yet.")
    oldest_seconds: float = Field(description="Age of the oldest of them; 0 when there is none.")
    by_topic: dict[str, int]
    parked_rows: int = Field(description="Events set aside because the broker refuses them, or one before them.")
    parked_keys: int
    leases: list[Lease]


_WAITING = text("""
select topic, count(*) as waiting, extract(epoch from clock_timestamp() - min(created_at))::float8 as oldest
from outbox group by topic order by topic""")
_PARKED = text("select count(*), count(distinct aggregate_id) from outbox_parked")
_LEASES = text("""
select case when lease_until > clock_timestamp() then owner end as holder,
       array_agg(shard::int order by shard) as shards,
       max(term) as term, max(case when lease_until > clock_timestamp() then lease_until end) as lease_until
from outbox_shard group by 1 order by 1 nulls last""")


async def backlog(session: AsyncSession) -> Backlog:
    waiting = (await session.execute(_WAITING)).all()
    rows, keys = (await session.execute(_PARKED)).one()
    return Backlog(
        waiting=sum(count for _, count, _ in waiting),
        oldest_seconds=max((oldest for *_, oldest in waiting), default=0.0),
        by_topic={topic: count for topic, count, _ in waiting},
        parked_rows=rows,
        parked_keys=keys,
        leases=[
            Lease(owner=holder, shards=shards, term=term, lease_until=until)
            for holder, shards, term, until in await session.execute(_LEASES)
        ],
    )
