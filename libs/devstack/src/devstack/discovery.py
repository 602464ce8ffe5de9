"""Which services there are: every folder in services/ with a pyproject.toml and src/<name>/service.py."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Found:
    name: str
    folder: Path

    @property
    def has_database(self) -> bool:
        return (self.folder / "src" / self.name / "migrations").is_dir()


def services(root: Path) -> list[Found]:
    """Sorted by name; `root` is the checkout."""
    folders = sorted(path.parent for path in root.glob("services/*/pyproject.toml"))
    return [Found(folder.name, folder) for folder in folders if (folder / "src" / folder.name / "service.py").exists()]


def checkout() -> Path:
    """The checkout that this package is installed from (editable), or else the working directory."""
    root = Path(__file__).resolve().parents[4]
    return root if (root / "services").is_dir() else Path.cwd()
