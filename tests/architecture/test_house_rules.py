"""Rules that import-linter cannot say; each of them once was a bug somewhere."""

import ast
import importlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.catalogue import TOPICS, topic_of, topics_of
from tests.architecture.tree import ROOT, SERVICES, Module, last_name, package_folders

EVERY_SERVICE_HAS = {"__main__", "service", "settings", "api"}
A_DATABASE_NEEDS = {"commands", "queries", "models", "migrations"}
A_SERVICE_MAY_HAVE = EVERY_SERVICE_HAS | A_DATABASE_NEEDS | {"consumers", "domain"}
NAMES_THAT_SAY_NOTHING = {"util", "utils", "helper", "helpers", "common", "misc", "base", "shared", "stuff"}


def module_names(service: str) -> set[str]:
    folder = ROOT / "services" / service / "src" / service
    return {entry.stem for entry in folder.iterdir() if entry.suffix == ".py" or (entry / "__init__.py").exists()} - {
        "__init__"
    }


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_the_seven_modules_and_no_other(service: str) -> None:
    present = module_names(service)
    assert present <= A_SERVICE_MAY_HAVE
    assert present >= EVERY_SERVICE_HAS
    if "migrations" in present:
        assert present >= A_DATABASE_NEEDS


@pytest.mark.parametrize("service", SERVICES)
def test_the_readme_of_a_service_names_its_topics(service: str) -> None:
    readme = (ROOT / "services" / service / "README.md").read_text(encoding="utf-8")
    rows = dict(
        re.findall(r"^\| *\**(Owns|Publishes|Consumes|HTTP)\** *\|(.*)\|$", readme, re.MULTILINE | re.IGNORECASE)
    )
    rows = {name.lower(): text for name, text in rows.items()}
    assert set(rows) == {"owns", "publishes", "consumes", "http"}
    missing = {topic.name for topic in topics_of(service) if topic.name not in rows["publishes"]}
    missing |= {topic.name for topic in TOPICS if service in topic.consumers and topic.name not in rows["consumes"]}
    assert missing == set()


def test_no_name_says_nothing(tracked: list[str]) -> None:
    parts = {(name, Path(part).stem) for name in tracked for part in Path(name).parts}
    assert sorted(name for name, stem in parts if stem.lower() in NAMES_THAT_SAY_NOTHING) == []


def test_a_transaction_ends_before_the_answer_leaves(modules: list[Module]) -> None:
    """FastAPI runs what follows `yield` after the response unless the dependency has scope="function"."""
    assert [f"{module.name}:{call.lineno}" for module in modules for call in late_commits(module)] == []


def late_commits(module: Module) -> Iterator[ast.Call]:
    for name, call in module.calls():
        is_transaction = bool(call.args) and last_name(call.args[0]) in {"transaction", "reading"}
        scopes = [word.value for word in call.keywords if word.arg == "scope"]
        in_function = any(isinstance(scope, ast.Constant) and scope.value == "function" for scope in scopes)
        if name == "Depends" and is_transaction and not in_function:
            yield call


def test_the_rule_about_transactions_sees_a_violation(tmp_path: Path) -> None:
    path = ROOT / "libs" / "example.py"
    module = Module(path, "example")
    module.__dict__["text"] = "a = Depends(transaction)\nb = Depends(db.reading, scope='request')\n"
    assert len(list(late_commits(module))) == 2


def test_nobody_commits_outside_the_chassis(modules: list[Module]) -> None:
    commits = [
        f"{module.name}:{call.lineno}"
        for module in modules
        if module.package != "chassis"
        for name, call in module.calls()
        if name in {"commit", "rollback"} and isinstance(call.func, ast.Attribute)
    ]
    assert commits == []


def test_a_service_emits_its_own_events_only(modules: list[Module]) -> None:
    foreign = [
        f"{module.name}: {event.__name__}"
        for module in modules
        if module.package in SERVICES
        for event in emitted_events(module)
        if topic_of(event).producer != module.package
    ]
    assert foreign == []


def test_the_rule_about_emitting_sees_every_producer(modules: list[Module]) -> None:
    emitting = {module.package for module in modules if module.package in SERVICES and any(emitted_events(module))}
    assert emitting == {topic.producer for topic in TOPICS}


def emitted_events(module: Module) -> Iterator[type]:
    """The event classes that `emit(session, Event, …)` and `emit_many` name in this module."""
    imported = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("contracts.")
        for alias in node.names
    }
    for name, call in module.calls():
        if name in {"emit", "emit_many"} and len(call.args) > 1 and last_name(call.args[1]) in imported:
            source, event = imported[last_name(call.args[1])]
            yield getattr(importlib.import_module(str(source)), event)


# Written in two pieces, so that these lines are not found themselves.
LATER = ("TO" + "DO", "FIX" + "ME", "X" + "XX")
LEFT = re.compile(
    rf"mark\.(skip|xfail)|pytest\.(skip|xfail)\(|\b(test|it)\.skip\(|(#|//) *({'|'.join(LATER)})\b"
    rf"|raise {'Not' + 'ImplementedError'}"
)


def test_nothing_is_left_for_later(tracked: list[str]) -> None:
    """No skipped test, no note to oneself, no empty stub."""
    sources = [name for name in tracked if name.endswith((".py", ".ts", ".tsx", ".js", ".mjs"))]
    assert lines_with(LEFT, sources) == []


def test_tests_wait_for_conditions(tracked: list[str]) -> None:
    """A sleep is too short on a slow machine or too long on every other; in a loop it asks again."""
    names = [name for name in tracked if name.endswith(".py") and "/test_" in name]
    blind = [
        f"{name}:{call.lineno}"
        for name in names
        for test in ast.walk(Module(ROOT / name, "tests").tree)
        if isinstance(test, ast.FunctionDef | ast.AsyncFunctionDef) and test.name.startswith("test_")
        for call in sleeps_of(test)
    ]
    assert blind == []


def sleeps_of(node: ast.AST) -> Iterator[ast.Call]:
    """Outside loops, and outside inner functions: those play somebody slow."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call) and last_name(child.func) == "sleep" and not is_zero(child):
            yield child
        if not isinstance(child, ast.While | ast.For | ast.AsyncFor | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from sleeps_of(child)


def is_zero(call: ast.Call) -> bool:
    return bool(call.args) and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0


def lines_with(pattern: re.Pattern[str], names: list[str]) -> list[str]:
    return [
        f"{name}:{number}"
        for name in names
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]


SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b"
    r"|\bxox[abp]-[0-9A-Za-z-]{10,}|\beyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\."
)
REGISTRIES = re.compile(
    "|".join(
        ("pypi" + r"\.org", "python" + r"hosted\.org", "registry" + r"\.npmjs", "repo1" + r"?\.maven", "index" + "-url")
    ),
    re.IGNORECASE,
)


def test_no_secret_and_no_registry_is_in_the_repository(tracked: list[str]) -> None:
    """What git stores, not what lies in the working tree: uv.lock gets its addresses back there."""
    stored = subprocess.run(
        ["git", "grep", "--cached", "-IhnE", "--full-name", "--no-color", "-H", ".", "--", *tracked],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode(errors="replace")
    found = [line[:120] for line in stored.splitlines() if SECRETS.search(line) or REGISTRIES.search(line)]
    assert found == []


def test_every_package_is_typed() -> None:
    assert [folder.name for folder in package_folders() if not (folder / "py.typed").exists()] == []
