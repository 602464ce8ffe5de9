from typing import Any
from uuid import uuid4

import pytest

from chassis.testing.tokens import user_of
from contracts.notifications import NotificationRead

from .builders import account_assigned, reminder, user

URL = "/api/notifications/v1"
ME = user_of("sales")


async def feed(client: Any, headers: Any, **params: Any) -> dict[str, Any]:
    answer = await client.get(f"{URL}/notifications", params=params, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_feed_has_the_callers_own_notices_the_latest_first(client, as_role, publish):
    for name in ("One", "Two", "Three"):
        await publish(account_assigned(ME, name=name))
    await publish(account_assigned(uuid4(), name="Somebody else's"))
    first = await feed(client, as_role("sales"), limit=2)
    assert [item["title"] for item in first["items"]] == ["Assigned to you: Three", "Assigned to you: Two"]
    second = await feed(client, as_role("sales"), limit=2, cursor=first["next_cursor"])
    assert [item["title"] for item in second["items"]] == ["Assigned to you: One"]
    assert second["next_cursor"] is None
    assert (await feed(client, as_role("admin")))["items"] == []


async def test_reading_is_said_once(client, as_role, publish, emitted):
    await publish(account_assigned(ME), reminder(ME))
    [newest, _] = (await feed(client, as_role("sales"), unread=True))["items"]
    path = f"{URL}/notifications/{newest['id']}/reading"
    for _ in range(2):
        answer = await client.post(path, headers=as_role("sales"))
        assert (answer.status_code, answer.json()["is_read"]) == (200, True)
    assert len(await emitted(NotificationRead)) == 1
    assert len((await feed(client, as_role("sales"), unread=True))["items"]) == 1
    assert len((await feed(client, as_role("sales"), unread=False))["items"]) == 1
    counted = await client.get(f"{URL}/notifications/unread-count", headers=as_role("sales"))
    assert counted.json() == {"unread": 1}
    everything = await client.post(f"{URL}/notifications/reading", headers=as_role("sales"))
    assert everything.json() == {"read": 1}


async def test_somebody_elses_notice_is_not_there(client, as_role, publish):
    await publish(account_assigned(ME))
    [notice] = (await feed(client, as_role("sales")))["items"]
    for role in ("admin", "marketing"):
        answer = await client.post(f"{URL}/notifications/{notice['id']}/reading", headers=as_role(role))
        assert (answer.status_code, answer.json()["code"]) == (404, "notification_not_found")


async def test_the_feed_needs_a_token(client):
    for method, path in (("GET", "notifications"), ("GET", "preferences"), ("GET", "stream")):
        assert (await client.request(method, f"{URL}/{path}")).status_code == 401


async def test_preferences_begin_with_the_defaults_and_keep_choices(client, as_role):
    before = (await client.get(f"{URL}/preferences", headers=as_role("sales"))).json()
    assert before["channels"]["reminder"] == {"app": True, "email": True}
    assert before["quiet_hours"] is None
    body = {"channels": {"reminder": {"email": False}}, "quiet_hours": {"starts": "22:00", "ends": "07:00"}}
    kept = await client.put(f"{URL}/preferences", json=body, headers=as_role("sales"))
    assert kept.status_code == 200, kept.text
    after = (await client.get(f"{URL}/preferences", headers=as_role("sales"))).json()
    assert after["channels"]["reminder"] == {"app": True, "email": False}
    assert after["quiet_hours"] == {"starts": "22:00:00", "ends": "07:00:00"}
    other = (await client.get(f"{URL}/preferences", headers=as_role("marketing"))).json()
    assert other == before


@pytest.mark.parametrize(
    "body",
    [
        {"channels": {"weather": {"app": True}}},
        {"channels": {"reminder": {"pigeon": True}}},
        {"channels": {"app": {"app": True}}},
        {"channels": {"reminder": {"app": "perhaps"}}},
        {"quiet_hours": {"starts": "22:00", "ends": "22:00"}},
        {"quiet_hours": {"starts": "22:00+01:00", "ends": "07:00"}},
        {"quiet_hours": {"starts": "night", "ends": "07:00"}},
        {"colour": "red"},
    ],
)
async def test_wrong_preferences_are_refused(client, as_role, body):
    answer = await client.put(f"{URL}/preferences", json=body, headers=as_role("sales"))
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_a_kind_that_is_switched_off_is_not_sent(client, as_role, publish):
    await publish(user(ME))
    body = {"channels": {"assigned": {"app": False, "email": False}}}
    await client.put(f"{URL}/preferences", json=body, headers=as_role("sales"))
    await publish(account_assigned(ME), reminder(ME))
    assert [item["kind"] for item in (await feed(client, as_role("sales")))["items"]] == ["reminder"]
