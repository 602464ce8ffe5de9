from typing import Any

import pytest
from httpx2 import AsyncClient

from chassis.testing import Answers, AsRole, Outbox
from contracts.accounts import AccountCreated

CLAIMS = "/api/dedup/v1/claims"
ACCOUNTS = "/api/accounts/v1/accounts"
CONTACTS = "/api/accounts/v1/contacts"

# The values of ACC-03: what a sales person typed when the first CRM was shown.
GET_CLOUDY = {
    "name": "Get Cloudy",
    "phone": "775-555-5309",
    "account_number": "117",
    "site": "Single Location",
    "type": "Customer - Direct",
    "industry": "Consulting",
    "billing": {"city": "Reno", "region": "NV"},
}


def clear(body: Any) -> dict[str, Any]:
    return {"results": [{"record_id": item["record_id"], "decision": "clear"} for item in body["items"]]}


@pytest.fixture(autouse=True)
def dedup_answers(answer: Answers) -> None:
    answer("dedup", CLAIMS, clear)


async def test_an_account_is_read_back_as_it_was_typed(client: AsyncClient, as_role: AsRole, emitted: Outbox) -> None:
    created = await client.post(ACCOUNTS, json=GET_CLOUDY, headers=as_role("sales"))
    assert created.status_code == 201, created.text
    read = await client.get(created.headers["location"], headers=as_role("read_only"))
    assert {name: read.json()[name] for name in GET_CLOUDY if name != "billing"} == {
        name: value for name, value in GET_CLOUDY.items() if name != "billing"
    }
    [event] = await emitted()
    assert isinstance(event, AccountCreated)
    assert event.state.billing is not None and event.state.billing.city == "Reno"
