from uuid import uuid4

from sqlalchemy import select

from chassis.db import Database
from chassis.testing import Publisher
from contracts.identity import UserChanged, UserCreated, UserState
from leads.models import UserReplica

TEAM = uuid4()
STATE = UserState.model_validate(
    {
        "id": uuid4(),
        "version": 1,
        "created_at": "2026-11-23T09:00:00Z",
        "updated_at": "2026-11-23T09:00:00Z",
        "email": "ola@example.com",
        "name": "Ola Nowak",
        "roles": ["sales"],
        "team_ids": [TEAM],
    }
)


async def users(db: Database) -> list[tuple[str, int, bool]]:
    async with db.read() as session:
        rows = (await session.execute(select(UserReplica))).scalars()
        return [(user.name, user.version, TEAM in user.team_ids) for user in rows]


async def test_users_are_known_once_however_often_they_are_announced(publish: Publisher, db: Database) -> None:
    await publish(UserCreated(state=STATE), times=2)
    assert await users(db) == [("Ola Nowak", 1, True)]


async def test_an_older_state_that_comes_late_changes_nothing(publish: Publisher, db: Database) -> None:
    await publish(UserChanged(state=STATE.model_copy(update={"version": 3, "name": "Ola Kot", "team_ids": []})))
    await publish(UserCreated(state=STATE))
    assert await users(db) == [("Ola Kot", 3, False)]
