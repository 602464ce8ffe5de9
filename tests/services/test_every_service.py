"""What must hold for every service alike: no input makes it fail, and every route asks for the right it names."""

from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest

from chassis.operations.api import ROUTES
from chassis.service import Service
from chassis.testing import Answers, AsRole
from chassis.testing.hostile import Hostile
from chassis.testing.rights import Rights

SERVICES = ("identity", "accounts", "leads", "activities", "dedup", "notifications")
STREAMS = ("/stream",)
OPERATIONS = tuple(f"/operations{path}" for _, path, _ in ROUTES)
"""The same code in every service, so one of them is enough."""


@pytest.fixture(scope="session", params=SERVICES)
def service(request: pytest.FixtureRequest) -> Service:
    found: Service = import_module(f"{request.param}.service").service
    return found


def clear(body: Any) -> dict[str, Any]:
    """Nothing is a duplicate of anything."""
    items = body.get("items", ()) if isinstance(body, dict) else ()
    return {"results": [_clear(item["record_id"]) for item in items]}


def _clear(record_id: str) -> dict[str, Any]:
    return {
        "record_id": record_id,
        "decision": "clear",
        "claim_id": str(uuid4()),
        "candidates": [],
        "hidden_matches": 0,
        "token": None,
        "lease_until": "2040-01-01T00:00:00Z",
    }


@pytest.mark.timeout(600)
async def test_no_input_makes_it_fail_and_every_refusal_is_documented(
    service: Service, hostile: Hostile, as_role: AsRole, answer: Answers
) -> None:
    answer("dedup", "/api/dedup/v1/claims", clear)
    leave_out = STREAMS if service.name == "identity" else (*STREAMS, *OPERATIONS)
    assert await hostile(as_role("admin"), leave_out=leave_out) == []
    assert hostile.seen[200] and hostile.seen[422]


async def test_every_route_asks_for_the_right_it_names(rights: Rights, answer: Answers) -> None:
    assert await rights(leave_out=STREAMS) == []
    assert rights.tried >= 8
