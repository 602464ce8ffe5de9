"""`python -m contracts.schemas write | check | release VERSION`: the files generated from the contracts, all committed.

libs/contracts/schemas/<ce_type>.json     JSON Schema 2020-12 of the data
libs/contracts/schemas/asyncapi.json      AsyncAPI 3 document
libs/contracts/examples/<ce_type>.json    a whole record
docs/events.md                            the page for readers
libs/contracts/released/<version>/        schemas, examples and the package as they were released, kept for ever
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from contracts import asyncapi, reference
from contracts.examples import examples
from contracts.jsonschema import schemas

VERSION = "0.1.0"
SUMS = "SHA256SUMS"
CONTRACTS = Path(__file__).parents[2]
EVENTS_PAGE = CONTRACTS.parents[1] / "docs" / "events.md"


def generated() -> dict[Path, str]:
    """Every generated file with its text."""
    files = {CONTRACTS / "schemas" / f"{type_}.json": _text(schema) for type_, schema in schemas().items()}
    files |= {CONTRACTS / "examples" / f"{type_}.json": _text(record) for type_, record in examples()}
    files[CONTRACTS / "schemas" / "asyncapi.json"] = _text(asyncapi.document(VERSION))
    files[EVENTS_PAGE] = reference.page()
    return files


def stale(files: dict[Path, str]) -> list[Path]:
    """Committed files that differ from the generated ones: changed, missing, or left over."""
    changed = [path for path, text in files.items() if not path.is_file() or path.read_text("utf-8") != text]
    return sorted(changed + left_over(files))


def left_over(files: dict[Path, str]) -> list[Path]:
    """Committed files that nothing generates any more."""
    return [path for name in ("schemas", "examples") for path in (CONTRACTS / name).glob("*.json") if path not in files]


def write(files: dict[Path, str]) -> list[Path]:
    """Bring the committed files up to date; the paths that changed."""
    changed = stale(files)
    for path in left_over(files):
        path.unlink()
    for path in changed:
        if path in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path], "utf-8")
    return changed


def release(version: str) -> Path:
    """Keep today's schemas and examples as those of a release; FileExistsError when it was released before."""
    folder = CONTRACTS / "released" / version
    for name, texts in (("schemas", schemas().items()), ("examples", examples())):
        (folder / name).mkdir(parents=True)
        for type_, document in texts:
            (folder / name / f"{type_}.json").write_text(_text(document), "utf-8")
    return folder


def keep_package(folder: Path) -> None:
    """The wheel of today's contracts beside a release's files; CalledProcessError when it cannot be built."""
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "build", "--quiet", "--wheel", "--package", "crm-contracts", "-o", folder], check=True)
    (folder / ".gitignore").unlink(missing_ok=True)  # which uv puts there, against what is kept


def sums(folder: Path) -> str:
    """SHA-256 of every file of a release, as sha256sum writes it: a released file is never edited."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SUMS)
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}" for path in files]
    return "\n".join(lines) + "\n"


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def check(files: dict[Path, str]) -> int:
    """0 when the committed files are up to date, else 1."""
    paths = stale(files)
    for path in paths:
        print(f"stale: {path}", file=sys.stderr)
    print(f"{len(files)} files, {len(paths)} stale" + (": run `make schemas`" if paths else ""))
    return 1 if paths else 0


def main(arguments: list[str]) -> int:
    match arguments:
        case ["write"]:
            files = generated()
            print(f"{len(write(files))} of {len(files)} files changed")
        case ["check"]:
            return check(generated())
        case ["release", version]:
            folder = release(version)
            keep_package(folder)
            (folder / SUMS).write_text(sums(folder), "utf-8")
            print(folder)
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
