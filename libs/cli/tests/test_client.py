"""The commands' own sense: columns, durations, wall times, what is shown."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import typer
from typer.testing import CliRunner

from contracts.catalogue import TOPICS
from contracts.examples import examples
from devstack.watching import Record
from meridian.app import app
from meridian.client.connection import Bearer, Connection
from meridian.client.duplicates import reasons_of, summary
from meridian.client.events import line
from meridian.client.follow_up import duration, plan, some_account
from meridian.client.imports import follow, mapping_of, report, upload
from meridian.client.place import Place


@pytest.mark.parametrize(
    ("options", "mapping"),
    [
        (["Site name=name", "Zip=billing.postal_code"], {"Site name": "name", "Zip": "billing.postal_code"}),
        (["a=b=email"], {"a=b": "email"}),
        (["Phone = phone"], {"Phone ": "phone"}),
    ],
)
def test_columns_are_mapped(options: list[str], mapping: dict[str, str]) -> None:
    assert mapping_of(options) == mapping


@pytest.mark.parametrize("option", ["name", "=name", "Name=", "Name= "])
def test_a_mapping_without_sense_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as end:
        mapping_of([option])
    assert end.value.exit_code == 2
    assert "Column=field" in capsys.readouterr().err


def test_only_two_ways_to_treat_duplicates(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("name\nA\n")
    result = CliRunner().invoke(app, ["import", "accounts", str(file), "--duplicates", "maybe"])
    assert result.exit_code == 2 and "rule or alert" in result.output


def test_a_missing_file_is_said() -> None:
    result = CliRunner().invoke(app, ["import", "accounts", "nowhere.csv"])
    assert result.exit_code == 2 and "nowhere.csv" in result.output


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1m", timedelta(minutes=1)), ("2H", timedelta(hours=2)), ("3d", timedelta(days=3)), ("1w", timedelta(weeks=1))],
)
def test_durations(text: str, expected: timedelta) -> None:
    assert duration(text) == expected


@pytest.mark.parametrize("text", ["", "1", "m", "1y", "-1m", "1.5h", "999999m"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(typer.Exit):
        duration(text)


def test_a_call_is_planned_on_the_persons_own_clock() -> None:
    call = plan("Europe/Rome", datetime(2026, 7, 1, 12, 0, tzinfo=UTC), "Ask", "a1", 5)
    assert (call["wall_time"], call["time_zone"]) == ("2026-07-01T14:00", "Europe/Rome")
    assert call["links"] == [{"object": "account", "id": "a1"}]
    assert call["reminders"] == [{"minutes_before": 5}]


def test_a_call_is_never_earlier_than_asked_for() -> None:
    assert plan("UTC", datetime(2026, 7, 1, 12, 0, 1, tzinfo=UTC), "Ask", "a1", 0)["wall_time"] == "2026-07-01T12:01"


def reason(verdict: str, field: str, detail: str = "") -> dict[str, str]:
    return {"verdict": verdict, "field": field, "detail": detail}


def test_reasons_are_told_once_and_the_decisive_ones_first() -> None:
    found = {
        "members": [
            {
                "reasons": [
                    reason("contradicts", "city", "Roma and Milano"),
                    reason("supports", "name", "[nearly] same"),
                ]
            },
            {"reasons": [reason("decisive", "tax_number"), reason("supports", "name", "[nearly] same")]},
        ]
    }
    told = reasons_of(found)
    assert len(told) == 3
    assert "tax_number" in told[0] and "city: Roma and Milano" in told[2]
    assert "\\[nearly]" in told[1]


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ({"items": []}, "No duplicates"),
        ({"items": [1], "total": 7}, "1 of 7 sets"),
        ({"items": [1], "total": None}, "1 sets"),
    ],
)
def test_how_many_there_are(page: dict[str, Any], words: str) -> None:
    assert words in summary(page)


def talking_to(answers: dict[str, Any], sent: list[httpx2.Request]) -> Connection:
    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        given = answers[f"{request.method} {request.url.path}"]
        found = given.pop(0) if isinstance(given, list) else given
        return httpx2.Response(200, **({"content": found} if isinstance(found, bytes) else {"json": found}))

    place = Place("http://crm.test", "token")
    return Connection(
        place, httpx2.Client(base_url=place.url, auth=Bearer(place), transport=httpx2.MockTransport(answer))
    )


def view(**changes: Any) -> dict[str, Any]:
    counts = {"total": 3, "processed": 0, "created": 0, "duplicate": 0, "failed": 0}
    return {"id": "i1", "filename": "a.csv", "status": "running", "header": ["Name"], "mapping": {}} | counts | changes


def test_an_import_is_sent_and_followed_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("meridian.client.imports.time.sleep", lambda seconds: None)
    file = tmp_path / "a.csv"
    file.write_text("Name\nA\nB\nC\n")
    end = view(status="completed", processed=3, created=1, duplicate=1, failed=1)
    sent: list[httpx2.Request] = []
    connection = talking_to(
        {
            "POST /api/accounts/v1/imports": view(status="pending"),
            "GET /api/accounts/v1/imports/i1": [view(processed=1), end],
            "GET /api/accounts/v1/imports/i1/errors.csv": b"row,reason\n",
        },
        sent,
    )
    started = upload(connection, file, {"object": "accounts", "mapping": json.dumps({"Name": "name"})})
    finished = follow(connection, started)
    report(connection, finished, tmp_path / "a.errors.csv")
    body = sent[0].read()
    assert b'name="mapping"' in body and b'filename="a.csv"' in body and b"Name\nA\n" in body
    assert (tmp_path / "a.errors.csv").read_bytes() == b"row,reason\n"
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("created", "duplicate", "failed", "total", "a.errors.csv"))


def test_an_import_that_failed_ends_with_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failed = view(status="failed", problem="The file is no table.")
    with pytest.raises(typer.Exit) as end:
        report(talking_to({}, []), failed, tmp_path / "errors.csv")
    assert end.value.exit_code == 1
    assert "The file is no table." in capsys.readouterr().err


def test_without_an_account_the_surest_duplicate_is_called() -> None:
    sets = {"items": [{"members": [{"object": "lead", "id": "l1"}, {"object": "account", "id": "a7"}]}]}
    answers: dict[str, Any] = {"GET /api/dedup/v1/duplicate-sets": sets}
    assert some_account(talking_to(answers, [])) == "a7"
    answers = {
        "GET /api/dedup/v1/duplicate-sets": {"items": []},
        "GET /api/accounts/v1/accounts": {"items": [{"id": "a1"}]},
    }
    assert some_account(talking_to(answers, [])) == "a1"


@pytest.mark.parametrize(("type_", "record"), list(examples()), ids=[type_ for type_, _ in examples()])
def test_every_event_is_shown_in_a_line(type_: str, record: dict[str, Any]) -> None:
    headers = [(name, value.encode()) for name, value in record["headers"].items()]
    shown = line(Record(record["topic"], 0, 1, headers, json.dumps(record["data"]).encode()))
    assert type_ in shown and record["key"] in shown


def test_a_record_that_is_no_event_is_shown_as_such() -> None:
    assert "is no event" in line(Record("crm.accounts.account", 3, 14, [], b"{"))


def test_watching_a_topic_that_does_not_exist_names_those_that_do() -> None:
    result = CliRunner().invoke(app, ["events", "--topic", "nothing", "--kafka", "127.0.0.1:9"])
    assert result.exit_code == 1
    assert all(topic.name in result.output.replace("\n", "") for topic in TOPICS)
