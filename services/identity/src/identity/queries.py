from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFound
from identity import domain
from identity.models import Credential, Preference, Recent, SavedView, SigningKey, SignInSession, Team, User


class UserNotFound(NotFound):
    code: ClassVar[str] = "user_not_found"
    title: ClassVar[str] = "No such user"


class TeamNotFound(NotFound):
    code: ClassVar[str] = "team_not_found"
    title: ClassVar[str] = "No such team"


class SessionNotFound(NotFound):
    code: ClassVar[str] = "session_not_found"
    title: ClassVar[str] = "No such session"


class ViewNotFound(NotFound):
    code: ClassVar[str] = "view_not_found"
    title: ClassVar[str] = "No such view"


class View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class UserView(View):
    id: UUID
    version: int
    email: str
    name: str
    roles: list[str]
    team_ids: list[UUID]
    time_zone: str
    locale: str
    is_active: bool
    created_at: datetime
    updated_at: datetime


class TeamView(View):
    id: UUID
    version: int
    name: str
    manager_id: UUID | None
    created_at: datetime
    updated_at: datetime


class SessionView(View):
    id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    address: str
    user_agent: str
    is_current: bool = False


class RoleView(View):
    name: str
    label: str


class SavedViewView(View):
    id: UUID
    version: int
    object: str
    name: str
    owner_id: UUID
    is_shared: bool
    query: dict[str, JsonValue]


class RecentView(View):
    object: str
    record_id: UUID
    label: str
    seen_at: datetime


@dataclass(frozen=True)
class StoredCredential:
    user_id: UUID
    password_hash: str


@dataclass(frozen=True)
class OpenSession:
    session: SignInSession
    user: User


async def user_by_id(session: AsyncSession, user_id: UUID) -> User:
    user = await session.get(User, user_id)
    if user is None:
        raise UserNotFound
    return user


async def team_by_id(session: AsyncSession, team_id: UUID) -> Team:
    team = await session.get(Team, team_id)
    if team is None or team.is_deleted:
        raise TeamNotFound
    return team


async def existing_teams(session: AsyncSession, team_ids: list[UUID]) -> set[UUID]:
    return set(await session.scalars(select(Team.id).where(Team.id.in_(team_ids), Team.deleted_at.is_(None))))


async def is_active_user(session: AsyncSession, user_id: UUID) -> bool:
    return await session.scalar(select(User.id).where(User.id == user_id, User.is_active)) is not None


async def credential_by_email(session: AsyncSession, email: str) -> StoredCredential | None:
    """Of an active user, whatever the case of the address."""
    statement = (
        select(Credential.user_id, Credential.password_hash)
        .join(User, User.id == Credential.user_id)
        .where(func.lower(User.email) == email, User.is_active)
    )
    row = (await session.execute(statement)).one_or_none()
    return StoredCredential(*row) if row else None


async def session_by_token(session: AsyncSession, token_hash: bytes) -> OpenSession | None:
    statement = (
        select(SignInSession, User)
        .join(User, User.id == SignInSession.user_id)
        .where(SignInSession.token_hash == token_hash)
    )
    row = (await session.execute(statement)).one_or_none()
    return OpenSession(*row) if row else None


async def list_open_sessions(session: AsyncSession, user_id: UUID, current: UUID | None) -> list[SessionView]:
    mine = (
        select(SignInSession)
        .where(
            SignInSession.user_id == user_id,
            SignInSession.revoked_at.is_(None),
            SignInSession.expires_at > func.now(),
        )
        .order_by(SignInSession.last_used_at.desc())
    )
    views = [SessionView.model_validate(found) for found in await session.scalars(mine)]
    return [view.model_copy(update={"is_current": view.id == current}) for view in views]


async def other_admin_exists(session: AsyncSession, user_id: UUID) -> bool:
    others = select(User.id).where(User.id != user_id, User.is_active, User.roles.contains([domain.ADMIN])).limit(1)
    return await session.scalar(others) is not None


async def published_keys(session: AsyncSession) -> list[dict[str, Any]]:
    """Retired keys too, until they are forgotten: their tokens may still be on their way."""
    return list(await session.scalars(select(SigningKey.public).order_by(SigningKey.created_at.desc())))


def list_roles() -> list[RoleView]:
    return [RoleView(name=name, label=label) for name, label in domain.ROLES.items()]


async def preferences_of(session: AsyncSession, user_id: UUID) -> dict[str, Any]:
    rows = await session.execute(select(Preference.name, Preference.value).where(Preference.user_id == user_id))
    return {row.name: row.value for row in rows}


async def list_views(session: AsyncSession, user_id: UUID, object_name: str) -> list[SavedViewView]:
    """One's own first, then what others share, by name."""
    seen = select(SavedView).where(
        SavedView.object == object_name, or_(SavedView.owner_id == user_id, SavedView.is_shared)
    )
    ordered = seen.order_by(SavedView.owner_id != user_id, func.lower(SavedView.name), SavedView.id)
    return [SavedViewView.model_validate(view) for view in await session.scalars(ordered)]


async def recents_of(session: AsyncSession, user_id: UUID) -> list[RecentView]:
    newest = select(Recent).where(Recent.user_id == user_id).order_by(Recent.seen_at.desc())
    return [RecentView.model_validate(recent) for recent in await session.scalars(newest)]
