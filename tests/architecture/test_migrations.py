"""The chains of migrations, from their files alone: alembic meets a broken one only when it has a database."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from chassis.migrations import _constants
from tests.architecture.tree import ROOT, SERVICES


def folder(service: str) -> Path:
    return ROOT / "services" / service / "src" / service / "migrations"


WITH_DATABASE = [name for name in SERVICES if folder(name).is_dir()]


@dataclass(frozen=True)
class Version:
    file: str
    revision: object
    follows: object


def version(path: Path) -> Version:
    found = _constants(path.read_text(encoding="utf-8"))
    return Version(path.stem, found["revision"], found["down_revision"])


def complaints(versions: list[Version]) -> list[str]:
    """What is wrong with a chain 0001_….py, 0002_….py, …: each follows the one before it, so there is one head.

    A revision is the number of its file or the file's name, but one of both in the whole chain: whoever writes the
    next one copies from the last.
    """
    files, revisions = [each.file for each in versions], [each.revision for each in versions]
    found = []
    if [name[:5] for name in files] != [f"{number:04d}_" for number in range(1, len(files) + 1)]:
        found.append(f"not numbered one after another: {files}")
    if revisions not in (files, [name[:4] for name in files]):
        found.append(f"neither all numbers nor all names of their files: {revisions}")
    if [each.follows for each in versions] != [None, *revisions[:-1]]:
        found.append(f"not each follows the one before it: {[each.follows for each in versions]}")
    return found


@pytest.mark.parametrize("service", WITH_DATABASE)
def test_each_migration_follows_the_one_before_it(service: str) -> None:
    versions = [version(path) for path in sorted(folder(service).glob("[!_]*.py"))]
    assert versions
    assert complaints(versions) == []


@pytest.mark.parametrize(
    "wrong",
    [
        [Version("0001_teams", "0001_teams", None), Version("0002_names", "0002", "0001_teams")],
        [Version("0001_teams", "0001_teams", None), Version("0002_names", "0002_names", "0001")],
        [Version("0001_teams", "0001", None), Version("0003_names", "0003", "0001")],
        [Version("0001_a", "0001", None), Version("0002_b", "0002", "0001"), Version("0003_c", "0003", "0001")],
    ],
    ids=["a name among numbers", "a name that nothing has", "a gap", "two heads"],
)
def test_a_broken_chain_is_seen(wrong: list[Version]) -> None:
    assert len(complaints(wrong)) == 1
