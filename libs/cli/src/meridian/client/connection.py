"""HTTP to the gateway: signs in when needed, waits when told to, turns problems into words."""

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx2

from meridian.client.place import Place
from meridian.client.words import fail, problem_in_words

SIGN_IN = "/api/identity/v1/sessions"
PATIENCE = 30.0
BUSY = (429, 503)


class Refused(Exception):
    """The answer was a problem; `problem` is its JSON document."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(problem_in_words(status, problem))
        self.status = status
        self.problem = problem

    @property
    def code(self) -> str:
        return str(self.problem.get("code", ""))


class Bearer(httpx2.Auth):
    """A token lives ten minutes; a long import signs in again when it has ended."""

    requires_response_body = True

    def __init__(self, place: Place) -> None:
        self.place = place
        self.token = place.token

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        if not self.token:
            yield from self._sign_in()
        request.headers["Authorization"] = f"Bearer {self.token}"
        answer = yield request
        if answer.status_code == 401 and self.place.password:
            yield from self._sign_in()
            request.headers["Authorization"] = f"Bearer {self.token}"
            yield request

    def _sign_in(self) -> Generator[httpx2.Request, httpx2.Response, None]:
        words = {"email": self.place.email, "password": self.place.password}
        answer = yield httpx2.Request("POST", f"{self.place.url}{SIGN_IN}", json=words)
        if answer.status_code != 201:
            raise Refused(answer.status_code, _json(answer))
        self.token = answer.json()["access_token"]


class Connection:
    def __init__(self, place: Place, http: httpx2.Client) -> None:
        self.place = place
        self._http = http

    def get(self, path: str, **parameters: Any) -> Any:
        return self._json("GET", path, params=parameters)

    def post(self, path: str, body: Any = None, *, key: str = "", **more: Any) -> Any:
        """Sends once: `key` (a new one when left out) makes the answer of a repetition the first one's."""
        headers = {"Idempotency-Key": key or str(uuid4())}
        return self._json("POST", path, headers=headers, **({"json": body} if body is not None else {}), **more)

    def patch(self, path: str, body: Any, version: int) -> Any:
        return self._json("PATCH", path, json=body, headers={"If-Match": f'"{version}"'})

    def download(self, path: str) -> bytes:
        return self._answer("GET", path).content

    def all(self, path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        cursor = None
        while True:
            page = self.get(path, **parameters, **({"cursor": cursor} if cursor else {}))
            yield from page["items"]
            cursor = page["next_cursor"]
            if not cursor:
                return

    def _json(self, method: str, path: str, **more: Any) -> Any:
        answer = self._answer(method, path, **more)
        return answer.json() if answer.content else None

    def _answer(self, method: str, path: str, **more: Any) -> httpx2.Response:
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self._http.request(method, path, **more)
            if answer.is_success:
                return answer
            pause = _pause(answer)
            if answer.status_code not in BUSY or time.monotonic() + pause > deadline:
                raise Refused(answer.status_code, _json(answer))
            time.sleep(pause)


def _pause(answer: httpx2.Response) -> float:
    """Seconds that a busy server asks for."""
    text = answer.headers.get("retry-after", "1")
    return min(float(text), 10.0) if text.replace(".", "", 1).isdigit() else 1.0


def _json(answer: httpx2.Response) -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        return {"title": f"{answer.request.url} answered {answer.status_code}"}
    return document if isinstance(document, dict) else {}


@contextmanager
def connected(place: Place) -> Iterator[Connection]:
    """A connection whose failures end the command with words instead of a traceback."""
    timeout = httpx2.Timeout(30.0, connect=5.0)
    with httpx2.Client(base_url=place.url, auth=Bearer(place), timeout=timeout) as http:
        try:
            yield Connection(place, http)
        except Refused as refused:
            fail(str(refused))
        except httpx2.TransportError as error:
            fail(f"{place.url} does not answer ({error or type(error).__name__}).")
