"""argon2id in threads: one hash fills a core for a sixth of a second, so only few run at once."""

import asyncio
import secrets
from dataclasses import dataclass, field

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from identity.settings import IdentitySettings


@dataclass
class Passwords:
    hasher: PasswordHasher
    slots: asyncio.Semaphore
    # What is verified when nobody has the address: the answer takes the same time.
    nobody: str | None = field(default=None, repr=False)

    @classmethod
    def by(cls, settings: IdentitySettings) -> "Passwords":
        hasher = PasswordHasher(
            time_cost=settings.argon2_time_cost,
            memory_cost=settings.argon2_memory_kib,
            parallelism=settings.argon2_lanes,
        )
        slots = asyncio.Semaphore(settings.argon2_at_once)
        return cls(hasher, slots)

    async def hash(self, password: str) -> str:
        async with self.slots:
            return await asyncio.to_thread(self.hasher.hash, password)

    async def matches(self, stored: str | None, password: str) -> bool:
        async with self.slots:
            same = await asyncio.to_thread(self._verify, stored, password)
        return same and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Made with other costs than today's settings."""
        return self.hasher.check_needs_rehash(stored)

    def _verify(self, stored: str | None, password: str) -> bool:
        if self.nobody is None:
            self.nobody = self.hasher.hash(secrets.token_urlsafe(24))
        try:
            return self.hasher.verify(stored or self.nobody, password)
        except (VerificationError, InvalidHashError):
            return False
