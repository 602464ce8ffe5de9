from uuid import uuid4

from sqlalchemy import select

from accounts.models import UserReplica
from chassis.service import Runtime
from chassis.testing import Publisher
from contracts.event import utc
from contracts.identity import UserChanged, UserCreated, UserDeactivated, UserState

NOW = utc("2026-11-23T09:00:00Z")


def user(version: int = 1, **fields: object) -> UserState:
    known = {"id": uuid4(), "created_at": NOW, "updated_at": NOW, "email": "ada@example.com", "name": "Ada"}
    return UserState.model_validate({**known, "version": version, **fields})


async def stored(runtime: Runtime) -> list[tuple[str, int, bool]]:
    async with runtime.db.read() as session:
        rows = await session.execute(select(UserReplica.name, UserReplica.version, UserReplica.is_active))
        return [(row.name, row.version, row.is_active) for row in rows]


async def test_a_user_is_kept_once_however_often_the_event_comes(publish: Publisher, runtime: Runtime) -> None:
    await publish(UserCreated(state=user(team_ids=[uuid4()], roles=["sales"])), times=2)
    assert await stored(runtime) == [("Ada", 1, True)]


async def test_an_older_event_does_not_undo_a_newer_one(publish: Publisher, runtime: Runtime) -> None:
    ada = user()
    await publish(UserDeactivated(state=ada.model_copy(update={"version": 3, "is_active": False})), times=2)
    await publish(UserChanged(state=ada.model_copy(update={"version": 2, "name": "Ada L."})))
    assert await stored(runtime) == [("Ada", 3, False)]
