"""The browser's session, from the cookie to the service's token."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

ECHO = "/api/leads/v1/echo"
PASSWORD = "long-enough-password"
Bearer = Callable[..., dict[str, str]]


def authorization(answer: httpx2.Response) -> str | None:
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["headers"]).get("authorization")


class TestSignIn:
    async def test_the_page_gets_a_user_and_a_csrf_token_but_no_token(self, door: httpx2.AsyncClient) -> None:
        answer = await door.post("/session", json={"email": "anna@example.com", "password": PASSWORD})
        assert answer.status_code == 201
        assert set(answer.json()) == {"user", "csrf_token"}
        assert answer.json()["user"]["email"] == "anna@example.com"
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("meridian_session=")
        for attribute in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=86400"):
            assert attribute in cookie
        assert "Secure" not in cookie and answer.headers["cache-control"] == "no-store"

    async def test_in_production_the_cookie_is_for_https_only(self, running: Any) -> None:
        secrets = {"client_secret": "c" * 32, "session_secret": "s" * 32}
        async with running(environment="production", **secrets) as door:
            answer = await door.post("/session", json={"email": "anna@example.com", "password": PASSWORD})
        assert answer.headers["set-cookie"].startswith("__Host-meridian_session=")
        assert "Secure" in answer.headers["set-cookie"]
        assert "max-age" in answer.headers["strict-transport-security"]

    async def test_what_identity_refuses_is_told_as_it_came(self, door: httpx2.AsyncClient) -> None:
        wrong = await door.post("/session", json={"email": "anna@example.com", "password": "wrong"})
        assert (wrong.status_code, wrong.json()["code"]) == (401, "sign_in_refused")
        assert "set-cookie" not in wrong.headers
        throttled = await door.post("/session", json={"email": "anna@example.com", "password": "throttled"})
        assert (throttled.status_code, throttled.headers["retry-after"]) == (429, "7")

    async def test_identity_learns_the_callers_address(self, door: httpx2.AsyncClient, identity: Any) -> None:
        await door.post(
            "/session",
            json={"email": "anna@example.com", "password": PASSWORD},
            headers={"User-Agent": "Firefox", "X-Forwarded-For": "6.6.6.6"},
        )
        asked = identity.seen[-1]
        assert asked.headers["X-Forwarded-For"] == "127.0.0.1" and asked.headers["User-Agent"] == "Firefox"

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"json": {}}, 422),
            ({"json": {"email": "a@b.example", "password": "x", "more": 1}}, 422),
            ({"json": {"email": "a@b.example", "password": "x" * 300}}, 422),
            ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400),
            ({"data": {"email": "a@b.example", "password": PASSWORD}}, 415),
        ],
    )
    async def test_a_malformed_sign_in(self, door: httpx2.AsyncClient, body: dict[str, Any], status: int) -> None:
        answer = await door.post("/session", **body)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"

    async def test_another_site_cannot_sign_somebody_in(self, door: httpx2.AsyncClient) -> None:
        answer = await door.post(
            "/session",
            json={"email": "anna@example.com", "password": PASSWORD},
            headers={"Origin": "https://evil.example"},
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")

    async def test_identity_is_down(self, door: httpx2.AsyncClient, identity: Any) -> None:
        identity.is_down = True
        answer = await door.post("/session", json={"email": "anna@example.com", "password": PASSWORD})
        assert (answer.status_code, answer.json()["code"]) == (503, "identity_unavailable")


class TestForwarded:
    async def test_the_cookie_stays_and_a_token_goes(self, door: httpx2.AsyncClient, sign_in: Any, leads: Any) -> None:
        await sign_in(door)
        answer = await door.get(ECHO)
        assert (authorization(answer) or "").startswith("Bearer ey")
        assert "cookie" not in dict(leads.seen[-1]["headers"])

    async def test_a_bearer_token_wins_over_the_cookie(
        self, door: httpx2.AsyncClient, sign_in: Any, bearer: Bearer
    ) -> None:
        await sign_in(door)
        other = bearer("bruno@example.com")
        answer = await door.post(ECHO, headers=other)
        assert authorization(answer) == other["Authorization"]

    async def test_many_requests_at_once_cause_one_exchange(
        self, door: httpx2.AsyncClient, sign_in: Any, identity: Any
    ) -> None:
        await sign_in(door)
        identity.hold = asyncio.Event()
        asked = [asyncio.create_task(door.get(ECHO)) for _ in range(20)]
        async with asyncio.timeout(10):
            while identity.exchanges == 0:
                await asyncio.sleep(0)
        identity.hold.set()
        answers = await asyncio.gather(*asked)
        assert len({authorization(answer) for answer in answers}) == 1
        assert identity.exchanges == 1
        await door.get(ECHO)
        assert identity.exchanges == 1

    async def test_one_caller_who_leaves_does_not_spoil_the_exchange(
        self, door: httpx2.AsyncClient, sign_in: Any, identity: Any
    ) -> None:
        await sign_in(door)
        identity.hold = asyncio.Event()
        session = "; ".join(f"{name}={value}" for name, value in door.cookies.items())
        _, writer = await asyncio.open_connection(door.base_url.host, door.base_url.port)
        writer.write(f"GET {ECHO} HTTP/1.1\r\nHost: x\r\nCookie: {session}\r\n\r\n".encode())
        async with asyncio.timeout(10):
            while identity.exchanges == 0:
                await asyncio.sleep(0)
        staying = asyncio.create_task(door.get(ECHO))
        writer.close()
        identity.hold.set()
        assert authorization(await staying)
        assert identity.exchanges == 1

    async def test_a_session_that_has_ended_takes_its_cookie_along(
        self, door: httpx2.AsyncClient, sign_in: Any, identity: Any
    ) -> None:
        await sign_in(door)
        identity.sessions.clear()
        answer = await door.get(ECHO)
        assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")
        assert "Max-Age=0" in answer.headers["set-cookie"]
        # Without the cookie the same request goes on without identity, as public addresses need.
        assert authorization(await door.get(ECHO)) is None

    async def test_identity_down_is_not_the_callers_fault(
        self, door: httpx2.AsyncClient, sign_in: Any, identity: Any
    ) -> None:
        await sign_in(door)
        identity.is_down = True
        answer = await door.get(ECHO)
        assert (answer.status_code, answer.json()["code"]) == (503, "identity_unavailable")
        identity.is_down = False
        assert authorization(await door.get(ECHO))

    async def test_a_known_session_survives_identitys_absence(
        self, door: httpx2.AsyncClient, sign_in: Any, identity: Any
    ) -> None:
        await sign_in(door)
        await door.get(ECHO)
        identity.is_down = True
        assert authorization(await door.get(ECHO))

    async def test_without_anything_the_request_has_no_identity(self, door: httpx2.AsyncClient) -> None:
        assert authorization(await door.get(ECHO)) is None

    @pytest.mark.parametrize("token", ["Bearer nonsense", "Bearer", "Basic YTpi", "Bearer a.b.c"])
    async def test_a_broken_token_does_not_get_in(self, door: httpx2.AsyncClient, leads: Any, token: str) -> None:
        answer = await door.get(ECHO, headers={"Authorization": token})
        assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Bearer")
        assert leads.seen == []

    async def test_an_expired_and_a_foreign_token_do_not_get_in(self, door: httpx2.AsyncClient, leads: Any) -> None:
        from joserfc.jwk import OKPKey

        from chassis.testing import signed
        from chassis.testing.tokens import claims_of, user_of

        claims = claims_of(user_of("anna"), "user", ["admin"])
        stranger = OKPKey.generate_key("Ed25519", parameters={"kid": "test-key"})
        for token in (
            signed({**claims, "exp": 1_000_000_000}),
            signed(claims, stranger),
            signed({**claims, "iss": "x"}),
        ):
            answer = await door.get(ECHO, headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 401
        assert leads.seen == []


class TestCsrf:
    async def test_a_change_needs_the_sessions_own_token(
        self, door: httpx2.AsyncClient, sign_in: Any, leads: Any
    ) -> None:
        csrf = await sign_in(door)
        other = await self._of_another_session(door, sign_in)
        for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "0" * 64}, other):
            for method in ("POST", "PUT", "PATCH", "DELETE"):
                answer = await door.request(method, ECHO, headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (403, "csrf_token_invalid")
        assert leads.seen == []
        assert authorization(await door.post(ECHO, headers=csrf))

    @staticmethod
    async def _of_another_session(door: httpx2.AsyncClient, sign_in: Any) -> dict[str, str]:
        async with httpx2.AsyncClient(base_url=door.base_url) as elsewhere:
            found: dict[str, str] = await sign_in(elsewhere)
        return found

    @pytest.mark.parametrize(
        "origin",
        [
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ],
    )
    async def test_another_sites_page_is_refused_even_with_the_token(
        self, door: httpx2.AsyncClient, sign_in: Any, leads: Any, origin: dict[str, str]
    ) -> None:
        csrf = await sign_in(door)
        answer = await door.post(ECHO, headers={**csrf, **origin})
        assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")
        assert leads.seen == []

    async def test_our_own_page_is_not(self, door: httpx2.AsyncClient, sign_in: Any) -> None:
        csrf = await sign_in(door)
        own = {"Origin": str(door.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
        assert authorization(await door.post(ECHO, headers={**csrf, **own}))

    async def test_behind_a_proxy_the_public_address_decides(self, running: Any, sign_in: Any) -> None:
        async with running(public_url="https://crm.example.org") as door:
            csrf = await sign_in(door)
            own = {"Origin": "https://crm.example.org"}
            assert authorization(await door.post(ECHO, headers={**csrf, **own}))
            assert (await door.post(ECHO, headers={**csrf, "Origin": str(door.base_url)})).status_code == 403

    async def test_programs_with_a_bearer_token_need_none(self, door: httpx2.AsyncClient, bearer: Bearer) -> None:
        assert authorization(await door.post(ECHO, headers=bearer()))


class TestSession:
    async def test_a_reloaded_page_gets_its_csrf_token_again(self, door: httpx2.AsyncClient, sign_in: Any) -> None:
        csrf = await sign_in(door)
        answer = await door.get("/session")
        assert answer.json() == {"user": {"email": "me@example.com"}, "csrf_token": csrf["X-CSRF-Token"]}

    async def test_without_a_session(self, door: httpx2.AsyncClient) -> None:
        for answer in (await door.get("/session"), await door.delete("/session")):
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")

    async def test_an_ended_session_is_none(self, door: httpx2.AsyncClient, sign_in: Any, identity: Any) -> None:
        await sign_in(door)
        identity.sessions.clear()
        answer = await door.get("/session")
        assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")
        assert "Max-Age=0" in answer.headers["set-cookie"]

    async def test_signing_out_ends_it_everywhere(self, door: httpx2.AsyncClient, sign_in: Any, identity: Any) -> None:
        csrf = await sign_in(door)
        kept = dict(door.cookies)
        assert (await door.delete("/session")).json()["code"] == "csrf_token_invalid"
        answer = await door.delete("/session", headers=csrf)
        assert answer.status_code == 204 and "Max-Age=0" in answer.headers["set-cookie"]
        assert identity.sessions == {} and not door.cookies
        # A copy of the cookie is worth nothing any more.
        door.cookies.update(kept)
        assert (await door.get(ECHO)).json()["code"] == "session_ended"

    async def test_signing_out_twice_is_no_error(self, door: httpx2.AsyncClient, sign_in: Any, identity: Any) -> None:
        csrf = await sign_in(door)
        identity.sessions.clear()
        assert (await door.delete("/session", headers=csrf)).status_code == 204
