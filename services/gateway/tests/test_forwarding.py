"""Requests and answers through the door, on real sockets."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest

ECHO = "/api/leads/v1/echo"
MIB = 1024 * 1024
Bearer = Callable[..., dict[str, str]]


class TestRequest:
    async def test_method_address_and_body_arrive_as_they_were_sent(
        self, door: httpx2.AsyncClient, bearer: Bearer
    ) -> None:
        body = bytes(range(256)) * 100
        answer = await door.put("/api/leads/v1/a%2Fb%20ż?q=x%26y&empty=", content=body, headers=bearer())
        told = answer.json()
        assert told["method"] == "PUT"
        assert told["path"] == "/api/leads/v1/a%2Fb%20%C5%BC?q=x%26y&empty="
        assert (told["size"], told["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())

    async def test_only_the_gateway_says_who_calls(self, door: httpx2.AsyncClient, bearer: Bearer) -> None:
        loud = {
            "Cookie": "other=1",
            "Connection": "X-Odd",
            "X-Odd": "1",
            "TE": "trailers",
            "X-Forwarded-For": "6.6.6.6",
            "X-Forwarded-Proto": "https",
            "X-CSRF-Token": "x",
            "If-Match": '"3"',
            "Accept-Language": "pl",
        }
        identity = bearer()
        told = (await door.get(ECHO, headers={**identity, **loud})).json()
        got = dict(told["headers"])
        assert not {"cookie", "x-odd", "te", "x-csrf-token"} & got.keys()
        assert got["x-forwarded-for"] == "127.0.0.1" and got["x-forwarded-proto"] == "http"
        assert got["x-forwarded-host"] == door.base_url.netloc.decode()
        assert got["if-match"] == '"3"' and got["accept-language"] == "pl"
        assert got["authorization"] == identity["Authorization"]

    async def test_the_correlation_id_goes_through(self, door: httpx2.AsyncClient) -> None:
        given = await door.get(ECHO, headers={"X-Correlation-Id": "call-7"})
        assert given.headers["x-correlation-id"] == "call-7"
        assert dict(given.json()["headers"])["x-correlation-id"] == "call-7"
        made = await door.get(ECHO)
        assert made.headers.get_list("x-correlation-id") == [dict(made.json()["headers"])["x-correlation-id"]]

    async def test_a_body_of_20_mb_streams_to_the_import(
        self, door: httpx2.AsyncClient, bearer: Bearer, leads: Any
    ) -> None:
        async def body() -> AsyncIterator[bytes]:
            yield b"x" * MIB
            # The service has the beginning while the rest is still to come: nothing waits for the end.
            await asyncio.wait_for(leads.first_chunk.wait(), 10)
            for _ in range(19):
                yield b"x" * MIB

        answer = await door.post("/api/accounts/v1/imports", content=body(), headers=bearer())
        assert answer.json()["size"] == 20 * MIB

    async def test_a_declared_length_stays_declared(self, door: httpx2.AsyncClient) -> None:
        answer = await door.post(ECHO, content=b"x" * 200_000)
        got = dict(answer.json()["headers"])
        assert got["content-length"] == "200000" and "transfer-encoding" not in got

    @pytest.mark.parametrize("path", [ECHO, "/api/accounts/v1/imports"])
    async def test_a_body_over_the_limit_is_refused_unread(
        self, door: httpx2.AsyncClient, leads: Any, path: str
    ) -> None:
        answer = await door.post(path, content=b"x" * (22 * MIB))
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        assert leads.seen == []

    async def test_a_chunked_body_is_counted_too(self, door: httpx2.AsyncClient, leads: Any) -> None:
        async def endless() -> AsyncIterator[bytes]:
            for _ in range(40):
                yield b"x" * 100_000

        answer = await door.post(ECHO, content=endless())
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        assert answer.json()["limit"] == MIB
        assert leads.seen == []

    async def test_a_refusal_before_the_body_was_read_arrives(self, door: httpx2.AsyncClient) -> None:
        answer = await door.post("/api/accounts/v1/imports/refuse", content=b"x" * (20 * MIB))
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert (await door.get(ECHO)).status_code == 200

    async def test_exactly_the_limit_passes(self, door: httpx2.AsyncClient) -> None:
        assert (await door.post(ECHO, content=b"x" * MIB)).json()["size"] == MIB

    async def test_a_caller_who_leaves_while_sending_is_not_waited_for(
        self, door: httpx2.AsyncClient, leads: Any
    ) -> None:
        reader, writer = await asyncio.open_connection(door.base_url.host, door.base_url.port)
        writer.write(b"POST /api/leads/v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n" + b"x" * 100_000)
        await writer.drain()
        await asyncio.wait_for(leads.first_chunk.wait(), 10)
        writer.close()
        assert (await door.get("/livez")).status_code == 200
        assert leads.seen == []


class TestAnswer:
    async def test_services_keep_no_cookies_and_cannot_loosen_the_policy(self, door: httpx2.AsyncClient) -> None:
        answer = await door.get("/api/leads/v1/headers")
        assert not {"set-cookie", "x-internal", "server"} & set(answer.headers)
        assert answer.headers["etag"] == '"3"' and answer.headers["cache-control"] == "private"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert len(answer.headers.get_list("date")) == 1

    async def test_what_says_nothing_is_not_cached(self, door: httpx2.AsyncClient) -> None:
        assert (await door.get(ECHO)).headers["cache-control"] == "no-store"

    async def test_the_first_part_arrives_before_the_last_is_written(
        self, door: httpx2.AsyncClient, leads: Any
    ) -> None:
        async with door.stream("GET", "/api/leads/v1/stream") as answer:
            parts = answer.aiter_raw()
            assert await anext(parts) == b"first"
            leads.go.set()
            assert b"".join([part async for part in parts]) == b"second"

    async def test_a_big_answer_is_complete(self, door: httpx2.AsyncClient) -> None:
        answer = await door.get("/api/leads/v1/big")
        assert answer.content == b"0123456789" * 500_000
        assert answer.headers["content-length"] == "5000000"

    async def test_redirects_are_told_not_followed(self, door: httpx2.AsyncClient) -> None:
        answer = await door.get("/api/leads/v1/redirect")
        assert answer.status_code == 303 and answer.headers["location"] == "https://elsewhere.example/"

    async def test_answers_without_a_body(self, door: httpx2.AsyncClient) -> None:
        assert (await door.delete("/api/leads/v1/empty")).status_code == 204
        head = await door.head("/api/leads/v1/big")
        assert head.headers["content-length"] == "5000000" and head.content == b""
        # Both connections are still good.
        assert (await door.get(ECHO)).status_code == 200


class TestEvents:
    async def test_events_arrive_one_by_one_and_outlive_every_time_out(self, running: Any, leads: Any) -> None:
        async with running(upstream_timeout=0.2) as door, door.stream("GET", "/api/leads/v1/events") as answer:
            assert answer.headers["content-type"] == "text/event-stream"
            lines = answer.aiter_lines()
            assert await anext(lines) == "data: first"
            # Another request that started later has run into the time-out, so the stream is past it.
            assert (await door.get("/api/leads/v1/never")).status_code == 504
            leads.go.set()
            assert [line async for line in lines if line] == ["data: second"]

    async def test_a_stop_of_the_gateway_ends_the_streams_at_once(self, running: Any) -> None:
        async with running() as door, door.stream("GET", "/api/leads/v1/events") as answer:
            lines = answer.aiter_lines()
            assert await anext(lines) == "data: first"
            door.runtime.stopping.set()
            assert [line async for line in lines if line] == []

    async def test_a_service_that_dies_just_ends_its_stream(self, door: httpx2.AsyncClient, leads: Any) -> None:
        async with door.stream("GET", "/api/leads/v1/dying_events") as answer:
            assert [line async for line in answer.aiter_lines() if line] == ["data: first"]

    @pytest.mark.parametrize("path", ["events", "never"])
    async def test_who_closes_the_page_ends_it_at_the_service(
        self, door: httpx2.AsyncClient, leads: Any, path: str
    ) -> None:
        reader, writer = await asyncio.open_connection(door.base_url.host, door.base_url.port)
        writer.write(f"GET /api/leads/v1/{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await (reader.readuntil(b"first") if path == "events" else asyncio.wait_for(leads.first_chunk.wait(), 10))
        writer.close()
        await asyncio.wait_for(leads.left.wait(), 10)
        assert (await door.get(ECHO)).status_code == 200


class TestTrouble:
    async def test_a_service_that_is_down(self, door: httpx2.AsyncClient) -> None:
        answer = await door.get("/api/dedup/v1/claims")
        assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize("path", ["/api/nobody/v1/x", "/api/gateway/v1/meta", "/api/", "/api/leads/../x"])
    async def test_a_service_that_does_not_exist(self, door: httpx2.AsyncClient, path: str) -> None:
        reader, writer = await asyncio.open_connection(door.base_url.host, door.base_url.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 404") and b"unknown_service" in answer

    async def test_a_service_that_hangs_up(self, door: httpx2.AsyncClient) -> None:
        answer = await door.post("/api/leads/v1/hangup", content=b"x")
        assert (answer.status_code, answer.json()["code"]) == (502, "service_broke_off")

    async def test_half_an_answer_is_never_taken_for_whole(self, door: httpx2.AsyncClient) -> None:
        with pytest.raises(httpx2.RemoteProtocolError):
            await door.get("/api/leads/v1/half")

    async def test_a_service_that_takes_too_long(self, running: Any, leads: Any) -> None:
        async with running(upstream_timeout=0.1) as door:
            answer = await door.get("/api/leads/v1/never")
        assert (answer.status_code, answer.json()["code"]) == (504, "service_timeout")
        await asyncio.wait_for(leads.left.wait(), 10)

    async def test_a_bug_of_ours_is_a_clear_answer_too(
        self, door: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gateway.domain.routes.target", lambda *_: 1 / 0)
        answer = await door.get(ECHO)
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        assert "division" not in answer.text

    async def test_websockets_are_not_spoken(self, door: httpx2.AsyncClient) -> None:
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        answer = await door.get(ECHO, headers={**upgrade, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
        assert "upgrade" not in answer.headers
