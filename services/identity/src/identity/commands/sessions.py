"""Signing in and out. A password is verified outside any transaction: it takes long, and a connection is dear."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import Database
from identity import domain, queries
from identity.commands import signing_keys, throttle
from identity.commands.errors import InvalidGrant, SignInRefused
from identity.commands.passwords import Passwords
from identity.commands.tokens import AccessToken, token_of_user
from identity.models import Credential, SignInSession, User
from identity.queries import UserView
from identity.settings import IdentitySettings


class SignIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, Field(min_length=1, max_length=254)]
    password: Annotated[str, Field(min_length=1, max_length=domain.PASSWORD_MAX, repr=False)]


class RefreshedToken(AccessToken):
    refresh_token: str
    refresh_expires_in: int


class SignedIn(RefreshedToken):
    user: UserView


class Origin(NamedTuple):
    """Where a sign-in comes from, to be recognised in the user's list of sessions."""

    address: str
    user_agent: str


@dataclass(frozen=True)
class Desk:
    """What signing in needs besides the request."""

    database: Database
    passwords: Passwords
    settings: IdentitySettings


async def sign_in(desk: Desk, command: SignIn, origin: Origin) -> SignedIn:
    email = domain.canonical_email(command.email)
    async with desk.database.transaction() as session:
        await throttle.take_attempt(session, email, origin.address)
        found = await queries.credential_by_email(session, email)
    matches = await desk.passwords.matches(found.password_hash if found else None, command.password)
    if found is None or not matches:
        raise SignInRefused
    fresh = await desk.passwords.hash(command.password) if desk.passwords.is_outdated(found.password_hash) else None
    async with desk.database.transaction() as session:
        user = await _still_active(session, found)
        await throttle.give_attempt_back(session, email, origin.address)
        if fresh:
            await _replace_hash(session, found, fresh)
        return await _open_session(session, desk.settings, user, origin)


async def refresh(session: AsyncSession, settings: IdentitySettings, refresh_token: str) -> RefreshedToken:
    """The session goes on while it is used; its token stays the same, since a browser sends it many times at once."""
    found = await queries.session_by_token(session, signing_keys.digest(refresh_token))
    now = datetime.now(UTC)
    if found is None or not found.session.is_usable(now, settings.session_idle) or not found.user.is_active:
        raise InvalidGrant(error="invalid_grant")
    found.session.last_used_at = now
    token = await token_of_user(session, settings, found.user, found.session.id)
    return _with_refresh(token, refresh_token, found.session, now)


async def end_session(session: AsyncSession, user_id: UUID, session_id: UUID) -> bool:
    """Whether there was such a session of this user, still open."""
    mine = (SignInSession.id == session_id, SignInSession.user_id == user_id, SignInSession.revoked_at.is_(None))
    ended = update(SignInSession).where(*mine).values(revoked_at=func.now()).returning(SignInSession.id)
    return await session.scalar(ended) is not None


async def end_sessions(session: AsyncSession, user_id: UUID, *, but: UUID | None = None) -> None:
    """All sessions of a user, except the one given."""
    others = update(SignInSession).where(SignInSession.user_id == user_id, SignInSession.revoked_at.is_(None))
    if but is not None:
        others = others.where(SignInSession.id != but)
    await session.execute(others.values(revoked_at=func.now()))


async def _still_active(session: AsyncSession, found: queries.StoredCredential) -> User:
    # The lock makes a deactivation at this moment wait, so that it sees and ends the session made here.
    locked = select(User).where(User.id == found.user_id).with_for_update(read=True)
    user = await session.scalar(locked)
    if user is None or not user.is_active:
        raise SignInRefused
    return user


async def _replace_hash(session: AsyncSession, found: queries.StoredCredential, fresh: str) -> None:
    unchanged = (Credential.user_id == found.user_id, Credential.password_hash == found.password_hash)
    await session.execute(update(Credential).where(*unchanged).values(password_hash=fresh))


async def _open_session(session: AsyncSession, settings: IdentitySettings, user: User, origin: Origin) -> SignedIn:
    refresh_token = signing_keys.unguessable()
    now = datetime.now(UTC)
    opened = SignInSession(
        user_id=user.id,
        token_hash=signing_keys.digest(refresh_token),
        expires_at=now + settings.session_lifetime,
        address=origin.address[:64],
        user_agent=origin.user_agent[:300],
    )
    session.add(opened)
    await session.flush()
    token = await token_of_user(session, settings, user, opened.id)
    refreshed = _with_refresh(token, refresh_token, opened, now)
    return SignedIn(**refreshed.model_dump(), user=UserView.model_validate(user))


def _with_refresh(token: AccessToken, refresh_token: str, opened: SignInSession, now: datetime) -> RefreshedToken:
    left = int((opened.expires_at - now).total_seconds())
    return RefreshedToken(**token.model_dump(), refresh_token=refresh_token, refresh_expires_in=left)
