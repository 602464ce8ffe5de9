from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from activities.models import RecordReplica, TimelineEntry
from chassis.testing.tokens import user_of
from contracts.accounts import ContactMadePrivate, ContactPublished

from .builders import account, contact, lead, link, user

URL = "/api/activities/v1"
SALES = user_of("sales")


async def recorded(client: Any, headers: Any, *linked: Any, **values: Any) -> dict[str, Any]:
    body = {"kind": "call", "subject": "Call back", "links": [link(each) for each in linked], **values}
    answer = await client.post(f"{URL}/activities", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def timeline(client: Any, headers: Any, event: Any) -> list[dict[str, Any]]:
    answer = await client.get(f"{URL}/timeline", params=link(event), headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def changed(event: Any, event_class: type[Any], **values: Any) -> Any:
    state = event.state.model_copy(update={"version": event.state.version + 1, **values})
    return event_class(state=state)


async def test_replicas_keep_the_newest_version(publish, db):
    firm = account("Old")
    newer = firm.model_copy(update={"state": firm.state.model_copy(update={"version": 5, "name": "New"})})
    await publish(newer, firm, times=2)
    async with db.read() as session:
        kept = (await session.execute(select(RecordReplica))).scalar_one()
    assert (kept.label, kept.version) == ("New", 5)


async def test_a_contact_that_arrives_after_its_activity_still_rolls_up_once(client, as_role, publish):
    firm = account()
    person = contact(firm.state.id)
    await recorded(client, as_role("sales"), person)
    assert await timeline(client, as_role("sales"), firm) == []
    await publish(firm)
    await publish(person, times=2)
    [entry] = await timeline(client, as_role("read_only"), firm)
    assert entry["via"] == {**link(person), "label": "Maria Rossi"}


async def test_a_late_contact_does_not_roll_up_past_an_explicit_account(client, as_role, publish):
    named, employer = account(), account()
    person = contact(employer.state.id)
    await publish(named, employer)
    await recorded(client, as_role("sales"), person, named)
    await publish(person, times=2)
    assert await timeline(client, as_role("sales"), employer) == []
    assert len(await timeline(client, as_role("sales"), named)) == 1


async def test_past_entries_stay_with_the_old_employer_and_new_ones_go_to_the_new(client, as_role, publish):
    old, new = account("Old"), account("New")
    person = contact(old.state.id)
    await publish(old, new, person)
    await recorded(client, as_role("sales"), person, subject="then")
    await publish(changed(person, type(person), account_id=new.state.id), times=2)
    await recorded(client, as_role("sales"), person, subject="now")
    assert [entry["activity"]["subject"] for entry in await timeline(client, as_role("sales"), old)] == ["then"]
    assert [entry["activity"]["subject"] for entry in await timeline(client, as_role("sales"), new)] == ["now"]


async def test_a_private_contact_and_its_activities_are_its_owners_only(client, as_role, publish):
    person = contact(owner_id=SALES, first_name="XYZZY")
    await publish(person)
    made = await recorded(client, as_role("sales"), person, subject="Secret XYZZY")
    for role, status in {"sales": 200, "admin": 200, "sales_manager": 404, "read_only": 404, "service": 404}.items():
        headers = as_role(role)
        assert (await client.get(f"{URL}/activities/{made['id']}", headers=headers)).status_code == status
        seen = await client.get(f"{URL}/timeline", params=link(person), headers=headers)
        assert seen.status_code == status
        assert ("XYZZY" in seen.text) == (status == 200)
        assert ("XYZZY" in (await client.get(f"{URL}/activities", headers=headers)).text) == (status == 200)
        summary = await client.get(f"{URL}/timeline/summary", params=link(person), headers=headers)
        assert summary.status_code == status
        changed_by = await client.patch(
            f"{URL}/activities/{made['id']}", json={}, headers={**headers, "If-Match": '"1"'}
        )
        # The administrator and the owner may; a service account has the right, but not to what is private.
        assert changed_by.status_code == {200: 200, 404: 403 if role == "read_only" else 404}[status]


async def test_nobody_else_can_link_a_private_contact(client, as_role, publish):
    person = contact(owner_id=SALES)
    await publish(person)
    body = {"kind": "call", "subject": "x", "links": [link(person)]}
    answer = await client.post(f"{URL}/activities", json=body, headers=as_role("sales_manager"))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "link_not_found"


async def test_a_private_link_is_hidden_from_others_and_survives_their_change(client, as_role, publish):
    firm, person = account(), contact(owner_id=SALES)
    await publish(firm, person)
    made = await recorded(client, as_role("sales"), firm, person)
    seen = await client.get(f"{URL}/activities/{made['id']}", headers=as_role("admin", user_id=uuid4()))
    assert len(seen.json()["links"]) == 2
    boss = as_role("sales_manager")
    seen = await client.get(f"{URL}/activities/{made['id']}", headers=boss)
    assert [each["id"] for each in seen.json()["links"]] == [str(firm.state.id)]
    team = uuid4()
    await publish(user(SALES, team_ids=[team]))
    headers = {**as_role("sales_manager", team_ids=[team]), "If-Match": '"1"'}
    cleared = await client.patch(f"{URL}/activities/{made['id']}", json={"links": [link(firm)]}, headers=headers)
    assert cleared.status_code == 200, cleared.text
    kept = await client.get(f"{URL}/activities/{made['id']}", headers=as_role("sales"))
    assert len(kept.json()["links"]) == 2


async def test_a_contact_that_becomes_private_takes_its_entries_from_others_sight(client, as_role, publish):
    firm = account()
    person = contact(firm.state.id, owner_id=SALES)
    await publish(firm, person)
    await recorded(client, as_role("sales"), person)
    assert len(await timeline(client, as_role("read_only"), firm)) == 1
    await publish(changed(person, ContactMadePrivate, account_id=None, is_private=True), times=2)
    assert await timeline(client, as_role("read_only"), firm) == []
    assert len(await timeline(client, as_role("sales"), person)) == 1


async def test_a_private_contact_that_is_published_shows_later_activities_on_the_account(client, as_role, publish, db):
    firm, person = account(), contact(owner_id=SALES)
    await publish(firm, person)
    await recorded(client, as_role("sales"), person, subject="before")
    await publish(changed(person, ContactPublished, account_id=firm.state.id, is_private=False), times=2)
    await recorded(client, as_role("sales"), person, subject="after")
    assert [entry["activity"]["subject"] for entry in await timeline(client, as_role("sales"), firm)] == ["after"]
    async with db.read() as session:
        entries = (await session.execute(select(TimelineEntry))).scalars().all()
    assert len(entries) == 3


async def test_work_on_a_private_contact_goes_only_to_who_may_see_it(client, as_role, publish):
    other = uuid4()
    person = contact(owner_id=SALES)
    await publish(person, user(other, name="Bob"))
    body = {"kind": "task", "subject": "x", "links": [link(person)], "assignee_id": str(other)}
    answer = await client.post(f"{URL}/activities", json=body, headers=as_role("sales"))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "assignee_cannot_see")


async def test_work_goes_to_active_people(client, as_role, publish):
    gone, other = uuid4(), uuid4()
    await publish(user(gone, is_active=False), user(other))
    made = await recorded(client, as_role("sales"))
    path = f"{URL}/activities/{made['id']}/owner"
    refused = await client.post(path, json={"assignee_id": str(gone)}, headers=as_role("sales"))
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "assignee_not_found")
    given = await client.post(path, json={"assignee_id": str(other)}, headers=as_role("sales"))
    assert (given.status_code, given.json()["assignee_name"]) == (200, "Ada Test")
    await client.post(f"{URL}/activities/{made['id']}/completion", json={}, headers=as_role("sales"))
    late = await client.post(path, json={"assignee_id": str(SALES)}, headers=as_role("sales"))
    assert (late.status_code, late.json()["code"]) == (409, "activity_already_closed")


@pytest.mark.parametrize("event", [account(), contact(uuid4()), lead()])
async def test_every_kind_of_record_has_a_timeline(client, as_role, publish, event):
    await publish(event, times=2)
    await recorded(client, as_role("sales"), event)
    assert len(await timeline(client, as_role("sales"), event)) == 1
    gone = event.model_copy(update={"state": event.state.model_copy(update={"is_deleted": True, "version": 2})})
    await publish(gone)
    answer = await client.get(f"{URL}/timeline", params=link(event), headers=as_role("sales"))
    assert answer.status_code == 404
