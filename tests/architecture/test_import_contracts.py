"""Each import contract of the root pyproject.toml is broken on purpose, and lint-imports has to say so."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, SERVICES, package_folders

CONTRACTS = {
    1: "Services never import each other",
    2: "Services stand on the chassis",
    3: "Inside every service the same modules",
    4: "Rules know no framework",
    5: "The chassis knows no business event",
    6: "Contracts depend on pydantic only",
    7: "Only the chassis touches Kafka",
    8: "The matching engine knows nothing of the CRM",
}

VIOLATIONS = [
    pytest.param(1, "accounts.queries", "import leads.domain", id="a service imports another"),
    pytest.param(1, "accounts.commands", "def later():\n    import dedup.models", id="the same inside a function"),
    pytest.param(2, "chassis.errors", "import accounts.domain", id="the chassis imports a service"),
    pytest.param(2, "contracts.event", "import chassis.errors", id="contracts import the chassis"),
    pytest.param(3, "leads.models", "import leads.commands", id="a model imports a command"),
    pytest.param(3, "leads.queries", "import leads.commands", id="a query imports a command"),
    pytest.param(3, "leads.api", "import leads.consumers", id="the API imports a consumer"),
    pytest.param(3, "leads.domain", "import leads.models", id="a rule imports a model"),
    pytest.param(3, "leads.utils", "", id="a module with a name outside the seven"),
    pytest.param(4, "activities.domain", "import sqlalchemy", id="a rule imports SQLAlchemy"),
    pytest.param(4, "dedup.domain", "import chassis.errors", id="a rule imports the chassis"),
    pytest.param(5, "chassis.errors", "import contracts.accounts", id="the chassis imports an event"),
    pytest.param(6, "contracts.event", "import sqlalchemy", id="contracts import SQLAlchemy"),
    pytest.param(7, "notifications.consumers", "import aiokafka", id="a service imports aiokafka"),
    pytest.param(7, "chassis.relay", "import aiokafka", id="a second module of the chassis imports aiokafka"),
    pytest.param(7, "meridian", "import aiokafka", id="the command imports aiokafka"),
    pytest.param(8, "matching.table", "import chassis.errors", id="the matching engine imports the chassis"),
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of every package, flat in one folder, beside the root pyproject.toml."""
    copy = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in package_folders():
        shutil.copytree(package, copy / package.name, ignore=shutil.ignore_patterns("__pycache__", "templates"))
    return copy


def file_of(house: Path, module: str) -> Path:
    path = house.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def broken_contracts(house: Path) -> set[int]:
    """Numbers of the contracts that lint-imports calls broken; its output when it could not judge at all."""
    judged = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--cache-dir", house / ".cache"],
        cwd=house,
        env={**os.environ, "PYTHONPATH": str(house)},
        capture_output=True,
        text=True,
    )
    verdicts = dict(re.findall(r"^(\d) .*?(KEPT|BROKEN)", judged.stdout, re.MULTILINE))
    assert len(verdicts) == len(CONTRACTS), judged.stdout + judged.stderr
    assert judged.returncode == (1 if "BROKEN" in verdicts.values() else 0)
    return {int(number) for number, verdict in verdicts.items() if verdict == "BROKEN"}


def test_the_contracts_are_kept(house: Path) -> None:
    assert broken_contracts(house) == set()


@pytest.mark.parametrize(("contract", "module", "code"), VIOLATIONS)
def test_a_violation_is_reported(house: Path, contract: int, module: str, code: str) -> None:
    path = file_of(house, module)
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.write_text(f"{before or ''}\n{code}\n", encoding="utf-8")
    try:
        assert contract in broken_contracts(house), f"{CONTRACTS[contract]}: {module} with {code!r} passed"
    finally:
        path.unlink() if before is None else path.write_text(before, encoding="utf-8")


def test_every_contract_has_a_violation() -> None:
    assert {violation.values[0] for violation in VIOLATIONS} == set(CONTRACTS)


def test_every_service_is_in_every_list() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    contracts = {contract["id"]: contract for contract in tools["importlinter"]["contracts"]}
    assert contracts["services-are-strangers"]["modules"] == SERVICES
    assert contracts["inside-a-service"]["containers"] == SERVICES
    assert contracts["services-chassis-contracts"]["layers"][0].split(" : ") == SERVICES
    assert set(SERVICES) < set(tools["importlinter"]["root_packages"])
    assert set(SERVICES) < set(tools["ruff"]["lint"]["isort"]["known-first-party"])
    assert {f"services/{name}/src" for name in SERVICES} < set(tools["mypy"]["mypy_path"])
