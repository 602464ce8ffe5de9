"""The operators' commands' own sense: what is a difference, what an edge means, what is said."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
import typer
from typer.testing import CliRunner

from meridian.app import app
from meridian.client.connection import Bearer, Connection
from meridian.client.place import Place
from meridian.operator.bootstrap import compare
from meridian.operator.jobs import in_words
from meridian.operator.outbox import line
from meridian.operator.reach import everywhere, holder_of
from meridian.operator.replay import Into, edge, lines, say
from meridian.operator.show import duration


def test_a_replica_is_compared_by_versions() -> None:
    owned = {"same": (3, False), "missing": (1, False), "gone": (4, True), "older": (5, False), "newer": (1, False)}
    kept = {"same": 3, "older": 4, "newer": 2, "stranger": 1, "placeholder": 0}
    found = compare(kept, owned)
    assert (found.behind, found.ahead) == ({"missing": 1, "older": 5}, {"newer": 2, "stranger": 1})


def test_what_arrives_between_two_looks_is_no_difference() -> None:
    found = compare({"a": 1, "late": 7}, {"a": (2, False), "late": (6, False), "lost": (1, False)})
    assert found.differences() == 3
    found.look_again({"a": 2, "late": 9}, {"a": (3, False), "late": (9, False), "lost": (1, False)})
    assert (found.behind, found.ahead, found.looks) == ({"lost": 1}, {}, 2)
    found.look_again({}, {"lost": (2, True)})
    assert found.differences() == 0, "it was deleted meanwhile"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("start", "start"),
        ("end", "end"),
        ("1200", 1200),
        ("2026-11-23T18:00+01:00", "2026-11-23T17:00:00+00:00"),
    ],
)
def test_the_edges_of_a_replay(text: str, meant: str | int) -> None:
    assert edge(text) == meant


def test_an_edge_may_be_so_long_ago() -> None:
    moment = datetime.fromisoformat(str(edge("2h")))
    assert abs(datetime.now(UTC) - timedelta(hours=2) - moment) < timedelta(minutes=1)


def test_an_edge_that_is_nothing_ends_the_command() -> None:
    with pytest.raises(typer.Exit):
        edge("yesterday")


DIFFERENT = {"count": 2, "keys": ["k1", "k2"], "columns": ["label"]}


def test_rows_that_are_newer_live_are_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    harmless = {"record_replicas": {"rows": 5, "newer_live": DIFFERENT}}
    say({"chosen": 9, "read": 9, "refused": 0, "differences": harmless}, Into.SHADOW)
    assert "are what the records say" in capsys.readouterr().out
    wrong = {"record_replicas": {"rows": 5, "different": DIFFERENT}}
    with pytest.raises(typer.Exit) as end:
        say({"chosen": 9, "read": 9, "refused": 1, "differences": wrong}, Into.SHADOW)
    assert end.value.exit_code == 3
    (row,) = lines(wrong)
    assert (row["rows"], row["columns"], row["what"]) == (2, "label", "same version, other content")


def test_shards_that_nobody_sends_are_counted() -> None:
    leases = [{"owner": "abcdefghij", "shards": [0, 1]}, {"owner": None, "shards": [2, 3, 4]}]
    shown = line({"service": "leads", "waiting": 7, "oldest_seconds": 75.0, "leases": leases})
    assert (shown["oldest"], shown["relays"], shown["shards_without_relay"]) == ("1 min", 1, 3)


@pytest.mark.parametrize(("seconds", "said"), [(0.2, "0.2 s"), (90, "2 min"), (7200, "2 h"), (200_000, "2 d")])
def test_ages_are_short(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_progress_in_words() -> None:
    assert in_words({"read": 400, "of": 900, "chosen": 12}) == "read 400 of 900, chosen 12"


def connection_to(answers: dict[str, Any]) -> Connection:
    def answer(request: httpx2.Request) -> httpx2.Response:
        service = request.url.path.split("/")[2]
        status, body = answers.get(service, (200, []))
        return httpx2.Response(status, json=body)

    place = Place("http://crm.test", "token")
    transport = httpx2.MockTransport(answer)
    return Connection(place, httpx2.Client(base_url=place.url, auth=Bearer(place), transport=transport))


def test_a_key_is_found_wherever_it_is_parked() -> None:
    assert holder_of(connection_to({"dedup": (200, [{"key": "k"}])}), "", "k") == "dedup"


@pytest.mark.parametrize("answers", [{}, {"dedup": (200, [{}]), "leads": (200, [{}])}])
def test_a_key_that_is_nowhere_or_in_two_places_ends_the_command(answers: dict[str, Any]) -> None:
    with pytest.raises(typer.Exit):
        holder_of(connection_to(answers), "", "k")


def test_a_service_without_such_routes_is_passed_over() -> None:
    asked = [name for name, _ in everywhere(connection_to({"dedup": (404, {"title": "no"})}), "", "parked")]
    assert "leads" in asked and "dedup" not in asked


@pytest.mark.parametrize(
    "words",
    [
        ["parked", "retry", "k"],
        ["parked", "drop", "k"],
        ["bootstrap", "dedup"],
        ["quarantine", "retry", "1", "--service", "dedup"],
    ],
)
def test_a_change_needs_a_reason(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MERIDIAN_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("MERIDIAN_TOKEN", "token")
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2 and "reason" in result.output.lower()


def test_a_service_that_does_not_exist_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MERIDIAN_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("MERIDIAN_TOKEN", "token")
    result = CliRunner().invoke(app, ["bootstrap", "crm", "--check-only"])
    assert result.exit_code == 2 and "notifications" in result.output
