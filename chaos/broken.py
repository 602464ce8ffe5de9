"""Four builds with one deliberate mistake each, made from the real parts; the checker has to catch every one.

They show that the rig can see what it looks for. The product's code knows nothing of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from chaos import sample
from chaos.checker import LOST, ORDER, WRONG
from chassis import projector, relay
from chassis.failpoints import failpoint
from chassis.kafka import Producer
from chassis.relay import Relay


def _commit_offset_first() -> None:
    """The position is committed before the effect: what dies in between is never done."""
    move = projector._move

    async def move_and_commit(session: AsyncSession, group: str, batches: Sequence[projector.Batch]) -> None:
        async with AsyncSession(session.bind) as own:
            await move(own, group, batches)
            await own.commit()
        failpoint("intake.in_transaction")

    projector._move = move_and_commit


def _delete_before_ack() -> None:
    """The relay deletes what it is about to send."""
    send = Relay._send

    async def delete_and_send(
        self: Relay, connection: asyncpg.Connection, producer: Producer, rows: Sequence[Any]
    ) -> Any:
        await connection.execute("delete from outbox where id = any($1::bigint[])", [row["id"] for row in rows])
        failpoint("relay.after_delete")
        return await send(self, connection, producer, rows)

    Relay._send = delete_and_send  # type: ignore[method-assign]


def _no_version_guard() -> None:
    """The projector writes whatever comes, also what is older than what it has."""

    async def upsert_always(session: AsyncSession, model: Any, rows: Sequence[dict[str, Any]]) -> None:
        statement = upsert(model.__table__)
        changed = {name: statement.excluded[name] for name in rows[0] if name != "id"}
        await session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changed), rows)

    sample.upsert_guarded = upsert_always  # type: ignore[attr-defined]


def _skip_locked_relay() -> None:
    """Every relay takes whatever rows no other one has locked: the usual outbox of many libraries."""
    columns = relay._FETCH.partition("from outbox")[0]
    fetch = f"{columns} from outbox order by id limit 50 for update skip locked"

    async def competing_round(self: Relay, connection: asyncpg.Connection) -> int:
        producer = await self._opened(connection)
        async with connection.transaction():
            rows = await connection.fetch(fetch)
            if rows:
                failed = await self._send(connection, producer, rows)
                acked = [row["id"] for row in rows if row["id"] not in failed]
                await connection.execute("delete from outbox where id = any($1::bigint[])", acked)
        return len(rows)

    Relay._round = competing_round  # type: ignore[method-assign]


@dataclass(frozen=True)
class Build:
    """`caught_as` is the kind of violation it must show; `failpoints` are where a crash shows it soonest."""

    install: Callable[[], None]
    caught_as: str
    failpoints: tuple[str, ...]


BUILDS = {
    "commit-offset-first": Build(_commit_offset_first, LOST, ("intake.in_transaction",)),
    "delete-before-ack": Build(_delete_before_ack, LOST, ("relay.after_delete",)),
    "no-version-guard": Build(_no_version_guard, WRONG, ("relay.after_send", "relay.before_delete")),
    "skip-locked-relay": Build(_skip_locked_relay, ORDER, ("relay.after_send",)),
}


def install(name: str) -> None:
    """Puts the mistake into this process; the empty name leaves everything as it is."""
    if name:
        BUILDS[name].install()
