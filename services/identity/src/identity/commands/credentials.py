"""Changing passwords. Whoever held the old one is signed out."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, SecretStr
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.fields import FieldModel
from identity import domain, queries
from identity.commands import throttle
from identity.commands.errors import WrongPassword
from identity.commands.passwords import Passwords
from identity.commands.sessions import Desk, end_sessions
from identity.commands.users import require_good_password
from identity.models import Credential

NewPassword = Annotated[SecretStr, Field(description=f"At least {domain.PASSWORD_MIN} characters; not the e-mail.")]


class ChangePassword(FieldModel):
    current_password: Annotated[SecretStr, Field(max_length=domain.PASSWORD_MAX)]
    new_password: NewPassword


class SetPassword(FieldModel):
    new_password: NewPassword


async def change_own_password(
    session: AsyncSession, desk: Desk, user_id: UUID, current_session: UUID | None, command: ChangePassword
) -> None:
    """Signs out everywhere else."""
    email = await _prove_password(desk, user_id, command.current_password.get_secret_value())
    new = command.new_password.get_secret_value()
    require_good_password(new, email, "/new_password")
    await _store(session, user_id, await desk.passwords.hash(new))
    await end_sessions(session, user_id, but=current_session)


async def _prove_password(desk: Desk, user_id: UUID, password: str) -> str:
    """The person's e-mail. Guesses are counted here too: a stolen token must not lead to the password."""
    async with desk.database.transaction() as session:
        user = await queries.user_by_id(session, user_id)
        # In place of an address: these guesses come from somebody who is signed in.
        here = f"signed in as {user_id}"
        await throttle.take_attempt(session, user.email, here)
        stored = await session.scalar(select(Credential.password_hash).where(Credential.user_id == user_id))
    if not await desk.passwords.matches(stored, password):
        raise WrongPassword
    async with desk.database.transaction() as session:
        await throttle.give_attempt_back(session, user.email, here)
    return user.email


async def set_password(session: AsyncSession, passwords: Passwords, user_id: UUID, command: SetPassword) -> None:
    """By an administrator, for somebody who forgot it."""
    user = await queries.user_by_id(session, user_id)
    new = command.new_password.get_secret_value()
    require_good_password(new, user.email, "/new_password")
    await _store(session, user_id, await passwords.hash(new))
    await end_sessions(session, user_id)


async def _store(session: AsyncSession, user_id: UUID, hashed: str) -> None:
    fresh = insert(Credential).values(user_id=user_id, password_hash=hashed)
    await session.execute(
        fresh.on_conflict_do_update(index_elements=[Credential.user_id], set_={"password_hash": hashed})
    )
