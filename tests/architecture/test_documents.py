"""What the documents promise is there."""

import importlib
import re
from pathlib import Path

import pytest

from chassis.metrics import METRICS
from tests.architecture.tree import ROOT, SERVICES

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("services/*/README.md")])


def anchors(page: str) -> set[str]:
    """The names of a page's headings, as a forge makes them."""
    titles = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    page = document.read_text(encoding="utf-8")
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page):
        path, _, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        found = (document.parent / path) if path else document
        if not found.exists() or (
            anchor and found.suffix == ".md" and anchor not in anchors(found.read_text(encoding="utf-8"))
        ):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_is_explained(service: str) -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    settings = importlib.import_module(f"{service}.service").service.settings
    assert [name for name in settings.model_fields if f"`MERIDIAN_{name.upper()}`" not in page] == []


def test_the_metrics_to_watch_exist() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(crm_\w+)`", page))
    assert named and named - {metric.name for metric in METRICS} == set()


def test_every_decision_is_in_the_list() -> None:
    index = (ROOT / "docs" / "adr" / "README.md").read_text(encoding="utf-8")
    pages = list((ROOT / "docs" / "adr").glob("[0-9]*.md"))
    assert [page.name for page in pages if f"({page.name})" not in index] == []
    assert [page.name for page in pages if not page.read_text("utf-8").startswith(f"# {page.name[:4]} ")] == []


def test_a_bare_make_explains_at_most_ten_targets() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    explained = re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)
    assert set(explained) >= {"up", "down", "test", "lint", "types", "schemas", "bench", "new-service"}
    assert len(explained) <= 10
