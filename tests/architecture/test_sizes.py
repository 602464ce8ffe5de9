"""How long modules and functions may be: what fits on a screen is read, what does not is trusted."""

import ast
import statistics
from collections.abc import Iterator

from tests.architecture.tree import Module

MODULE_LINES = 400
FUNCTION_LINES = 50
FUNCTION_MEDIAN = 8
FUNCTION_P90 = 30


def functions(modules: list[Module]) -> Iterator[tuple[str, int]]:
    """Name and lines of every function, without its decorators; migrations are lists, not functions."""
    for module in modules:
        if "migrations" in module.path.parts:
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{module.name}:{node.lineno} {node.name}", (node.end_lineno or node.lineno) - node.lineno + 1


def test_no_module_is_longer_than_the_limit(modules: list[Module]) -> None:
    lengths = {module.name: module.text.count("\n") for module in modules if "migrations" not in module.path.parts}
    assert {name: lines for name, lines in lengths.items() if lines > MODULE_LINES} == {}


def test_no_function_is_longer_than_the_limit(modules: list[Module]) -> None:
    assert {name: lines for name, lines in functions(modules) if lines > FUNCTION_LINES} == {}


def test_most_functions_are_short(modules: list[Module]) -> None:
    lengths = sorted(lines for _, lines in functions(modules))
    assert statistics.median(lengths) <= FUNCTION_MEDIAN
    assert lengths[len(lengths) * 9 // 10] <= FUNCTION_P90
