"""Ten seconds of faults on real processes and servers, so that neither the rig nor the backbone rots between long runs.

One run, one test per invariant: what it promises was not broken, and there was something to break.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SEED = 17

pytestmark = pytest.mark.timeout(480)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    results = tmp_path_factory.mktemp("chaos")
    command = [sys.executable, "-m", "chaos", "--quick", "--seed", str(SEED), "--results", str(results)]
    ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert (results / f"chaos-{SEED}.json").exists(), ended.stdout
    found: dict[str, Any] = json.loads((results / f"chaos-{SEED}.json").read_text())
    assert ended.returncode == (1 if found["first_violations"] else 0), ended.stdout
    return found


def broken(record: dict[str, Any], *rules: str) -> list[Any]:
    return [each for each in record["first_violations"] if each["rule"] in rules]


def test_i01_no_committed_event_is_lost(record: dict[str, Any]) -> None:
    assert record["figures"]["transactions acknowledged"] > 10
    assert broken(record, "an acknowledged commit is in the database", "a committed event is on its topic") == []


def test_i02_no_event_without_a_commit(record: dict[str, Any]) -> None:
    assert record["figures"]["transactions aborted"] > 1
    assert broken(record, "a published event was committed", "an effect has a committed event") == []


def test_i03_first_occurrences_are_in_order(record: dict[str, Any]) -> None:
    assert broken(record, "first occurrences of a key are 1, 2, 3, …", "a key stays in one partition") == []


def test_i04_repeats_are_identical(record: dict[str, Any]) -> None:
    assert broken(record, "duplicates are identical in every byte", "what is published is what was committed") == []


def test_i05_one_effect_per_event_in_order(record: dict[str, Any]) -> None:
    assert record["figures"]["effects"] > 10
    rules = ("a committed event has its effect", "an event has its effect once", "an effect publishes one event")
    assert broken(record, *rules, "effects of a key come in order") == []


def test_i06_replicas_converge(record: dict[str, Any]) -> None:
    assert broken(record, "the replica equals the owner", "a replica never goes back") == []
    assert record["figures"]["nothing waits any more after"] != "never"


def test_i08_what_cannot_be_decoded_is_kept_and_stops_nothing(record: dict[str, Any]) -> None:
    assert record["figures"]["records quarantined"] > 0
    rules = ("an undecodable record is in the quarantine", "only undecodable records are in the quarantine")
    assert broken(record, *rules) == []


def test_i19_what_is_due_fires_once_and_never_early(record: dict[str, Any]) -> None:
    assert record["figures"]["due rows fired"] > 0
    assert broken(record, "a due row is fired", "a due row is fired once and not before its time") == []


def test_nothing_at_all_was_broken_by_many_kinds_of_faults(record: dict[str, Any]) -> None:
    assert record["violations"] == {"lost": 0, "phantom": 0, "wrong": 0, "out of order": 0}, record["first_violations"]
    assert len(record["injected"]) >= 8, record["injected"]
