"""Tokens of services, and the keys behind all tokens."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import select, update

from chassis.db import Database
from identity import domain
from identity.commands.signing_keys import forget_retired_keys, rotate_signing_key
from identity.commands.start import synchronise_service_accounts
from identity.models import SigningKey
from identity.settings import IdentitySettings

ADMIN = {"email": "admin@example.com", "password": "first-password"}
BASE = "/api/identity/v1"


async def sign_in(door: httpx2.AsyncClient, **changes: Any) -> dict[str, Any]:
    answer = await door.post(f"{BASE}/sessions", json={**ADMIN, **changes})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def bearer(signed_in: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {signed_in['access_token']}"}


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


def header(token: str) -> dict[str, Any]:
    first = token.split(".")[0]
    return dict(json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4))))


class TestServiceAccounts:
    async def ask(self, door: httpx2.AsyncClient, secret: str, client_id: str = "leads") -> httpx2.Response:
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        return await door.post(f"{BASE}/token", data=form)

    async def test_a_service_gets_a_token_of_its_own_kind(self, door: httpx2.AsyncClient) -> None:
        answer = await self.ask(door, "leads-secret")
        assert answer.status_code == 200
        told = claims(answer.json()["access_token"])
        assert told["kind"] == "service" and told["roles"] == ["service"]
        assert UUID(told["sub"]) == domain.service_id("leads")
        assert (await door.get(f"{BASE}/users", headers=bearer(answer.json()))).status_code == 200
        assert (await door.get(f"{BASE}/me", headers=bearer(answer.json()))).json()["code"] == "only_for_people"

    async def test_http_basic_does_as_well(self, door: httpx2.AsyncClient) -> None:
        basic = base64.b64encode(b"leads:leads-secret").decode()
        form = {"grant_type": "client_credentials"}
        answer = await door.post(f"{BASE}/token", data=form, headers={"Authorization": f"Basic {basic}"})
        assert answer.status_code == 200

    @pytest.mark.parametrize(
        ("client_id", "secret"), [("leads", "wrong"), ("leads", ""), ("nobody", "leads-secret"), ("", "")]
    )
    async def test_wrong_credentials_are_refused(self, door: httpx2.AsyncClient, client_id: str, secret: str) -> None:
        answer = await self.ask(door, secret, client_id)
        assert answer.status_code == 401
        assert answer.json()["error"] == "invalid_client"

    async def test_the_environment_decides_at_each_start(self, door: httpx2.AsyncClient, db: Database) -> None:
        async with db.transaction() as session:
            await synchronise_service_accounts(session, {"dedup": SecretStr("new-secret")})
        assert (await self.ask(door, "leads-secret")).status_code == 401
        assert (await self.ask(door, "new-secret", "dedup")).status_code == 200

    async def test_other_grants_are_unknown(self, door: httpx2.AsyncClient) -> None:
        answer = await door.post(f"{BASE}/token", data={"grant_type": "password"})
        assert answer.json()["error"] == "unsupported_grant_type"
        assert (await door.post(f"{BASE}/token", data={})).status_code == 422


class TestKeys:
    async def test_after_a_rotation_old_and_new_tokens_are_accepted(
        self, door: httpx2.AsyncClient, db: Database, settings: IdentitySettings
    ) -> None:
        before = await sign_in(door)
        async with db.transaction() as session:
            await rotate_signing_key(session, settings)
        after = await sign_in(door)
        assert header(before["access_token"])["kid"] != header(after["access_token"])["kid"]
        assert len((await door.get(f"{BASE}/jwks")).json()["keys"]) == 2
        for signed_in in (before, after):
            assert (await door.get(f"{BASE}/me", headers=bearer(signed_in))).status_code == 200

    async def test_a_retired_key_is_forgotten_after_its_last_token(
        self, door: httpx2.AsyncClient, db: Database, settings: IdentitySettings
    ) -> None:
        async with db.transaction() as session:
            await rotate_signing_key(session, settings)
            await forget_retired_keys(session, settings)
            assert len((await session.scalars(select(SigningKey))).all()) == 2
            old = datetime.now(UTC) - timedelta(hours=1)
            await session.execute(update(SigningKey).where(SigningKey.retired_at.is_not(None)).values(retired_at=old))
            await forget_retired_keys(session, settings)
            assert len((await session.scalars(select(SigningKey))).all()) == 1

    async def test_a_key_sealed_with_a_lost_secret_is_replaced(
        self, door: httpx2.AsyncClient, db: Database, settings: IdentitySettings
    ) -> None:
        before = await sign_in(door)
        async with db.transaction() as session:
            stored = (await session.scalars(select(SigningKey))).one()
            stored.sealed = b"\0" * 60
        after = await sign_in(door)
        assert header(before["access_token"])["kid"] != header(after["access_token"])["kid"]
        assert (await door.get(f"{BASE}/me", headers=bearer(before))).status_code == 200

    @pytest.mark.parametrize("part", ["header", "payload", "signature", "none"])
    async def test_a_forged_token_is_refused(self, door: httpx2.AsyncClient, part: str) -> None:
        pieces = (await sign_in(door))["access_token"].split(".")
        if part == "none":
            pieces[0] = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
            pieces[2] = ""
        else:
            index = ["header", "payload", "signature"].index(part)
            pieces[index] = pieces[index][:-4] + ("AAAA" if pieces[index][-4:] != "AAAA" else "BBBB")
        answer = await door.get(f"{BASE}/me", headers={"Authorization": f"Bearer {'.'.join(pieces)}"})
        assert answer.status_code == 401
