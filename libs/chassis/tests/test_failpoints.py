"""A failpoint ends the process at its n-th hit and costs nothing otherwise."""

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import chassis
from chassis import failpoints

HITS = """
from chassis.failpoints import failpoint
for number in range(5):
    failpoint("relay.after_send")
    print(number, flush=True)
"""


def _run(**environment: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MERIDIAN_")}
    return subprocess.run(
        [sys.executable, "-c", HITS], env=clean | environment, capture_output=True, text=True, timeout=60
    )


def test_the_third_hit_kills_the_process() -> None:
    ended = _run(MERIDIAN_FAILPOINTS="relay.after_send=3")
    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, "0\n1\n")
    assert ended.stderr == "failpoint relay.after_send\n"


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"MERIDIAN_FAILPOINTS": "relay.after_delete=1"},
        {"MERIDIAN_FAILPOINTS": "relay.after_send=3", "MERIDIAN_ENVIRONMENT": "production"},
    ],
    ids=["unset", "another", "production"],
)
def test_otherwise_nothing_happens(environment: dict[str, str]) -> None:
    ended = _run(**environment)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "0\n1\n2\n3\n4\n", "")


@pytest.mark.parametrize("text", ["relay.after_lunch=1", "relay.after_send=0", "relay.after_send=often"])
def test_an_unknown_failpoint_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        failpoints.arm({failpoints.VARIABLE: text})
    failpoints.arm({})


def test_the_names_are_exactly_those_in_the_code() -> None:
    sources = Path(str(chassis.__file__)).parent.rglob("*.py")
    calls = [node for path in sources for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    used = [
        ast.literal_eval(call.args[0])
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "failpoint"
    ]
    assert sorted(used) == sorted(failpoints.NAMES)
