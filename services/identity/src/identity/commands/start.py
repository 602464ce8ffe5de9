"""What must be there before the first request: keys, service accounts and somebody who can administer."""

import structlog
from pydantic import SecretStr
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import Database
from identity import domain
from identity.commands.passwords import Passwords
from identity.commands.signing_keys import current_signer, digest
from identity.commands.users import CreateUser, create_user
from identity.models import ServiceAccount, User
from identity.settings import IdentitySettings

log = structlog.get_logger(__name__)

START_LOCK = 0x73746172


async def prepare(database: Database, passwords: Passwords, settings: IdentitySettings) -> None:
    async with database.transaction() as session:
        await session.execute(select(func.pg_advisory_xact_lock(START_LOCK)))
        await current_signer(session, settings)
        await synchronise_service_accounts(session, settings.service_clients)
        await create_first_administrator(session, passwords, settings)


async def synchronise_service_accounts(session: AsyncSession, clients: dict[str, SecretStr]) -> None:
    """Clients that are no longer named cannot get tokens any more."""
    await session.execute(
        update(ServiceAccount)
        .where(ServiceAccount.client_id.not_in(clients), ServiceAccount.is_active)
        .values(is_active=False)
    )
    for client_id, secret in clients.items():
        known = insert(ServiceAccount).values(client_id=client_id, secret_hash=digest(secret.get_secret_value()))
        same = {"secret_hash": known.excluded.secret_hash, "is_active": True}
        await session.execute(known.on_conflict_do_update(index_elements=[ServiceAccount.client_id], set_=same))


async def create_first_administrator(session: AsyncSession, passwords: Passwords, settings: IdentitySettings) -> None:
    if settings.admin_email is None or settings.admin_password is None:
        return
    if await session.scalar(select(User.id).limit(1)) is not None:
        return
    command = CreateUser(
        name="Administrator", email=settings.admin_email, roles=[domain.ADMIN], password=settings.admin_password
    )
    user = await create_user(session, passwords, command)
    log.info("first_administrator_created", user_id=str(user.id))
