"""`make new-service NAME=campaigns`: a service that starts, with one aggregate, its events, its tests and its place in
every list that names services. Run in a checkout."""

import argparse
import importlib.util
import keyword
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from string import Template
from zlib import crc32

TEMPLATES = Path(__file__).parent / "templates" / "service"
ROOT = Path(__file__).resolve().parents[4]
FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "main.py": "src/{service}/__main__.py",
    "service.py": "src/{service}/service.py",
    "settings.py": "src/{service}/settings.py",
    "api.py": "src/{service}/api.py",
    "commands.py": "src/{service}/commands.py",
    "queries.py": "src/{service}/queries.py",
    "models.py": "src/{service}/models.py",
    "domain.py": "src/{service}/domain.py",
    "migration.py": "src/{service}/migrations/0001_{service}.py",
    "conftest.py": "tests/conftest.py",
    "test_domain.py": "tests/test_domain.py",
    "test_api.py": "tests/test_api.py",
}
PINNED = ("alembic", "fastapi", "hatchling", "pydantic", "sqlalchemy")
EMPTY = ("src/{service}/__init__.py", "src/{service}/py.typed", "src/{service}/migrations/__init__.py")


class NotPossible(Exception):
    """The service cannot be made, with the sentence that says why."""


@dataclass(frozen=True)
class Names:
    """What the templates call things: service `campaigns`, aggregate `campaign`, plural `campaigns`."""

    service: str
    aggregate: str

    @property
    def plural(self) -> str:
        return self.aggregate[:-1] + "ies" if self.aggregate.endswith("y") else self.aggregate + "s"

    def values(self, pins: dict[str, str]) -> dict[str, str]:
        label = self.aggregate.replace("_", " ").capitalize()
        return pins | {
            "service": self.service,
            "Service": _camel(self.service),
            "SERVICE": self.service.upper(),
            "aggregate": self.aggregate,
            "Aggregate": _camel(self.aggregate),
            "AGGREGATE": self.aggregate.upper(),
            "plural": self.plural,
            "Plural": self.plural.replace("_", " ").capitalize(),
            "Label": label,
            "owner": _owner(self.service),
            "example_id": f"01935a00-0000-7000-8000-{crc32(self.service.encode()):012x}",
        }


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _owner(service: str) -> str:
    return f"@meridian/{service.replace('_', '-')}"


def names_of(service: str, aggregate: str | None) -> Names:
    """Raises NotPossible for a name that cannot be a package, and when no singular can be told from it."""
    if not re.fullmatch(r"[a-z]+(_[a-z]+)*", service) or keyword.iskeyword(service):
        raise NotPossible(f"{service!r} cannot be the name of a package: use small letters and _.")
    if importlib.util.find_spec(service) is not None:
        raise NotPossible(f"A module {service!r} exists already; two packages of one name hide each other.")
    singular = aggregate or (re.sub("ies$", "y", service) if service.endswith("ies") else service.removesuffix("s"))
    if singular == service:
        raise NotPossible(f"Say what {service} keeps, in the singular: AGGREGATE=…")
    return Names(service, singular)


def existing_services(root: Path) -> list[str]:
    return sorted(folder.parent.name for folder in root.glob("services/*/pyproject.toml"))


def pins(root: Path) -> dict[str, str]:
    """The versions that the chassis and its neighbours have."""
    text = (root / "libs" / "chassis" / "pyproject.toml").read_text(encoding="utf-8")
    found = {name: re.search(rf'"({name}(\[\w+\])?==[^"]+)"', text) for name in PINNED}
    missing = [name for name, pin in found.items() if pin is None]
    if missing:
        raise NotPossible(f"libs/chassis/pyproject.toml pins no {', '.join(missing)}.")
    return {name: pin[1] for name, pin in found.items() if pin}


def render(template: str, values: dict[str, str]) -> str:
    return Template((TEMPLATES / f"{template}.tmpl").read_text(encoding="utf-8")).substitute(values)


def write_service(root: Path, names: Names, values: dict[str, str]) -> None:
    folder = root / "services" / names.service
    for template, path in FILES.items():
        target = folder / path.format(service=names.service)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(render(template, values), encoding="utf-8")
    for path in EMPTY:
        (folder / path.format(service=names.service)).touch()
    contract = root / "libs" / "contracts" / "src" / "contracts" / f"{names.service}.py"
    contract.write_text(render("contracts.py", values), encoding="utf-8")


def edit(path: Path, change: Callable[[str], str]) -> None:
    """Raises NotPossible when the file has no place for the new name."""
    before = path.read_text(encoding="utf-8")
    after = change(before)
    if after == before:
        raise NotPossible(f"{path.name} has no list of services where one was expected.")
    path.write_text(after, encoding="utf-8")


def with_name(text: str, services: list[str], new: str, join: str, quote: str = "") -> str:
    """Puts the name into every list of all services that is written on one line."""
    listed = join.join(f"{quote}{name}{quote}" for name in services)
    return text.replace(listed, join.join(f"{quote}{name}{quote}" for name in sorted([*services, new])))


def with_line(text: str, services: list[str], new: str, pattern: str) -> str:
    """Adds a line like those of the other services; `pattern` finds theirs, with {} for the name.

    It is a copy of the first one and never becomes the last, which may have no comma.
    """
    lines = text.splitlines(keepends=True)
    found = {name: number for name in services for number, line in enumerate(lines) if _names(line, pattern, name)}
    if not found:
        return text
    first = min(found, key=found.__getitem__)
    place = min((number for name, number in found.items() if name > new), default=max(found.values()))
    copied = lines[found[first]].replace(first, new).replace(first.upper(), new.upper())
    return "".join([*lines[:place], copied, *lines[place:]])


def _names(line: str, pattern: str, name: str) -> bool:
    return re.search(pattern.format(name), line) is not None


def edit_lists(root: Path, names: Names, values: dict[str, str]) -> None:
    new, services = names.service, [name for name in existing_services(root) if name != names.service]
    edit_pyproject(root / "pyproject.toml", services, new)
    edit_compose(root / "docker-compose.yml", services, new, render("compose.yml", values))
    databases = [name for name in services if name != "gateway"]
    edit(root / "deploy/compose/databases.sh", lambda text: with_name(text, databases, new, " "))
    edit(root / "CODEOWNERS", lambda text: text + owners(new))
    edit_contracts(root / "libs/contracts/src/contracts", new, values)


def edit_pyproject(path: Path, services: list[str], new: str) -> None:
    edit(path, lambda text: with_name(text, services, new, ", ", '"'))
    edit(path, lambda text: with_name(text, services, new, " : "))
    edit(path, lambda text: with_line(text, services, new, r'^ +"services/{}/src",'))
    edit(path, lambda text: with_line(text, services, new, r'^ +"contracts\.{}",'))


def edit_compose(path: Path, services: list[str], new: str, containers: str) -> None:
    edit(path, lambda text: with_line(text, services, new, r'^ +"{0}": "http://{0}:'))
    edit(path, lambda text: with_line(text, services, new, r'^ +"{}": "\$\{{MERIDIAN_SECRET'))
    edit(path, lambda text: with_line(text, services, new, r"^  {}-migrate: {{ condition"))
    edit(path, lambda text: with_line(text, services, new, r"^      {}: {{ condition"))
    edit(path, lambda text: text.replace("\nvolumes:\n", f"{containers}\nvolumes:\n"))


def edit_contracts(folder: Path, new: str, values: dict[str, str]) -> None:
    catalogue, examples = folder / "catalogue.py", folder / "examples.py"
    for path in (catalogue, examples):
        edit(path, lambda text: re.sub(r"(?m)^(from contracts import \(?\s*)", rf"\1{new}, ", text, count=1))
    edit(catalogue, lambda text: with_last(text, "TOPICS: ", ")", render("topic.py", values)))
    edit(examples, lambda text: with_last(text, "STATES: ", ")", render("example_state.py", values)))
    edit(examples, lambda text: with_last(text, "CHANGES: ", "}", render("example_change.py", values)))


def with_last(text: str, begin: str, end: str, entry: str) -> str:
    """Adds an entry at the end of the tuple or dict whose first line starts with `begin`."""
    opened = text.find(f"\n{begin}")
    closed = text.find(f"\n{end}\n", opened) + 1
    return text[:closed] + entry + text[closed:] if opened >= 0 and closed else text


def owners(new: str) -> str:
    files = (f"/services/{new}/", f"/libs/contracts/src/contracts/{new}.py")
    return "".join(f"{path:<51} {_owner(new)}\n" for path in files)


def make(root: Path, names: Names) -> list[Path]:
    """Writes the service and its place in the lists; returns the Python files that were changed."""
    if (root / "services" / names.service).exists():
        raise NotPossible(f"services/{names.service} exists already.")
    values = names.values(pins(root))
    write_service(root, names, values)
    edit_lists(root, names, values)
    contracts = root / "libs" / "contracts" / "src" / "contracts"
    written = sorted((root / "services" / names.service).rglob("*.py"))
    return [*written, *(contracts / f"{name}.py" for name in ("catalogue", "examples", names.service))]


def finish(root: Path, changed: list[Path]) -> None:
    """Formats what was written, installs the new package and generates the schemas of its events."""
    bin_ = root / ".venv" / "bin"
    steps: list[list[str | Path]] = [
        [bin_ / "ruff", "check", "--quiet", "--select", "I", "--fix", *changed],
        [bin_ / "ruff", "format", "--quiet", *changed],
        [bin_ / "uv", "lock", "--quiet"],
        [bin_ / "uv", "sync", "--quiet", "--frozen", "--all-packages"],
        [bin_ / "python", "-m", "contracts.schemas", "write"],
    ]
    for step in steps:
        if subprocess.run(step, cwd=root).returncode:
            raise NotPossible(f"This failed: {' '.join(str(part) for part in step[:4])}")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="make new-service", description=__doc__)
    parser.add_argument("name", help="the service, a plural: campaigns")
    parser.add_argument("aggregate", nargs="?", help="what it keeps, when that is not the singular of its name")
    chosen = parser.parse_args(arguments)
    try:
        names = names_of(chosen.name, chosen.aggregate or None)
        finish(ROOT, make(ROOT, names))
    except NotPossible as problem:
        sys.exit(f"make new-service: {problem}")
    print(
        f"services/{names.service} is there; docs/adding-a-service.md says what to do next. Try: make lint types test"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
