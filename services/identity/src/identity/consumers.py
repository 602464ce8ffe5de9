"""identity listens to nobody; its one loop forgets what is over."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from sqlalchemy import delete, func, or_
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.service import Runtime
from identity.commands.signing_keys import forget_retired_keys
from identity.commands.throttle import forget_old_attempts
from identity.models import SignInSession
from identity.settings import settings_of

EVERY = timedelta(minutes=10)
# Long enough to see in a list of sessions that somebody else's was ended.
KEPT = timedelta(days=7)


async def forget_what_is_over(runtime: Runtime) -> None:
    settings = settings_of(runtime)
    while not runtime.stopping.is_set():
        async with runtime.db.transaction() as session:
            await forget_old_attempts(session)
            await forget_retired_keys(session, settings)
            await forget_old_sessions(session)
        with suppress(TimeoutError):
            await asyncio.wait_for(runtime.stopping.wait(), EVERY.total_seconds())


async def forget_old_sessions(session: AsyncSession) -> None:
    before = func.now() - KEPT
    over = or_(SignInSession.expires_at < before, SignInSession.revoked_at < before)
    await session.execute(delete(SignInSession).where(over))
