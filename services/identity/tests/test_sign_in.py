"""Sign-in, tokens and sessions, checked with the keys that the service itself publishes."""

import base64
import json
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select, update

from chassis.db import Database
from chassis.testing import AsRole
from identity.consumers import forget_old_sessions
from identity.models import Credential, SigningKey, SignInSession, SignInThrottle

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


class TestSignIn:
    async def test_the_first_administrator_gets_tokens_and_a_profile(self, door: httpx2.AsyncClient) -> None:
        signed_in = await sign_in(door)
        assert signed_in["expires_in"] == 600
        assert signed_in["user"]["email"] == "admin@example.com"
        assert signed_in["user"]["roles"] == ["admin"]
        me = await door.get(f"{BASE}/me", headers=bearer(signed_in))
        assert me.json() == signed_in["user"]
        assert me.headers["etag"] == '"1"'

    async def test_the_token_says_everything_a_service_needs(self, door: httpx2.AsyncClient) -> None:
        signed_in = await sign_in(door)
        told = claims(signed_in["access_token"])
        assert told["iss"] == told["aud"] == "meridian"
        assert told["sub"] == signed_in["user"]["id"]
        assert told["roles"] == ["admin"] and told["teams"] == [] and told["kind"] == "user"
        assert told["exp"] - told["iat"] == 600
        assert header(signed_in["access_token"])["alg"] == "EdDSA"

    async def test_answers_with_tokens_are_never_kept(self, door: httpx2.AsyncClient, db: Database) -> None:
        answer = await door.post(f"{BASE}/sessions", json=ADMIN, headers={"Idempotency-Key": "k"})
        assert answer.headers["cache-control"] == "no-store"
        again = await door.post(f"{BASE}/sessions", json=ADMIN, headers={"Idempotency-Key": "k"})
        assert again.json()["refresh_token"] != answer.json()["refresh_token"]

    async def test_the_case_of_the_email_does_not_matter(self, door: httpx2.AsyncClient) -> None:
        await sign_in(door, email=" ADMIN@example.COM ")

    @pytest.mark.parametrize(
        "wrong", [{"password": "not-the-password"}, {"email": "nobody@example.com"}, {"email": "ąćę 😀"}]
    )
    async def test_wrong_password_and_unknown_address_get_the_same_answer(
        self, door: httpx2.AsyncClient, wrong: dict[str, str]
    ) -> None:
        answer = await door.post(f"{BASE}/sessions", json={**ADMIN, **wrong})
        assert answer.status_code == 401
        assert answer.json()["code"] == "sign_in_refused"

    @pytest.mark.parametrize(
        "body",
        [{}, {"email": "a@b.test"}, {**ADMIN, "extra": 1}, {**ADMIN, "password": "x" * 300}, {**ADMIN, "email": 7}],
    )
    async def test_a_malformed_request_is_refused(self, door: httpx2.AsyncClient, body: dict[str, Any]) -> None:
        answer = await door.post(f"{BASE}/sessions", json=body)
        assert answer.status_code == 422
        assert answer.json()["errors"]

    async def test_a_hash_of_other_costs_is_renewed(self, door: httpx2.AsyncClient, db: Database) -> None:
        async def stored() -> str:
            async with db.read() as session:
                return (await session.scalars(select(Credential.password_hash))).one()

        from argon2 import PasswordHasher

        async with db.transaction() as session:
            old = PasswordHasher(time_cost=2, memory_cost=64, parallelism=1).hash(ADMIN["password"])
            await session.execute(update(Credential).values(password_hash=old))
        await sign_in(door)
        assert "t=1,p=1" in await stored()
        await sign_in(door)

    async def test_nothing_secret_is_stored_in_the_clear(self, door: httpx2.AsyncClient, db: Database) -> None:
        signed_in = await sign_in(door)
        async with db.read() as session:
            kept = (await session.scalars(select(SignInSession))).one()
            key = (await session.scalars(select(SigningKey))).one()
        assert signed_in["refresh_token"].encode() not in kept.token_hash
        assert "d" not in key.public
        assert b'"d"' not in (key.sealed or b"")


class TestThrottle:
    async def test_after_ten_failures_even_the_right_password_waits(self, door: httpx2.AsyncClient) -> None:
        for _ in range(10):
            answer = await door.post(f"{BASE}/sessions", json={**ADMIN, "password": "guess-guess-guess"})
            assert answer.status_code == 401
        refused = await door.post(f"{BASE}/sessions", json=ADMIN)
        assert refused.status_code == 429
        assert refused.json()["code"] == "too_many_sign_in_attempts"
        assert 0 < int(refused.headers["retry-after"]) <= 60

    async def test_another_address_is_not_punished(self, door: httpx2.AsyncClient) -> None:
        for _ in range(11):
            await door.post(f"{BASE}/sessions", json={**ADMIN, "password": "guess-guess-guess"})
        answer = await door.post(f"{BASE}/sessions", json=ADMIN, headers={"X-Forwarded-For": "198.51.100.7"})
        assert answer.status_code == 201

    async def test_an_unknown_address_is_throttled_just_the_same(self, door: httpx2.AsyncClient) -> None:
        guess = {"email": "nobody@example.com", "password": "guess-guess-guess"}
        answers = [(await door.post(f"{BASE}/sessions", json=guess)).status_code for _ in range(11)]
        assert answers == [401] * 10 + [429]

    async def test_time_gives_attempts_back(self, door: httpx2.AsyncClient, db: Database) -> None:
        for _ in range(11):
            await door.post(f"{BASE}/sessions", json={**ADMIN, "password": "guess-guess-guess"})
        async with db.transaction() as session:
            earlier = SignInThrottle.whole_at - timedelta(minutes=1)
            await session.execute(update(SignInThrottle).values(whole_at=earlier))
        await sign_in(door)

    async def test_a_success_clears_the_count(self, door: httpx2.AsyncClient, db: Database) -> None:
        for _ in range(9):
            await door.post(f"{BASE}/sessions", json={**ADMIN, "password": "guess-guess-guess"})
        await sign_in(door)
        for _ in range(9):
            answer = await door.post(f"{BASE}/sessions", json={**ADMIN, "password": "guess-guess-guess"})
            assert answer.status_code == 401

    async def test_one_address_cannot_try_many_people(self, door: httpx2.AsyncClient, db: Database) -> None:
        statuses = []
        for number in range(101):
            guess = {"email": f"person{number}@example.com", "password": "Summer-2026-Summer"}
            statuses.append((await door.post(f"{BASE}/sessions", json=guess)).status_code)
        assert statuses[:100] == [401] * 100
        assert statuses[-1] == 429


class TestRefresh:
    async def refresh(self, door: httpx2.AsyncClient, token: str) -> httpx2.Response:
        return await door.post(f"{BASE}/token", data={"grant_type": "refresh_token", "refresh_token": token})

    async def test_a_session_gives_new_access_tokens(self, door: httpx2.AsyncClient) -> None:
        signed_in = await sign_in(door)
        answer = await self.refresh(door, signed_in["refresh_token"])
        assert answer.status_code == 200
        assert answer.json()["token_type"] == "Bearer"
        assert answer.json()["refresh_token"] == signed_in["refresh_token"]
        assert (await door.get(f"{BASE}/me", headers=bearer(answer.json()))).status_code == 200

    @pytest.mark.parametrize("token", ["", "nonsense", "x" * 5000])
    async def test_an_unknown_session_is_refused(self, door: httpx2.AsyncClient, token: str) -> None:
        answer = await self.refresh(door, token)
        assert answer.status_code == 400
        assert answer.json()["error"] == answer.json()["code"] == "invalid_grant"

    async def test_signing_out_ends_it(self, door: httpx2.AsyncClient) -> None:
        signed_in = await sign_in(door)
        assert (await door.delete(f"{BASE}/sessions/current", headers=bearer(signed_in))).status_code == 204
        assert (await self.refresh(door, signed_in["refresh_token"])).status_code == 400

    @pytest.mark.parametrize(
        "change",
        [
            {"expires_at": func.now() - timedelta(seconds=1)},
            {"last_used_at": func.now() - timedelta(days=8)},
        ],
    )
    async def test_an_old_or_idle_session_is_over(
        self, door: httpx2.AsyncClient, db: Database, change: dict[str, Any]
    ) -> None:
        signed_in = await sign_in(door)
        async with db.transaction() as session:
            await session.execute(update(SignInSession).values(**change))
        assert (await self.refresh(door, signed_in["refresh_token"])).status_code == 400

    async def test_the_deactivated_are_signed_out(self, door: httpx2.AsyncClient, as_role: AsRole) -> None:
        admin = bearer(await sign_in(door))
        person = {"name": "Ewa", "email": "ewa@example.com", "password": "long-enough-password"}
        created = await door.post(f"{BASE}/users", json=person, headers=admin)
        signed_in = await sign_in(door, email=person["email"], password=person["password"])
        user = created.json()
        ended = await door.post(f"{BASE}/users/{user['id']}/deactivation", headers={**admin, "If-Match": '"1"'})
        assert ended.json()["is_active"] is False
        assert (await self.refresh(door, signed_in["refresh_token"])).status_code == 400
        again = await door.post(f"{BASE}/sessions", json={"email": person["email"], "password": person["password"]})
        assert again.status_code == 401

    async def test_a_changed_role_is_in_the_next_token(self, door: httpx2.AsyncClient) -> None:
        admin = bearer(await sign_in(door))
        person = {"name": "Ewa", "email": "ewa@example.com", "password": "long-enough-password"}
        user = (await door.post(f"{BASE}/users", json=person, headers=admin)).json()
        signed_in = await sign_in(door, email=person["email"], password=person["password"])
        change = {"roles": ["sales", "verifier"]}
        await door.patch(f"{BASE}/users/{user['id']}", json=change, headers={**admin, "If-Match": '"1"'})
        fresh = (await self.refresh(door, signed_in["refresh_token"])).json()
        assert claims(fresh["access_token"])["roles"] == ["sales", "verifier"]


class TestSessions:
    async def test_people_see_and_end_their_own_sessions(self, door: httpx2.AsyncClient) -> None:
        first, second = await sign_in(door), await sign_in(door)
        listed = (await door.get(f"{BASE}/sessions", headers=bearer(second))).json()
        assert [entry["is_current"] for entry in listed].count(True) == 1
        other = next(entry for entry in listed if not entry["is_current"])
        ended = await door.delete(f"{BASE}/sessions/{other['id']}", headers=bearer(second))
        assert ended.status_code == 204
        assert (await TestRefresh().refresh(door, first["refresh_token"])).status_code == 400
        assert (await TestRefresh().refresh(door, second["refresh_token"])).status_code == 200

    async def test_somebody_elses_session_does_not_exist(self, door: httpx2.AsyncClient) -> None:
        admin = await sign_in(door)
        person = {"name": "Ewa", "email": "ewa@example.com", "password": "long-enough-password"}
        await door.post(f"{BASE}/users", json=person, headers=bearer(admin))
        ewa = await sign_in(door, email=person["email"], password=person["password"])
        mine = claims(admin["access_token"])["sid"]
        answer = await door.delete(f"{BASE}/sessions/{mine}", headers=bearer(ewa))
        assert answer.status_code == 404
        assert (await TestRefresh().refresh(door, admin["refresh_token"])).status_code == 200

    async def test_what_is_long_over_is_forgotten(self, door: httpx2.AsyncClient, db: Database) -> None:
        await sign_in(door)
        await sign_in(door)
        async with db.transaction() as session:
            newest = select(func.max(SignInSession.created_at)).scalar_subquery()
            old = update(SignInSession).where(SignInSession.created_at < newest)
            await session.execute(old.values(revoked_at=func.now() - timedelta(days=8)))
        async with db.transaction() as session:
            await forget_old_sessions(session)
        async with db.read() as session:
            assert await session.scalar(select(func.count()).select_from(SignInSession)) == 1


class TestPassword:
    async def test_a_change_signs_out_everywhere_else(self, door: httpx2.AsyncClient) -> None:
        elsewhere, here = await sign_in(door), await sign_in(door)
        change = {"current_password": ADMIN["password"], "new_password": "a-better-password"}
        answer = await door.post(f"{BASE}/me/password", json=change, headers=bearer(here))
        assert answer.status_code == 204
        assert (await TestRefresh().refresh(door, elsewhere["refresh_token"])).status_code == 400
        assert (await TestRefresh().refresh(door, here["refresh_token"])).status_code == 200
        await sign_in(door, password="a-better-password")

    @pytest.mark.parametrize(
        ("change", "status", "code"),
        [
            ({"current_password": "wrong", "new_password": "a-better-password"}, 403, "wrong_password"),
            ({"current_password": ADMIN["password"], "new_password": "short"}, 422, "validation_failed"),
            ({"current_password": ADMIN["password"], "new_password": "Admin@example.com"}, 422, "validation_failed"),
            ({"new_password": "a-better-password"}, 422, "validation_failed"),
        ],
    )
    async def test_a_change_needs_the_old_and_a_good_new_one(
        self, door: httpx2.AsyncClient, change: dict[str, str], status: int, code: str
    ) -> None:
        signed_in = await sign_in(door)
        answer = await door.post(f"{BASE}/me/password", json=change, headers=bearer(signed_in))
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        await sign_in(door)

    async def test_a_stolen_token_does_not_lead_to_the_password(self, door: httpx2.AsyncClient) -> None:
        signed_in = await sign_in(door)
        guess = {"current_password": "guess-guess-guess", "new_password": "a-better-password"}
        statuses = [
            (await door.post(f"{BASE}/me/password", json=guess, headers=bearer(signed_in))).status_code
            for _ in range(11)
        ]
        assert statuses == [403] * 10 + [429]

    async def test_an_administrator_replaces_a_forgotten_one(self, door: httpx2.AsyncClient) -> None:
        admin = bearer(await sign_in(door))
        person = {"name": "Ewa", "email": "ewa@example.com", "password": "long-enough-password"}
        user = (await door.post(f"{BASE}/users", json=person, headers=admin)).json()
        ewa = await sign_in(door, email=person["email"], password=person["password"])
        replaced = await door.post(
            f"{BASE}/users/{user['id']}/password", json={"new_password": "another-long-password"}, headers=admin
        )
        assert replaced.status_code == 204
        assert (await TestRefresh().refresh(door, ewa["refresh_token"])).status_code == 400
        await sign_in(door, email=person["email"], password="another-long-password")
