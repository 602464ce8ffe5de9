"""PromQL over two scrapes, as far as the alert rules use it; anything else is refused and not guessed.

The grammar is Prometheus' own, through promql-parser. `increase` and `rate` take the difference between the two scrapes
without Prometheus' extrapolation to the whole range, so both scrapes should lie one range apart.
"""

import math
import operator
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import promql_parser as promql
from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]
COMPARE: Mapping[str, Callable[[float, float], bool]] = {"==": operator.eq, ">": operator.gt, "<": operator.lt}


@dataclass(frozen=True)
class Sample:
    name: str
    labels: Mapping[str, str]
    value: float


def scraped(text: str, **target: str) -> list[Sample]:
    """Samples of a /metrics page with the labels that the scrape configuration adds."""
    families = text_string_to_metric_families(text)
    return [Sample(s.name, {**s.labels, **target}, s.value) for family in families for s in family.samples]


def nodes(expression: Any) -> Iterable[Any]:
    """The expression and everything below it."""
    yield expression
    below = [getattr(expression, name, None) for name in ("lhs", "rhs", "expr", "vector_selector")]
    for child in [*below, *(getattr(expression, "args", None) or ())]:
        if child is not None:
            yield from nodes(child)


def evaluate(expression: str, now: Iterable[Sample], before: Iterable[Sample] = ()) -> Vector:
    """The instant vector by label set; empty when nothing matches, so an alert fires when it is not empty."""
    found = _evaluate(promql.parse(expression), list(now), list(before))
    assert isinstance(found, dict), f"{expression} is no vector"
    return found


def _evaluate(node: Any, now: list[Sample], before: list[Sample]) -> Any:
    match node:
        case promql.NumberLiteral():
            return node.val
        case promql.ParenExpr():
            return _evaluate(node.expr, now, before)
        case promql.VectorSelector():
            return _selected(node, now)
        case promql.AggregateExpr():
            return _aggregated(node, _evaluate(node.expr, now, before))
        case promql.Call():
            return _called(node, now, before)
        case promql.BinaryExpr():
            return _combined(str(node.op), _evaluate(node.lhs, now, before), _evaluate(node.rhs, now, before))
    raise AssertionError(f"{type(node).__name__} is not understood here")


def _selected(selector: Any, samples: list[Sample]) -> Vector:
    return {
        frozenset(each.labels.items()): each.value
        for each in samples
        if each.name == selector.name and all(_matches(rule, each) for rule in selector.matchers.matchers)
    }


def _matches(rule: Any, sample: Sample) -> bool:
    value = sample.labels.get(rule.name, "")
    if rule.op == promql.MatchOp.Equal:
        return bool(value == rule.value)
    assert rule.op == promql.MatchOp.Re, f"{rule.op} is not understood here"
    return bool(re.fullmatch(rule.value, value))


def _aggregated(node: Any, vector: Vector) -> Vector:
    assert node.modifier.type == promql.AggModifierType.By, "only `by`"
    kept = set(node.modifier.labels)
    groups: dict[Labels, list[float]] = defaultdict(list)
    for labels, value in vector.items():
        groups[frozenset(pair for pair in labels if pair[0] in kept)].append(value)
    combine: Mapping[str, Callable[[list[float]], float]] = {"sum": math.fsum, "max": max}
    return {labels: combine[str(node.op)](values) for labels, values in groups.items()}


def _called(node: Any, now: list[Sample], before: list[Sample]) -> Vector:
    name = node.func.name
    if name == "histogram_quantile":
        return _quantile(node.args[0].val, _evaluate(node.args[1], now, before))
    selector = node.args[0].vector_selector
    seconds = node.args[0].range.total_seconds()
    old = _selected(selector, before)
    risen = {labels: value - old.get(labels, 0.0) for labels, value in _selected(selector, now).items()}
    return {labels: value / seconds for labels, value in risen.items()} if name == "rate" else _only(name, risen)


def _only(name: str, vector: Vector) -> Vector:
    assert name == "increase", f"{name} is not understood here"
    return vector


def _quantile(share: float, vector: Vector) -> Vector:
    """The upper bound of the bucket in which the share lies; NaN, which compares to nothing, without observations."""
    groups: dict[Labels, list[tuple[float, float]]] = defaultdict(list)
    for labels, value in vector.items():
        bound = float(dict(labels)["le"])
        groups[frozenset(pair for pair in labels if pair[0] != "le")].append((bound, value))
    found = {}
    for labels, buckets in groups.items():
        buckets.sort()
        total = buckets[-1][1]
        bounds = [bound for bound, count in buckets if total and count >= share * total]
        found[labels] = bounds[0] if bounds else math.nan
    return found


def _combined(op: str, left: Any, right: Any) -> Vector:
    if op in COMPARE:
        return {labels: value for labels, value in left.items() if COMPARE[op](value, right)}
    if op == "and":
        return {labels: value for labels, value in left.items() if labels in right}
    assert op == "/", f"{op} is not understood here"
    return {
        labels: value / right[labels] if right[labels] else math.nan
        for labels, value in left.items()
        if labels in right
    }
