from typing import Any
from uuid import uuid4

import pytest

from chassis.testing.tokens import user_of
from contracts.activities import ActivityChanged, ActivityLogged, ActivityScheduled

from .builders import account, contact, lead, link, user

URL = "/api/activities/v1"
SALES = user_of("sales")


def call(**values: Any) -> dict[str, Any]:
    return {"kind": "call", "subject": "Call back", **values}


async def created(client: Any, headers: Any, **values: Any) -> dict[str, Any]:
    answer = await client.post(f"{URL}/activities", json=call(**values), headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def problem(answer: Any) -> tuple[int, list[tuple[str, str]]]:
    return answer.status_code, [(each["pointer"], each["code"]) for each in answer.json().get("errors", [])]


async def test_a_logged_call_is_done_and_tells_so(client, as_role, publish, emitted):
    firm = account()
    await publish(firm)
    made = await created(
        client,
        as_role("sales"),
        status="done",
        text="All well",
        outcome="reached",
        duration_minutes=12,
        links=[link(firm)],
    )
    assert made["status"] == "done"
    assert made["completed_at"]
    assert made["links"] == [{**link(firm), "label": "ACME S.p.A."}]
    [event] = await emitted(ActivityLogged)
    assert event.state.outcome == "reached"
    assert event.state.links[0].id == firm.state.id
    assert "All well" not in event.model_dump_json()


async def test_a_follow_up_keeps_wall_time_zone_and_instant(client, as_role, emitted):
    made = await created(client, as_role("sales"), wall_time="2027-07-01T15:00", time_zone="Europe/Rome")
    assert made["starts_at"] == "2027-07-01T13:00:00Z"
    assert made["wall_time"] == "2027-07-01T15:00:00"
    assert [each["minutes_before"] for each in made["reminders"]] == [15]
    assert made["assignee_id"] == str(SALES)
    [event] = await emitted(ActivityScheduled)
    assert event.state.wall_time == "2027-07-01T15:00:00"


async def test_the_zone_is_the_callers_when_it_is_left_out(client, as_role, publish):
    await publish(user(SALES, "America/New_York"))
    made = await created(client, as_role("sales"), wall_time="2027-07-01T15:00")
    assert (made["time_zone"], made["starts_at"]) == ("America/New_York", "2027-07-01T19:00:00Z")


async def test_a_time_that_does_not_exist_is_refused_with_the_next_one(client, as_role):
    body = call(wall_time="2027-03-28T02:30", time_zone="Europe/Rome")
    answer = await client.post(f"{URL}/activities", json=body, headers=as_role("sales"))
    assert problem(answer) == (422, [("/wall_time", "time_does_not_exist")])
    assert answer.json()["suggestion"] == "2027-03-28T03:00:00"


async def test_a_time_that_exists_twice_is_the_first(client, as_role):
    made = await created(client, as_role("sales"), wall_time="2027-10-31T02:30", time_zone="Europe/Rome")
    assert made["starts_at"] == "2027-10-31T00:30:00Z"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kind": "call", "subject": "x", "location": "Rome"}, "/location"),
        ({"kind": "task", "subject": "x", "outcome": "reached"}, "/outcome"),
        ({"kind": "note", "text": "x", "duration_minutes": 5}, "/duration_minutes"),
        ({"kind": "note", "text": "x", "wall_time": "2027-01-01T10:00"}, "/wall_time"),
        ({"kind": "note"}, "/text"),
        ({"kind": "call"}, "/subject"),
        ({"kind": "appointment", "subject": "x"}, "/wall_time"),
        ({"kind": "visit", "subject": "x"}, "/kind"),
        ({"kind": "call", "subject": "x", "colour": "red"}, "/colour"),
        ({"kind": "call", "subject": "x" * 300}, "/subject"),
        ({"kind": "note", "text": "x" * 200_001}, "/text"),
        ({"kind": "call", "subject": "x", "wall_time": "2027-01-01T10:00", "time_zone": "Mars/Base"}, "/time_zone"),
        ({"kind": "call", "subject": "x", "wall_time": "2027-01-01T10:00+01:00"}, "/wall_time"),
        ({"kind": "call", "subject": "x", "wall_time": "tomorrow"}, "/wall_time"),
        ({"kind": "call", "subject": "x", "wall_time": "2027-01-01"}, "/wall_time"),
        ({"kind": "note", "text": "x", "status": "planned"}, "/status"),
        ({"kind": "call", "subject": "x", "wall_time": "9999-12-31T23:59"}, "/wall_time"),
        ({"kind": "call", "subject": "x", "wall_time": "2027-01-01T10:00", "due_on": "2027-01-01"}, "/due_on"),
        ({"kind": "call", "subject": "x", "all_day": True}, ""),
        ({"kind": "call", "subject": "x", "reminders": [{"minutes_before": -1}]}, "/reminders/0/minutes_before"),
        ({"kind": "call", "subject": "x", "reminders": [{}]}, "/reminders/0"),
        ({"kind": "call", "subject": "x", "links": [{"object": "car", "id": str(uuid4())}]}, "/links/0/object"),
        ({"kind": "call", "subject": "x", "links": [{"object": "lead", "id": "7"}]}, "/links/0/id"),
        ({"kind": "call", "subject": "x", "links": None}, "/links"),
        ({"kind": "call", "subject": "x", "assignee_id": str(uuid4())}, "/assignee_id"),
        ({"kind": "call", "subject": "x", "status": "done", "wall_time": "2099-01-01T10:00"}, "/wall_time"),
    ],
)
async def test_wrong_input_names_the_field(client, as_role, body, pointer):
    answer = await client.post(f"{URL}/activities", json=body, headers=as_role("sales"))
    status, errors = problem(answer)
    assert status == 422, answer.text
    assert [each[0] for each in errors] == [pointer]


async def test_a_note_of_200000_characters_is_stored_and_shown(client, as_role):
    text = "è" * 200_000
    made = await client.post(f"{URL}/activities", json={"kind": "note", "text": text}, headers=as_role("sales"))
    assert made.status_code == 201
    shown = await client.get(f"{URL}/activities/{made.json()['id']}", headers=as_role("sales"))
    assert shown.json()["text"] == text
    assert shown.json()["subject"] == "Note"
    assert shown.json()["status"] == "done"


async def test_location_belongs_to_appointments(client, as_role):
    body = {"kind": "appointment", "subject": "Visit", "location": "Via Roma 1", "wall_time": "2027-05-01T10:00"}
    answer = await client.post(f"{URL}/activities", json=body, headers=as_role("sales"))
    assert answer.status_code == 201
    assert answer.json()["location"] == "Via Roma 1"


async def test_links_that_are_deleted_or_of_another_kind_are_refused(client, as_role, publish):
    gone, firm = account(is_deleted=True), account()
    await publish(gone, firm)
    links = [link(gone), {"object": "lead", "id": str(firm.state.id)}, link(firm)]
    answer = await client.post(f"{URL}/activities", json=call(links=links), headers=as_role("sales"))
    assert problem(answer) == (422, [("/links/0/id", "link_not_found"), ("/links/1/id", "link_not_found")])


async def test_a_record_that_has_not_arrived_yet_can_be_linked_and_shows_when_it_does(client, as_role, publish):
    firm = account()
    made = await created(client, as_role("sales"), links=[link(firm)])
    assert made["links"] == [{**link(firm), "label": None}]
    await publish(firm, times=2)
    shown = await client.get(f"{URL}/activities/{made['id']}", headers=as_role("read_only"))
    assert shown.json()["links"] == [{**link(firm), "label": "ACME S.p.A."}]


async def test_changes_need_the_version_that_was_read(client, as_role):
    made = await created(client, as_role("sales"))
    path, body = f"{URL}/activities/{made['id']}", {"subject": "Other"}
    assert (await client.patch(path, json=body, headers=as_role("sales"))).status_code == 428
    stale = await client.patch(path, json=body, headers={**as_role("sales"), "If-Match": '"7"'})
    assert (stale.status_code, stale.json()["current_version"]) == (412, 1)
    done = await client.patch(path, json=body, headers={**as_role("sales"), "If-Match": '"1"'})
    assert (done.status_code, done.headers["ETag"], done.json()["subject"]) == (200, '"2"', "Other")


async def test_a_change_that_changes_nothing_tells_nothing(client, as_role, emitted):
    made = await created(client, as_role("sales"), wall_time="2027-07-01T15:00", time_zone="Europe/Rome")
    body = {"subject": made["subject"], "wall_time": "2027-07-01T15:00", "links": []}
    answer = await client.patch(
        f"{URL}/activities/{made['id']}", json=body, headers={**as_role("sales"), "If-Match": '"1"'}
    )
    assert (answer.status_code, answer.json()["version"]) == (200, 1)
    assert await emitted(ActivityChanged) == []


async def test_somebody_elses_activity_can_be_read_but_not_changed(client, as_role):
    made = await created(client, as_role("sales"))
    other = as_role("sales", user_id=uuid4())
    assert (await client.get(f"{URL}/activities/{made['id']}", headers=other)).status_code == 200
    changed = await client.patch(
        f"{URL}/activities/{made['id']}", json={"subject": "x"}, headers={**other, "If-Match": '"1"'}
    )
    assert changed.status_code == 403
    assert (await client.post(f"{URL}/activities/{made['id']}/cancellation", headers=other)).status_code == 403
    assert (await client.post(f"{URL}/activities", json=call(), headers=as_role("read_only"))).status_code == 403
    assert (await client.get(f"{URL}/activities")).status_code == 401


async def test_a_manager_changes_what_the_team_has(client, as_role, publish):
    team = uuid4()
    await publish(user(SALES, team_ids=[team]))
    made = await created(client, as_role("sales"))
    path, body = f"{URL}/activities/{made['id']}", {"subject": "By the boss"}
    stranger = {**as_role("sales_manager", team_ids=[uuid4()]), "If-Match": '"1"'}
    boss = {**as_role("sales_manager", team_ids=[team]), "If-Match": '"1"'}
    assert (await client.patch(path, json=body, headers=stranger)).status_code == 403
    assert (await client.patch(path, json=body, headers=boss)).status_code == 200


async def test_completion_is_said_once(client, as_role):
    made = await created(client, as_role("sales"), wall_time="2027-07-01T15:00")
    path = f"{URL}/activities/{made['id']}/completion"
    done = await client.post(path, json={"outcome": "reached", "text": "ok"}, headers=as_role("sales"))
    assert (done.status_code, done.json()["status"], done.json()["outcome"]) == (200, "done", "reached")
    again = await client.post(path, json={}, headers=as_role("sales"))
    assert (again.status_code, again.json()["code"]) == (409, "activity_already_closed")


async def test_the_same_idempotency_key_records_once(client, as_role):
    headers = {**as_role("sales"), "Idempotency-Key": "abc"}
    first = await client.post(f"{URL}/activities", json=call(), headers=headers)
    again = await client.post(f"{URL}/activities", json=call(), headers=headers)
    other = await client.post(f"{URL}/activities", json=call(subject="Other"), headers=headers)
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["Idempotent-Replay"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_deleted_activity_is_gone_everywhere_at_once(client, as_role, publish):
    firm, prospect = account(), lead()
    await publish(firm, prospect)
    made = await created(client, as_role("sales"), links=[link(firm), link(prospect)])
    answer = await client.delete(f"{URL}/activities/{made['id']}", headers={**as_role("sales"), "If-Match": '"1"'})
    assert answer.status_code == 204
    assert (await client.get(f"{URL}/activities/{made['id']}", headers=as_role("sales"))).status_code == 404
    for event in (firm, prospect):
        assert (await timeline(client, as_role("sales"), event))["items"] == []


async def timeline(client: Any, headers: Any, event: Any, **params: Any) -> dict[str, Any]:
    answer = await client.get(f"{URL}/timeline", params={**link(event), **params}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def subjects(page: dict[str, Any]) -> list[str]:
    return [item["activity"]["subject"] for item in page["items"]]


async def test_a_timeline_shows_what_is_next_and_then_what_was_last(client, as_role, publish):
    firm = account()
    await publish(firm)
    for subject, values in {
        "was first": {"status": "done", "wall_time": "2020-01-01T10:00"},
        "later": {"wall_time": "2099-01-01T10:00"},
        "undated": {},
        "was last": {"status": "done", "wall_time": "2021-01-01T10:00"},
        "sooner": {"wall_time": "2098-01-01T10:00"},
    }.items():
        await created(client, as_role("sales"), subject=subject, links=[link(firm)], **values)
    whole = await timeline(client, as_role("sales"), firm)
    assert subjects(whole) == ["sooner", "later", "undated", "was last", "was first"]
    assert [item["part"] for item in whole["items"]] == ["planned"] * 3 + ["past"] * 2
    pages, cursor = [], None
    while True:
        page = await timeline(client, as_role("sales"), firm, limit=2, **({"cursor": cursor} if cursor else {}))
        pages += subjects(page)
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert pages == subjects(whole)
    done = await timeline(client, as_role("sales"), firm, filter="status:eq:done")
    assert subjects(done) == ["was last", "was first"]


async def test_a_broken_cursor_is_said(client, as_role, publish):
    firm = account()
    await publish(firm)
    params = {**link(firm), "cursor": "nonsense"}
    answer = await client.get(f"{URL}/timeline", params=params, headers=as_role("sales"))
    assert (answer.status_code, answer.json()["code"]) == (400, "cursor_invalid")


async def test_a_contacts_activity_is_on_the_account_once_and_says_through_whom(client, as_role, publish):
    firm = account()
    person, other = contact(firm.state.id), contact(firm.state.id, first_name="Aldo")
    await publish(firm, person, other)
    await created(client, as_role("sales"), links=[link(person), link(other)])
    [entry] = (await timeline(client, as_role("sales"), firm))["items"]
    assert entry["via"]["label"] in ("Maria Rossi", "Aldo Rossi")
    assert len((await timeline(client, as_role("sales"), person))["items"]) == 1


async def test_an_explicit_account_wins_over_the_contacts(client, as_role, publish):
    firm, employer = account(), account("Employer")
    person = contact(employer.state.id)
    await publish(firm, employer, person)
    await created(client, as_role("sales"), links=[link(firm), link(person)])
    assert len((await timeline(client, as_role("sales"), firm))["items"]) == 1
    assert (await timeline(client, as_role("sales"), employer))["items"] == []


async def test_changed_links_move_the_entries(client, as_role, publish):
    one, two = account(), account()
    person = contact(two.state.id)
    await publish(one, two, person)
    made = await created(client, as_role("sales"), links=[link(one)])
    answer = await client.patch(
        f"{URL}/activities/{made['id']}",
        json={"links": [link(person)]},
        headers={**as_role("sales"), "If-Match": '"1"'},
    )
    assert answer.status_code == 200, answer.text
    assert (await timeline(client, as_role("sales"), one))["items"] == []
    assert len((await timeline(client, as_role("sales"), two))["items"]) == 1


async def test_last_contact_counts_calls_that_took_place_and_not_tasks(client, as_role, publish):
    firm = account()
    await publish(firm, user(SALES))
    await created(client, as_role("sales"), subject="Plan", kind="task", due_on="2099-01-01", links=[link(firm)])
    path = f"{URL}/timeline/summary"
    before = (await client.get(path, params=link(firm), headers=as_role("sales"))).json()
    assert (before["last_activity"], before["next_planned"]["subject"]) == (None, "Plan")
    await created(
        client, as_role("sales"), subject="Talk", status="done", wall_time="2025-01-01T10:00", links=[link(firm)]
    )
    after = (await client.get(path, params=link(firm), headers=as_role("sales"))).json()["last_activity"]
    assert (after["subject"], after["kind"], after["user_name"]) == ("Talk", "call", "Ada Test")
    assert after["at"] == "2025-01-01T09:00:00Z"


async def test_the_agenda_is_by_the_persons_own_calendar(client, as_role, publish):
    await publish(user(SALES, "Pacific/Auckland"))
    for subject, day in {"old": "2020-01-01", "far": "2099-06-01"}.items():
        await created(client, as_role("sales"), subject=subject, kind="task", due_on=day)
    agenda = (await client.get(f"{URL}/agenda", headers=as_role("sales"))).json()
    await created(client, as_role("sales"), subject="now", kind="task", due_on=agenda["today_is"])
    agenda = (await client.get(f"{URL}/agenda", headers=as_role("sales"))).json()
    assert agenda["time_zone"] == "Pacific/Auckland"
    assert [item["activity"]["subject"] for item in agenda["overdue"]] == ["old"]
    assert [item["activity"]["subject"] for item in agenda["today"]] == ["now"]
    assert agenda["upcoming"] == []
    span = {"from": "2099-05-01", "to": "2099-06-30"}
    far = (await client.get(f"{URL}/agenda", params=span, headers=as_role("sales"))).json()
    assert [item["activity"]["subject"] for item in far["upcoming"]] == ["far"]


@pytest.mark.parametrize(
    "span", [{"from": "2027-02-01", "to": "2027-01-01"}, {"from": "9999-12-31"}, {"to": "9999-12-31"}]
)
async def test_an_impossible_span_is_refused(client, as_role, span):
    assert (await client.get(f"{URL}/agenda", params=span, headers=as_role("sales"))).status_code == 422
