"""A generated service takes its place in a copy of the repository and passes its own tests on real PostgreSQL."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from meridian import new_service
from meridian.new_service import NotPossible, names_of

BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources, with a service `campaigns` made in it."""
    copy = tmp_path_factory.mktemp("checkout")
    tracked = subprocess.run(
        ["git", "ls-files", "-zco", "--exclude-standard"], cwd=new_service.ROOT, capture_output=True, check=True
    )
    for name in tracked.stdout.decode().split("\0"):
        if name and (new_service.ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(new_service.ROOT / name, copy / name)
    changed = new_service.make(copy, names_of("campaigns", None))
    run(copy, BIN / "ruff", "check", "--quiet", "--select", "I", "--fix", *changed)
    run(copy, BIN / "ruff", "format", "--quiet", *changed)
    run(copy, BIN / "python", "-m", "contracts.schemas", "write")
    run(copy, "git", "init", "--quiet")
    run(copy, "git", "add", "--all")
    return copy


def run(checkout: Path, *command: str | Path) -> str:
    sources = [str(path) for path in sorted(checkout.glob("*/*/src"))]
    done = subprocess.run(
        [str(part) for part in command],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sources)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_it_passes_the_linters(checkout: Path) -> None:
    run(checkout, BIN / "ruff", "check", "services/campaigns", "libs/contracts")
    run(checkout, BIN / "ruff", "format", "--check", "services/campaigns", "libs/contracts")
    run(checkout, BIN / "lint-imports", "--no-cache")


def test_it_is_typed(checkout: Path) -> None:
    known = new_service.ROOT / ".mypy_cache"
    if known.is_dir():  # what `make types` found out about the rest
        shutil.copytree(known, checkout / ".mypy_cache")
    run(checkout, BIN / "mypy", "services/campaigns")


def test_it_is_in_every_list(checkout: Path) -> None:
    rules = ("tests/architecture/test_catalogue.py", "tests/architecture/test_house_rules.py")
    run(checkout, BIN / "pytest", "-q", *rules, "-k", "campaigns or compose or page or owner")
    run(checkout, BIN / "pytest", "-q", "libs/contracts/tests/test_catalogue.py")


def test_its_own_tests_pass(checkout: Path) -> None:
    assert " passed" in run(checkout, BIN / "pytest", "-q", "services/campaigns")


@pytest.mark.parametrize("name", ["Campaigns", "json", "class", "a-b", "accounts", "1st", "billing"])
def test_a_name_that_cannot_work_is_refused(name: str) -> None:
    with pytest.raises(NotPossible):
        names_of(name, None)


def test_the_singular_can_be_given() -> None:
    names = names_of("telephony", "call")
    assert (names.aggregate, names.plural) == ("call", "calls")
    assert names_of("territories", None).aggregate == "territory"
