"""The keys behind the access tokens: in the database, so that all replicas sign alike, the private half sealed."""

import base64
import hashlib
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc.jwk import OKPKey
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from identity.models import SigningKey
from identity.settings import IdentitySettings

log = structlog.get_logger(__name__)

NONCE_BYTES = 12
# One replica makes or rotates a key at a time; the number only has to be ours alone.
KEYS_LOCK = 0x6B657973


@dataclass(frozen=True)
class Signer:
    kid: str
    key: OKPKey


async def current_signer(session: AsyncSession, settings: IdentitySettings) -> Signer:
    """The newest key that can be opened; made when there is none."""
    signer = await _usable_signer(session, settings)
    if signer is None:
        await session.execute(select(func.pg_advisory_xact_lock(KEYS_LOCK)))
        signer = await _usable_signer(session, settings) or await _new_key(session, settings)
    return signer


async def rotate_signing_key(session: AsyncSession, settings: IdentitySettings) -> Signer:
    """A fresh key signs from now on; the old one stays published until its last token has expired."""
    await session.execute(select(func.pg_advisory_xact_lock(KEYS_LOCK)))
    for stored in await _live_keys(session):
        stored.retire()
    return await _new_key(session, settings)


async def forget_retired_keys(session: AsyncSession, settings: IdentitySettings) -> None:
    last_token = datetime.now(UTC) - timedelta(seconds=2 * settings.access_token_seconds)
    await session.execute(delete(SigningKey).where(SigningKey.retired_at < last_token))


async def _usable_signer(session: AsyncSession, settings: IdentitySettings) -> Signer | None:
    for stored in await _live_keys(session):
        signer = _open(stored, settings)
        if signer is not None:
            return signer
        log.warning("signing_key_sealed_with_another_secret", kid=stored.kid)
        stored.retire()
    return None


async def _live_keys(session: AsyncSession) -> list[SigningKey]:
    live = select(SigningKey).where(SigningKey.retired_at.is_(None)).order_by(SigningKey.created_at.desc())
    return list(await session.scalars(live))


async def _new_key(session: AsyncSession, settings: IdentitySettings) -> Signer:
    key = OKPKey.generate_key("Ed25519")
    kid = key.thumbprint()
    public = {**key.as_dict(private=False), "kid": kid, "use": "sig", "alg": "EdDSA"}
    session.add(SigningKey(kid=kid, public=public, sealed=_seal(key, kid, settings)))
    await session.flush()
    log.info("signing_key_made", kid=kid)
    return Signer(kid, key)


def _seal(key: OKPKey, kid: str, settings: IdentitySettings) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    plain = json.dumps(key.as_dict(private=True)).encode()
    return nonce + _cipher(settings).encrypt(nonce, plain, kid.encode())


def _open(stored: SigningKey, settings: IdentitySettings) -> Signer | None:
    sealed = stored.sealed or b""
    try:
        plain = _cipher(settings).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], stored.kid.encode())
    except (InvalidTag, ValueError):
        return None
    return Signer(stored.kid, OKPKey.import_key(json.loads(plain)))


def _cipher(settings: IdentitySettings) -> AESGCM:
    secret = (settings.key_secret or settings.client_secret).get_secret_value()
    derive = HKDF(SHA256(), length=32, salt=b"meridian", info=b"identity signing keys")
    return AESGCM(derive.derive(secret.encode()))


def digest(secret: str) -> bytes:
    """For tokens and client secrets, which are long and random: a slow hash would protect nothing."""
    return hashlib.sha256(secret.encode()).digest()


def unguessable() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()
