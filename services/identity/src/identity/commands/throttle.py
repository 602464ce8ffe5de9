"""How often a sign-in may fail, counted in PostgreSQL so that all replicas count together."""

import hashlib
from datetime import timedelta
from math import ceil

from sqlalchemy import Interval, delete, func, select, type_coerce, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.commands.errors import TooManyAttempts
from identity.domain import ATTEMPTS_PER_EMAIL_AND_IP, ATTEMPTS_PER_IP, Allowance
from identity.models import SignInThrottle


async def take_attempt(session: AsyncSession, email: str, address: str) -> None:
    """Counts before the password is looked at, so that parallel guesses cannot share one attempt."""
    await _take(session, _key(address), ATTEMPTS_PER_IP)
    await _take(session, _key(email, address), ATTEMPTS_PER_EMAIL_AND_IP)


async def give_attempt_back(session: AsyncSession, email: str, address: str) -> None:
    """Who knew the password starts afresh, and an office behind one address is not counted as an attacker."""
    await session.execute(delete(SignInThrottle).where(SignInThrottle.key == _key(email, address)))
    refund = SignInThrottle.whole_at - ATTEMPTS_PER_IP.regained_after
    await session.execute(update(SignInThrottle).where(SignInThrottle.key == _key(address)).values(whole_at=refund))


async def forget_old_attempts(session: AsyncSession) -> None:
    await session.execute(delete(SignInThrottle).where(SignInThrottle.whole_at < func.now()))


async def _take(session: AsyncSession, key: str, allowance: Allowance) -> None:
    step = allowance.regained_after
    room = allowance.tolerance - step
    first = insert(SignInThrottle).values(key=key, whole_at=func.now() + step)
    again = first.on_conflict_do_update(
        index_elements=[SignInThrottle.key],
        set_={"whole_at": func.greatest(SignInThrottle.whole_at, func.now()) + step},
        where=SignInThrottle.whole_at <= func.now() + room,
    ).returning(SignInThrottle.key)
    if await session.scalar(again) is None:
        raise await _refusal(session, key, room)


async def _refusal(session: AsyncSession, key: str, room: timedelta) -> TooManyAttempts:
    wait = select(type_coerce(SignInThrottle.whole_at - func.now(), Interval)).where(SignInThrottle.key == key)
    until_whole: timedelta = await session.scalar(wait) or room
    seconds = max(1, ceil((until_whole - room).total_seconds()))
    return TooManyAttempts(f"Try again in {seconds} seconds.", headers={"Retry-After": str(seconds)})


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
