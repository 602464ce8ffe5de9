"""Loading the demo data, against a gateway that keeps what it is given and answers a repeated key as before."""

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from meridian.client.connection import Refused
from meridian.demo.load import ORGANISATIONS, TWINS, account_of, demo_leads, demo_organisations, load_demo
from meridian.demo.people import PEOPLE

ROLES = {"admin", "sales_manager", "sales", "marketing", "verifier", "read_only"}


class Gateway(ThreadingHTTPServer):
    """Lists by collection; every list item was posted by somebody."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.stored: dict[str, list[dict[str, Any]]] = {}
        self.answers: dict[str, dict[str, Any]] = {}
        self.passwords = {"admin@meridian.example": "admin-password"}
        self.refuse_after: int | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def post(self, path: str, body: dict[str, Any], key: str, who: str) -> tuple[int, dict[str, Any]]:
        if path == "sessions":
            known = self.passwords.get(body["email"]) == body["password"]
            return (201, {"access_token": body["email"]}) if known else (401, {"title": "Who are you?"})
        if key in self.answers:
            return 200, self.answers[key]
        if self.refuse_after is not None and sum(map(len, self.stored.values())) >= self.refuse_after:
            return 500, {"title": "Broken off"}
        item = {**body, "id": str(uuid4()), "version": 1, "by": who}
        self.stored.setdefault(path, []).append(item)
        self.answers[key] = item
        if path == "users":
            self.passwords[body["email"]] = body["password"]
        return 201, item


class Handler(BaseHTTPRequestHandler):
    server: Gateway
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._say(*self.server.post(self._collection(), body, self.headers.get("Idempotency-Key", ""), self._who()))

    def do_PATCH(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        item = self._item()
        assert self.headers["If-Match"] == f'"{item["version"]}"'
        item.update(body, version=item["version"] + 1)
        self._say(200, item)

    def do_GET(self) -> None:
        if re.search(r"/[0-9a-f-]{36}$", urlsplit(self.path).path):
            return self._say(200, self._item())
        items = self.server.stored.get(self._collection(), [])
        for field, operator, text in (
            wish.split(":", 2) for wish in parse_qs(urlsplit(self.path).query).get("filter", [])
        ):
            wanted = (lambda value, text=text: value.startswith(text)) if operator == "starts" else text.__eq__
            items = [item for item in items if wanted(item.get(field, ""))]
        return self._say(200, {"items": items, "next_cursor": None, "total": len(items)})

    def _item(self) -> dict[str, Any]:
        collection, _, id_ = self._collection().rpartition("/")
        return next(item for item in self.server.stored[collection] if item["id"] == id_)

    def _collection(self) -> str:
        return re.sub(r"^/api/[a-z]+/v1/", "", urlsplit(self.path).path)

    def _who(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def _say(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def load(gateway: Gateway) -> Any:
    return load_demo(gateway.url, "admin@meridian.example", "admin-password", "demo-password")


def test_everything_is_there(gateway: Gateway) -> None:
    loaded = load(gateway)
    assert {role for user in gateway.stored["users"] for role in user["roles"]} == ROLES
    assert loaded.accounts == len(gateway.stored["accounts"]) == ORGANISATIONS + TWINS
    assert loaded.contacts >= loaded.accounts and loaded.activities >= loaded.accounts
    assert loaded.leads == 12
    assert {team["manager_id"] is not None for team in gateway.stored["teams"] if team["name"] == "South"} == {True}


def test_people_enter_their_own_records(gateway: Gateway) -> None:
    load(gateway)
    by = Counter(account["by"] for account in gateway.stored["accounts"])
    assert set(by) <= {person.email for person in PEOPLE} and len(by) == 3
    decisions = [item for path, items in gateway.stored.items() if path.endswith("/verification") for item in items]
    assert {item["by"] for item in decisions} == {"emma@demo.meridian.example"}
    assert {item["decision"] for item in decisions} == {"verified", "rejected"}


def test_loading_twice_adds_nothing(gateway: Gateway) -> None:
    load(gateway)
    before = {path: len(items) for path, items in gateway.stored.items()}
    again = load(gateway)
    assert not any(vars(again).values())
    assert {path: len(items) for path, items in gateway.stored.items()} == before


def test_what_broke_off_is_completed(gateway: Gateway) -> None:
    gateway.refuse_after = 60
    with pytest.raises(Refused, match="Broken off"):
        load(gateway)
    gateway.refuse_after = None
    load(gateway)
    assert len(gateway.stored["accounts"]) == ORGANISATIONS + TWINS
    assert len({account["external_id"] for account in gateway.stored["accounts"]}) == ORGANISATIONS + TWINS


def test_a_duplicate_that_is_refused_is_left_out(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    post = gateway.post

    def refuse_one(path: str, body: dict[str, Any], key: str, who: str) -> tuple[int, dict[str, Any]]:
        if body.get("external_id") == "demo-002":
            return 409, {"code": "duplicate_blocked", "title": "It exists"}
        return post(path, body, key, who)

    monkeypatch.setattr(gateway, "post", refuse_one)
    loaded = load(gateway)
    assert (loaded.accounts, loaded.refused_as_duplicates) == (ORGANISATIONS + TWINS - 1, 1)


def test_wrong_words_are_refused(gateway: Gateway) -> None:
    with pytest.raises(Refused, match="Who are you"):
        load_demo(gateway.url, "admin@meridian.example", "wrong", "demo-password")


def test_the_twins_look_like_others_and_share_no_key() -> None:
    rows = demo_organisations()
    twins = rows[ORGANISATIONS:]
    assert len(twins) == TWINS
    for twin in twins:
        original = next(row for row in rows if row.true_id == twin.true_id)
        assert twin.name != original.name and twin.street != original.street
        assert not (twin.tax_number or twin.email or twin.phone)


def test_bodies_have_no_empty_values() -> None:
    for number, row in enumerate(demo_organisations(), start=1):
        assert all(account_of(number, row).values())
    assert all(all(lead.values()) for lead in demo_leads())
