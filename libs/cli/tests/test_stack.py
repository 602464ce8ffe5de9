"""up, down, status and mail of a checkout, without starting one: that is tested where the supervisor is."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from devstack import state
from devstack.state import Local, Run
from meridian import stack
from meridian.app import app


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Local:
    monkeypatch.setattr(stack, "here", lambda: Local(tmp_path))
    return Local(tmp_path)


HOLDER = """
import pathlib, sys, time
from devstack import state
local = state.Local(pathlib.Path(sys.argv[1]))
held = state.lock(local)
state.Run(pid=int(__import__("os").getpid()), address="http://127.0.0.1:8000", ready=True).save(local)
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def other(local: Local) -> Iterator["subprocess.Popen[bytes]"]:
    """Another process that holds the checkout as a running stack does."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(local.root)], stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.wait()


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output


def test_nothing_runs(local: Local) -> None:
    assert run("down") == (0, "Meridian is not running.\n")
    assert run("status") == (1, "Meridian is not running.\n")


def test_a_second_up_says_where_the_first_one_is(other: "subprocess.Popen[bytes]") -> None:
    assert run("up") == (0, f"Meridian is running at http://127.0.0.1:8000 (process {other.pid}).\n")


def test_status_names_the_address_and_processes_that_are_gone(local: Local, other: "subprocess.Popen[bytes]") -> None:
    note = Run(other.pid, "http://127.0.0.1:8000", True, "postgresql://boss:secret@127.0.0.1:5555/postgres")
    note.pids, note.ports = {"leads": 2**22, "accounts": os.getpid()}, {"leads": 1}
    note.save(local)
    code, output = run("status")
    assert code == 0
    assert "ready at http://127.0.0.1:8000" in output
    assert "secret" not in output
    leads, accounts = output.splitlines()[-2:]
    assert leads.split()[:4] == ["leads", str(2**22), "1", "ended"]
    assert accounts.split()[2] == "ready"


def test_down_ends_the_stack_and_waits_for_it(local: Local, other: "subprocess.Popen[bytes]") -> None:
    # Somebody must take note of the end, or the process stays as a zombie of this one.
    threading.Thread(target=other.wait, daemon=True).start()
    assert run("down") == (0, "Meridian is stopped.\n")
    assert state.running(local) is None


def test_mail_lists_what_was_caught(local: Local) -> None:
    assert run("mail") == (0, "No mail yet.\n")
    local.mail.mkdir(parents=True)
    text = "From: crm@meridian.example\r\nTo: anna@meridian.example\r\nSubject: Call Roma Srl\r\n\r\nNow."
    (local.mail / "1.eml").write_text(text)
    code, output = run("mail")
    assert code == 0
    assert "crm@meridian.example -> anna@meridian.example" in output
    assert "Call Roma Srl" in output
    assert "1 mails in" in output


def test_an_unknown_log_is_said(local: Local) -> None:
    code, output = run("logs", "nobody")
    assert code == 1
    assert "There is no log" in output


def test_a_short_path_is_relative_to_the_working_folder() -> None:
    assert stack.short(Path.cwd() / ".local" / "mail") == Path(".local/mail")
    assert stack.short(Path("/elsewhere/mail")) == Path("/elsewhere/mail")
