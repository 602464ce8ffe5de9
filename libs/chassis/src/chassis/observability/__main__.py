"""`python -m chassis.observability write | check`: docs/metrics.md and the dashboard, generated and committed."""

import sys
from pathlib import Path

from chassis.observability import dashboard, page

ROOT = Path(__file__).parents[5]


def generated() -> dict[Path, str]:
    """Every generated file with its text."""
    return {
        ROOT / "docs" / "metrics.md": page.page(),
        ROOT / "deploy" / "observability" / "dashboard.json": dashboard.document(),
    }


def stale() -> list[Path]:
    """Committed files that differ from what would be generated now."""
    return [path for path, text in generated().items() if not path.is_file() or path.read_text("utf-8") != text]


def main(arguments: list[str]) -> int:
    match arguments:
        case ["write"]:
            for path in stale():
                path.write_text(generated()[path], "utf-8")
            return 0
        case ["check"]:
            old = stale()
            for path in old:
                print(f"stale: {path}", file=sys.stderr)
            print(f"{len(generated())} files, {len(old)} stale" + (": run `make schemas`" if old else ""))
            return 1 if old else 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
