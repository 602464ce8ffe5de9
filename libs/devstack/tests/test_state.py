import json
import stat
from pathlib import Path

import pytest

from devstack import databases, state
from devstack.discovery import Found, services
from devstack.environment import of_service
from devstack.processes import ServerFailed
from devstack.state import AlreadyRunning, Local, Run, Secrets


def a_checkout(root: Path, *names: str) -> Path:
    for name in names:
        package = root / "services" / name / "src" / name
        (package / "migrations").mkdir(parents=True)
        (root / "services" / name / "pyproject.toml").touch()
        (package / "service.py").touch()
    return root


def test_a_second_start_learns_where_the_first_one_is(tmp_path: Path) -> None:
    local = Local(tmp_path)
    with state.lock(local):
        Run(pid=4711, address="http://127.0.0.1:8000", ready=True).save(local)
        with pytest.raises(AlreadyRunning, match=r"http://127\.0\.0\.1:8000 \(process 4711\)"):
            state.lock(local)
        found = state.running(local)
        assert found is not None and found.pid == 4711
    assert state.running(local) is None


def test_a_note_left_by_a_killed_stack_is_not_believed(tmp_path: Path) -> None:
    local = Local(tmp_path)
    with state.lock(local):
        Run(pid=4711).save(local)
    assert state.running(local) is None
    with state.lock(local):
        assert not (local.folder / "run.json").exists()


def test_secrets_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    local = Local(tmp_path)
    local.folder.mkdir()
    first = Secrets(local)["postgres"]
    assert Secrets(local)["postgres"] == first
    assert Secrets(local)["session"] != first
    assert stat.S_IMODE((local.folder / "secrets.json").stat().st_mode) == 0o600


def test_services_are_found_by_their_folders(tmp_path: Path) -> None:
    a_checkout(tmp_path, "leads", "campaigns")
    (tmp_path / "services" / "notes").mkdir()
    assert [found.name for found in services(tmp_path)] == ["campaigns", "leads"]


def test_the_environment_of_a_service_is_ours_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MERIDIAN_PORT", "9999")
    monkeypatch.setenv("MERIDIAN_STRANGE", "1")
    a_checkout(tmp_path, "identity", "leads")
    local = Local(tmp_path)
    local.folder.mkdir()
    everyone, secrets = services(tmp_path), Secrets(local)
    run = Run(1, postgres_url="postgresql://meridian:x@127.0.0.1:5555/postgres", kafka="127.0.0.1:9000")
    run.ports = {"identity": 8100, "leads": 8101}
    identity, leads = (of_service(found, everyone, run, secrets) for found in everyone)
    assert leads["MERIDIAN_PORT"] == "8101"
    assert "MERIDIAN_STRANGE" not in leads
    assert leads["MERIDIAN_DATABASE_URL"].startswith("postgresql+asyncpg://meridian_leads:")
    assert leads["MERIDIAN_DATABASE_URL"].endswith("@127.0.0.1:5555/meridian_leads")
    assert json.loads(leads["MERIDIAN_SERVICE_URLS"])["identity"] == "http://127.0.0.1:8100"
    assert json.loads(identity["MERIDIAN_SERVICE_CLIENTS"])["leads"] == leads["MERIDIAN_CLIENT_SECRET"]
    assert "MERIDIAN_ADMIN_PASSWORD" not in leads


def test_a_service_without_migrations_has_no_database(tmp_path: Path) -> None:
    a_checkout(tmp_path, "gateway")
    (tmp_path / "services/gateway/src/gateway/migrations").rmdir()
    local = Local(tmp_path)
    local.folder.mkdir()
    (gateway,) = services(tmp_path)
    settings = of_service(gateway, [gateway], Run(1, ports={"gateway": 8000}), Secrets(local))
    assert settings["MERIDIAN_DATABASE_URL"] == ""
    assert settings["MERIDIAN_SESSION_SECRET"]


def test_existing_servers_come_from_the_environment() -> None:
    given = state.overrides({"MERIDIAN_KAFKA": "kafka.example:9092", "MERIDIAN_PORT": "8080"})
    assert given == {"postgres": None, "kafka": "kafka.example:9092", "smtp": None, "port": 8080}
    assert state.overrides({"MERIDIAN_PORT": ""})["port"] is None


@pytest.mark.parametrize("port", ["http", "-1", "0", "65536", "80.5"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(ServerFailed, match=f"MERIDIAN_PORT={port} is not a port"):
        state.overrides({"MERIDIAN_PORT": port})


def test_a_password_with_odd_letters_survives_the_url() -> None:
    url = databases.service_url("postgresql://boss@db.example/postgres", "leads", "a/b:c@d")
    assert url == "postgresql+asyncpg://meridian_leads:a%2Fb%3Ac%40d@db.example:5432/meridian_leads"


def test_has_database_follows_the_folder(tmp_path: Path) -> None:
    a_checkout(tmp_path, "leads")
    assert Found("leads", tmp_path / "services" / "leads").has_database
