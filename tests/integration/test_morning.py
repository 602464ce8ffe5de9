"""From a browser's request through PostgreSQL, Kafka, dedup and a reminder to a delivered mail."""

from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka import AIOKafkaConsumer

from contracts.accounts import AccountCreated
from contracts.envelope import decode
from devstack.scratch import System

from .conftest import ask, create_account, mails, rule, streaming, until


def shop(mark: str, name: str) -> dict[str, Any]:
    address = {"street": f"ul. {mark} 5", "city": "Kraków", "postal_code": "31-001", "country": "PL"}
    return {"name": name, "phone": "+48 12 200 30 40", "billing": address}


async def duplicate_set_with(system: System, *ids: str) -> Any:
    found = await ask(system, "GET", "/api/dedup/v1/duplicate-sets?limit=100", 200)
    for each in found["items"]:
        if set(ids) <= {member["id"] for member in each["members"]}:
            return each
    return None


async def test_a_duplicate_shows_on_the_stream_with_its_reasons(system: System, mark: str) -> None:
    async with rule(system, "account", on_create="alert"), streaming(system) as stream:
        first = await create_account(system, **shop(mark, f"{mark} Zakład Obuwniczy"))
        second = await create_account(
            system, **shop(mark, f"{mark.upper()} ZAKLAD OBUWNICZY Sp. z o.o.") | {"phone": "122003040"}
        )
        found = await until(lambda: duplicate_set_with(system, first["id"], second["id"]))
        await until(lambda: stream.mentions("change", found["id"]))
    reasons = {reason["field"] for member in found["members"] for reason in member["reasons"]}
    assert "name" in reasons
    assert found["status"] == "open"


async def test_a_follow_up_reminds_in_the_app_and_by_one_mail(system: System, mark: str) -> None:
    account = await create_account(system, **shop(mark, f"{mark} Calzature"))
    at = datetime.now(UTC) + timedelta(seconds=3)
    call = {
        "kind": "call",
        "subject": f"Call {mark} back",
        "wall_time": at.strftime("%Y-%m-%dT%H:%M:%S"),
        "time_zone": "UTC",
        "links": [{"object": "account", "id": account["id"]}],
        "reminders": [{"minutes_before": 0}],
    }
    async with streaming(system) as stream:
        await ask(system, "POST", "/api/activities/v1/activities", 201, json=call)
        await until(lambda: stream.mentions("notification", mark))

    async def delivered() -> list[Any]:
        return mails(system, mark)

    await until(delivered)
    timeline = await ask(system, "GET", f"/api/activities/v1/timeline?object=account&id={account['id']}", 200)
    assert mark in str(timeline)
    # Another reminder after it proves that nothing of the first one is still on its way.
    await ask(system, "POST", "/api/activities/v1/activities", 201, json={**call, "subject": f"Later {mark}2"})
    await until(lambda: _count(system, f"Later {mark}2"))
    assert len(mails(system, f"Call {mark} back")) == 1


async def _count(system: System, word: str) -> int:
    return len(mails(system, word))


async def test_another_system_reads_the_same_fact(system: System, mark: str) -> None:
    consumer = AIOKafkaConsumer(
        "crm.accounts.account", bootstrap_servers=system.supervisor.run.kafka, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        account = await create_account(system, name=mark)
        async for record in consumer:
            if record.key.decode() == account["id"]:
                break
    finally:
        await consumer.stop()
    envelope, data = decode(record.headers, record.value)
    event = AccountCreated.model_validate_json(data or b"")
    assert (envelope.type, event.state.name, envelope.actor_id) == (AccountCreated.TYPE, mark, system.admin_id)
