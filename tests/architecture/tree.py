"""What the house rules are read from: the sources as text and syntax trees, and the files that git tracks."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVICES = sorted(folder.name for folder in (ROOT / "services").iterdir() if (folder / "pyproject.toml").exists())


@dataclass(frozen=True)
class Module:
    """One Python file; `package` is the import name it belongs to."""

    path: Path
    package: str

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.name)

    def calls(self) -> Iterator[tuple[str, ast.Call]]:
        """Every call with the last part of what is called: `session.commit()` gives `commit`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield last_name(node.func), node


def last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def package_folders() -> list[Path]:
    """Every import package of the workspace."""
    return sorted(folder.parent for folder in ROOT.glob("*/*/src/*/__init__.py"))


def python_modules() -> list[Module]:
    """Every module of the libraries and services; a file of templates is no module yet."""
    return [
        Module(path, folder.name)
        for folder in package_folders()
        for path in sorted(folder.rglob("*.py"))
        if "templates" not in path.parts
    ]


def tracked_files() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]
