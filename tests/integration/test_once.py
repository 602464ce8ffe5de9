"""A customer is in the system once, whichever way it comes in."""

import asyncio
from typing import Any

import aiohttp

from devstack.scratch import System

from .conftest import ask, create_account, rows, rule, until

NIP = "5250001122"


async def test_fifty_creates_at_once_leave_one_customer(system: System, mark: str) -> None:
    body = {
        "kind": "business",
        "name": f"Get Cloudy {mark}",
        "tax_number": _nip_of(mark),
        "tax_country": "PL",
        "billing": {"street": f"ul. {mark} 7", "postal_code": "00-950", "city": "Warszawa", "country": "PL"},
    }
    async with rule(system, "account", on_create="block"):
        made = await asyncio.gather(
            *(_by_api(system, body) for _ in range(40)), *(_by_import(system, body) for _ in range(10))
        )
        assert sum(made) == 1
    found = await rows(
        system, "accounts", "select id from accounts where name = $1 and deleted_at is null", body["name"]
    )
    assert len(found) == 1


async def _by_api(system: System, body: dict[str, Any]) -> int:
    status: int = 503
    answer: Any = None
    while status == 503:
        # So many at once may take longer than the question's one second; then nothing was saved and one asks again.
        status, answer = await system.call("POST", "/api/accounts/v1/accounts", json=body)
    assert status in (201, 409), answer
    assert status == 201 or answer["code"] == "duplicate_blocked"
    return int(status == 201)


async def _by_import(system: System, body: dict[str, Any]) -> int:
    line = f"{body['name']},{body['tax_number']},PL,{body['billing']['street']},00-950,Warszawa,PL\n"
    header = "name,tax_number,tax_country,street,postal_code,city,country\n"
    form = aiohttp.FormData()
    form.add_field("file", (header + line).encode(), filename="one.csv", content_type="text/csv")
    form.add_field("object", "accounts")
    form.add_field("duplicates", "rule")
    made = await ask(system, "POST", "/api/accounts/v1/imports", 202, data=form)
    done = await until(lambda: _finished(system, made["id"]))
    assert done["created"] + done["duplicate"] == 1, done
    return int(done["created"])


async def _finished(system: System, identity: str) -> Any:
    view = await ask(system, "GET", f"/api/accounts/v1/imports/{identity}", 200)
    return view if view["status"] in ("completed", "failed", "cancelled") else None


def _nip_of(mark: str) -> str:
    """A valid Polish tax number drawn from the mark."""
    weights = (6, 5, 7, 2, 3, 4, 5, 6, 7)
    number = int(mark[1:], 16) % 90_000_000 + 500_000_000
    while sum(w * int(d) for w, d in zip(weights, str(number), strict=True)) % 11 == 10:
        number += 1
    return f"{number}{sum(w * int(d) for w, d in zip(weights, str(number), strict=True)) % 11}"


async def test_the_same_name_in_another_town_is_no_duplicate(system: System, mark: str) -> None:
    async with rule(system, "account", on_create="block"):
        for town, street in (("Torino", "Via Po 1"), ("Bari", "Via Sparano 9")):
            await create_account(
                system, name=f"Bar Sport {mark}", billing={"street": street, "city": town, "country": "IT"}
            )
