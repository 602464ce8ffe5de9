"""What the client does when the other side says no, not yet, or who are you."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2
import pytest
import typer

from meridian.client.connection import Bearer, Connection, Refused, connected
from meridian.client.place import Place
from meridian.client.words import problem_in_words

PLACE = Place("http://crm.test", email="anna@example.com", password="secret")
Answer = Callable[[httpx2.Request], httpx2.Response]


@contextmanager
def talking_to(answer: Answer, place: Place = PLACE) -> Iterator[Connection]:
    with httpx2.Client(base_url=place.url, auth=Bearer(place), transport=httpx2.MockTransport(answer)) as http:
        yield Connection(place, http)


def test_it_signs_in_once_and_sends_the_token() -> None:
    seen = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append((request.url.path, request.headers.get("authorization")))
        if request.url.path.endswith("/sessions"):
            return httpx2.Response(201, json={"access_token": "t1"})
        return httpx2.Response(200, json={"ok": True})

    with talking_to(answer) as connection:
        connection.get("/a")
        connection.get("/b")
    assert seen == [("/api/identity/v1/sessions", None), ("/a", "Bearer t1"), ("/b", "Bearer t1")]


def test_a_token_that_ended_is_replaced() -> None:
    given = iter(["old", "new"])

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/sessions"):
            return httpx2.Response(201, json={"access_token": next(given)})
        return httpx2.Response(200 if request.headers["authorization"] == "Bearer new" else 401, json={"ok": True})

    with talking_to(answer) as connection:
        assert connection.get("/a") == {"ok": True}


def test_a_given_token_is_used_as_it_is() -> None:
    with (
        talking_to(lambda request: httpx2.Response(401, json={"title": "No"}), Place("http://crm.test", "mine")) as it,
        pytest.raises(Refused) as refused,
    ):
        it.get("/a")
    assert refused.value.status == 401


def test_a_wrong_password_is_said() -> None:
    wrong = {"title": "Wrong e-mail or password"}
    with talking_to(lambda request: httpx2.Response(401, json=wrong)) as connection, pytest.raises(Refused) as refused:
        connection.get("/a")
    assert "Wrong e-mail or password" in str(refused.value)


def test_busy_is_waited_for_and_the_same_key_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    keys: list[str] = []
    monkeypatch.setattr("meridian.client.connection.time.sleep", pauses.append)

    def answer(request: httpx2.Request) -> httpx2.Response:
        keys.append(request.headers["idempotency-key"])
        if len(keys) < 3:
            return httpx2.Response(429, headers={"Retry-After": "2"}, json={"title": "Slow down"})
        return httpx2.Response(201, json={"id": 1})

    with talking_to(answer, Place("http://crm.test", "mine")) as connection:
        assert connection.post("/a", {"x": 1}) == {"id": 1}
    assert pauses == [2.0, 2.0] and len(set(keys)) == 1


def test_a_problem_is_told_field_by_field() -> None:
    problem = {
        "title": "Some fields are wrong",
        "detail": "Two fields",
        "errors": [{"pointer": "/billing/country", "code": "x", "detail": "No such country."}],
    }
    assert problem_in_words(422, problem) == "Some fields are wrong. Two fields\n  /billing/country: No such country."
    assert problem_in_words(502, {}) == "The answer was 502"


def test_an_answer_that_is_no_json_is_told() -> None:
    with (
        talking_to(lambda request: httpx2.Response(502, text="<html>"), Place("http://crm.test", "mine")) as connection,
        pytest.raises(Refused, match="answered 502"),
    ):
        connection.get("/a")


def test_every_page_is_read() -> None:
    pages = {None: ([{"n": 1}, {"n": 2}], "c1"), "c1": ([{"n": 3}], "c2"), "c2": ([], None)}

    def answer(request: httpx2.Request) -> httpx2.Response:
        items, after = pages[request.url.params.get("cursor")]
        assert request.url.params["limit"] == "2"
        return httpx2.Response(200, json={"items": items, "next_cursor": after})

    with talking_to(answer, Place("http://crm.test", "mine")) as connection:
        assert [item["n"] for item in connection.all("/a", limit=2)] == [1, 2, 3]


def test_nobody_there_ends_the_command_with_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as end, connected(Place("http://127.0.0.1:9", "mine")) as connection:
        connection.get("/a")
    assert end.value.exit_code == 1
    assert "http://127.0.0.1:9 does not answer" in capsys.readouterr().err
