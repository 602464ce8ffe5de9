"""A customer is in the system once, whichever way it comes in."""

import asyncio
from typing import Any
from uuid import UUID

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
    form = await ask(system, "POST", "/api/leads/v1/forms", 201, json={"name": mark, "per_minute": 100})
    async with rule(system, "account", on_create="block"), rule(system, "lead", on_create="block"):
        made, sent = await asyncio.gather(
            asyncio.gather(*(_by_api(system, body) for _ in range(30)), *(_by_import(system, body) for _ in range(10))),
            asyncio.gather(*(_by_form(system, form["key"], body) for _ in range(10))),
        )
    assert sum(made) == 1
    named = "select id from accounts where name = $1 and deleted_at is null"
    [account] = await rows(system, "accounts", named, body["name"])
    leads = await _leads_of(system, sent)
    await until(lambda: _in_one_set(system, {account["id"], *leads}), 60)


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


async def _by_form(system: System, key: str, body: dict[str, Any]) -> str:
    """A visitor of the web site speaks for the company: an inbound request, which may never be refused."""
    company = {"company": body["name"], "country": "PL", "tax_number": body["tax_number"]}
    address = {name: body["billing"][name] for name in ("street", "postal_code", "city")}
    who = {"first_name": "Ola", "last_name": "Nowak", "email": f"ola@{body['name'].split()[-1].lower()}.example"}
    taken = await ask(system, "POST", f"/api/leads/v1/forms/{key}/submissions", 202, json=company | address | who)
    return str(taken["id"])


async def _leads_of(system: System, submissions: list[str]) -> list[UUID]:
    """The leads that came of the requests: the first one's, and those taken while dedup had no time to answer."""
    kept = await rows(
        system,
        "leads",
        """select submission.outcome, submission.fields->>'last_name' as name, lead.id
             from submissions submission left join leads lead on lead.id = submission.lead_id
            where submission.id = any($1::uuid[])""",
        submissions,
    )
    assert len(kept) == len(set(submissions)) == 10
    assert {row["name"] for row in kept} == {"Nowak"}, "a duplicate is kept as it was sent"
    assert all((row["outcome"], row["id"] is None) in {("captured", False), ("duplicate", True)} for row in kept)
    return [row["id"] for row in kept if row["id"] is not None]


async def _in_one_set(system: System, records: set[UUID]) -> bool:
    """At least one lead, and whatever there is of the customer is shown to people as one."""
    query = "select array_agg(record_id) as members from duplicate_set_members where is_open group by set_id"
    found = await rows(system, "dedup", query)
    return len(records) > 1 and any(records <= set(row["members"]) for row in found)


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
