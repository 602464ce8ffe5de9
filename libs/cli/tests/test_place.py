"""Which Meridian is meant, and who asks."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from devstack import state
from devstack.state import Local, Run
from meridian.client import place as module
from meridian.client.place import Place, kafka_address, place


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Local:
    local = Local(tmp_path)
    monkeypatch.setattr(module, "here", lambda: local)
    for name in ("MERIDIAN_TOKEN", "MERIDIAN_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    return local


@pytest.fixture
def running(folder: Local) -> Iterator[Run]:
    folder.folder.mkdir()
    (folder.folder / "secrets.json").write_text(json.dumps({"admin": "a-secret", "demo": "d-secret"}))
    run = Run(pid=1, address="http://127.0.0.1:8000", ready=True, kafka="127.0.0.1:9092")
    held = state.lock(folder)
    run.save(folder)
    yield run
    held.close()


def test_the_local_stack_needs_no_words(running: Run) -> None:
    assert place() == Place("http://127.0.0.1:8000", email="admin@meridian.example", password="a-secret")
    assert kafka_address("") == "127.0.0.1:9092"


def test_a_demo_user_has_the_demo_password(running: Run) -> None:
    assert place(email="marco@demo.meridian.example").password == "d-secret"


def test_the_environment_says_who(running: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MERIDIAN_PASSWORD", "other")
    assert place("https://crm.example/", "me@example.com") == Place(
        "https://crm.example", email="me@example.com", password="other"
    )
    monkeypatch.setenv("MERIDIAN_TOKEN", "token")
    assert place("https://crm.example").token == "token"


def test_nothing_runs_and_nothing_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        place()
    assert "make up" in capsys.readouterr().err
    with pytest.raises(typer.Exit):
        kafka_address("")
    assert kafka_address("kafka:9092") == "kafka:9092"


def test_secrets_of_the_local_stack_go_nowhere_else(running: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        place("https://crm.example")
    assert "MERIDIAN_TOKEN" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "is_local"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost", True),
        ("http://[::1]:8000/x", True),
        ("https://crm.example", False),
        ("http://127.0.0.1.crm.example:80", False),
    ],
)
def test_this_machine_is_known(url: str, is_local: bool) -> None:
    assert Place(url).is_local is is_local
