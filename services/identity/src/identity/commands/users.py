from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, SecretStr
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import fields
from chassis.db import get_for_update
from chassis.errors import FieldProblem, Invalid
from chassis.fields import FieldModel, partial
from chassis.outbox import emit
from contracts.identity import UserChanged, UserCreated, UserDeactivated, UserReactivated
from identity import domain, queries
from identity.commands.errors import EmailTaken, LastAdministrator
from identity.commands.passwords import Passwords
from identity.commands.sessions import end_sessions
from identity.models import Credential, User
from identity.queries import UserNotFound

# Two administrators who remove each other at the same moment must not both succeed.
ADMINISTRATORS_LOCK = 0x61646D69
LANGUAGE_TAG = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"
ROLE_OPTIONS = list(domain.ROLES.items())


class OwnFields(FieldModel):
    """What people may change about themselves."""

    name: Annotated[str, fields.text("Name", "Full name, as colleagues know the person.", max_length=200)]
    time_zone: Annotated[
        str, fields.time_zone("Time zone", "Where the person works; reminders and quiet hours follow it.")
    ] = "UTC"
    locale: Annotated[
        str,
        Field(pattern=LANGUAGE_TAG),
        fields.text("Language", "Language and country, for example it-IT.", max_length=35),
    ] = "en"


class UserFields(OwnFields):
    email: Annotated[str, fields.email("E-mail", "Signs in with it; unique, whatever the case of its letters.")]
    roles: Annotated[list[str], fields.list_of("Roles", "What the person may do.", options=ROLE_OPTIONS)] = Field(
        default_factory=lambda: ["read_only"]
    )
    team_ids: Annotated[
        list[UUID], fields.list_of("Teams", "Whose records the person works on.", to="identity.team", max_items=50)
    ] = Field(default_factory=list)


class CreateUser(UserFields):
    password: Annotated[SecretStr, Field(description=f"At least {domain.PASSWORD_MIN} characters; not the e-mail.")]


ChangeUser = partial(UserFields)
ChangeProfile = partial(OwnFields)


async def create_user(session: AsyncSession, passwords: Passwords, command: CreateUser) -> User:
    password = command.password.get_secret_value()
    require_good_password(password, command.email, "/password")
    hashed = await passwords.hash(password)
    await _require_teams(session, command.team_ids)
    user = User(**_columns(command.model_dump(exclude={"password"})))
    session.add(user)
    await _flush_email(session)
    session.add(Credential(user_id=user.id, password_hash=hashed))
    await emit(session, UserCreated, user)
    return user


async def change_user(session: AsyncSession, user_id: UUID, expected: int | None, command: FieldModel) -> User:
    """`command` is a ChangeUser or a ChangeProfile; what it does not name stays."""
    changes = _columns(command.model_dump(exclude_unset=True))
    if "roles" in changes:
        await _serialise_administrators(session)
    user = await get_for_update(session, User, user_id, expected, UserNotFound())
    await _require_teams(session, [team for team in changes.get("team_ids", ()) if team not in user.team_ids])
    if user.is_active and domain.loses_admin(user.roles, changes.get("roles", user.roles)):
        await _require_other_admin(session, user)
    changes = {name: value for name, value in changes.items() if getattr(user, name) != value}
    if changes:
        for name, value in changes.items():
            setattr(user, name, value)
        await _flush_email(session)
        await emit(session, UserChanged, user)
    return user


async def deactivate_user(session: AsyncSession, user_id: UUID, expected: int | None) -> User:
    """Ends the sessions at once; access tokens given out before live on for their ten minutes."""
    await _serialise_administrators(session)
    user = await get_for_update(session, User, user_id, expected, UserNotFound())
    if user.is_active:
        if user.is_active_admin:
            await _require_other_admin(session, user)
        user.is_active = False
        await end_sessions(session, user.id)
        await emit(session, UserDeactivated, user)
    return user


async def reactivate_user(session: AsyncSession, user_id: UUID, expected: int | None) -> User:
    user = await get_for_update(session, User, user_id, expected, UserNotFound())
    if not user.is_active:
        user.is_active = True
        await emit(session, UserReactivated, user)
    return user


def require_good_password(password: str, email: str, pointer: str) -> None:
    fault = domain.password_fault(password, email)
    if fault is not None:
        raise Invalid(errors=[FieldProblem(pointer, fault, domain.PASSWORD_FAULTS[fault])])


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    if "email" in values:
        values["email"] = domain.canonical_email(values["email"])
    if "roles" in values:
        values["roles"] = domain.tidy_roles(values["roles"])
    return values


async def _require_teams(session: AsyncSession, team_ids: list[UUID]) -> None:
    known = await queries.existing_teams(session, team_ids)
    problems = [
        FieldProblem(f"/team_ids/{index}", "unknown_team", "There is no such team.")
        for index, team_id in enumerate(team_ids)
        if team_id not in known
    ]
    if problems:
        raise Invalid(errors=problems)


async def _serialise_administrators(session: AsyncSession) -> None:
    await session.execute(select(func.pg_advisory_xact_lock(ADMINISTRATORS_LOCK)))


async def _require_other_admin(session: AsyncSession, user: User) -> None:
    if not await queries.other_admin_exists(session, user.id):
        raise LastAdministrator


async def _flush_email(session: AsyncSession) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        if "uq_users_email" in str(error.orig):
            raise EmailTaken(
                errors=[FieldProblem("/email", "email_taken", "Another user has this e-mail address.")]
            ) from error
        raise
