from typing import Any

import orjson
from fastapi import FastAPI
from sqlalchemy import func, select

from chassis.db import Database
from chassis.testing import AsRole
from dedup.models import Claim

from .builders import item


class ImpatientCaller:
    """Sends its request and hangs up before the answer."""

    def __init__(self, body: bytes) -> None:
        self.body: bytes | None = body
        self.statuses: list[int] = []

    async def receive(self) -> dict[str, Any]:
        if self.body is None:
            return {"type": "http.disconnect"}
        body, self.body = self.body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Any) -> None:
        self.statuses.append(message.get("status", 0))


async def test_a_claim_that_nobody_waits_for_holds_no_keys(app: FastAPI, db: Database, as_role: AsRole) -> None:
    claimed = item(name="Get Cloudy", tax_number="5250001122", tax_country="PL")
    caller = ImpatientCaller(orjson.dumps({"items": [claimed]}))
    headers = {**as_role("service"), "Content-Type": "application/json"}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/api/dedup/v1/claims",
        "raw_path": b"/api/dedup/v1/claims",
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    await app(scope, caller.receive, caller.send)
    async with db.read() as session:
        assert (await session.execute(select(func.count()).select_from(Claim))).scalar_one() == 0
