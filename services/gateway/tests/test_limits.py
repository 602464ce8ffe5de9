"""How much one caller may ask. Rates are set so low that nothing comes back while a test runs."""

from collections.abc import Callable
from typing import Any

import httpx2

from gateway.domain.limits import Allowance
from gateway.models import MAX_REMEMBERED, Buckets

ECHO = "/api/leads/v1/echo"
Bearer = Callable[..., dict[str, str]]
HARDLY = 0.001


async def test_a_principal_has_a_burst_and_then_waits(running: Any, bearer: Bearer, leads: Any) -> None:
    async with running(requests_per_second=HARDLY, requests_burst=3) as door:
        statuses = [(await door.get(ECHO, headers=bearer())).status_code for _ in range(3)]
        refused = await door.get(ECHO, headers=bearer())
        other = await door.get(ECHO, headers=bearer("bruno@example.com"))
    assert statuses == [200, 200, 200]
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert int(refused.headers["retry-after"]) > 1
    assert other.status_code == 200 and len(leads.seen) == 4


async def test_session_and_token_of_one_person_share_the_allowance(running: Any, bearer: Bearer, sign_in: Any) -> None:
    async with running(requests_per_second=HARDLY, requests_burst=2) as door:
        await sign_in(door)
        statuses = [(await door.get(ECHO)).status_code, (await door.get(ECHO, headers=bearer())).status_code]
        assert statuses == [200, 200]
        assert (await door.get(ECHO)).status_code == 429


async def test_an_address_has_one_too(running: Any, leads: Any) -> None:
    async with running(address_requests_per_second=HARDLY, address_requests_burst=2) as door:
        statuses = [(await door.get(ECHO)).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert (await door.get("/docs")).status_code == 429
        # The supervisor must still be able to see that the process lives.
        assert (await door.get("/livez")).status_code == 200


async def test_behind_a_proxy_each_caller_counts_alone(running: Any) -> None:
    async with running(address_requests_per_second=HARDLY, address_requests_burst=1, trusted_proxies=1) as door:
        for address in ("198.51.100.1", "198.51.100.2"):
            headers = {"X-Forwarded-For": f"6.6.6.6, {address}"}
            statuses = [(await door.get(ECHO, headers=headers)).status_code for _ in range(2)]
            assert statuses == [200, 429]


async def test_sign_ins_are_few(running: Any, identity: Any) -> None:
    wrong = {"email": "anna@example.com", "password": "wrong"}
    async with running(sign_ins_per_minute=HARDLY, sign_ins_burst=2) as door:
        statuses = [(await door.post("/session", json=wrong)).status_code for _ in range(2)]
        again = await door.post("/api/identity/v1/sessions", json=wrong)
        assert statuses == [401, 401]
        assert (again.status_code, again.json()["code"]) == (429, "rate_limited")
        assert (await door.get(ECHO)).status_code == 200
    assert sum(request.path.endswith("/sessions") for request in identity.seen) == 2


def test_strangers_cannot_fill_the_memory() -> None:
    buckets = Buckets(Allowance(rate=1, burst=1))
    for number in range(2 * MAX_REMEMBERED):
        buckets.take(str(number), now=0.0)
    assert len(buckets.whole_at) <= MAX_REMEMBERED
    assert buckets.take(str(2 * MAX_REMEMBERED - 1), now=0.0) > 0


async def test_a_refused_request_says_when_to_come_again(running: Any, bearer: Bearer) -> None:
    async with running(requests_per_second=0.5, requests_burst=1) as door:
        await door.get(ECHO, headers=bearer())
        refused: httpx2.Response = await door.get(ECHO, headers=bearer())
    assert refused.headers["retry-after"] in ("1", "2")
