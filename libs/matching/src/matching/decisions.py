"""What the evidence allows: refuse, warn, or put on the list for a person to look at; and why, in words.

A name alone never refuses. Two valid different tax numbers of one country never do either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .canonical import Canonical
from .model import Model
from .scoring import Evidence, OnlineScorer, probability

Action = Literal["block", "alert", "report", "none"]
Verdict = Literal["decisive", "supports", "contradicts"]
# What counts as one piece of evidence: given and family name come from one line of one form.
GROUPS = {"given name": "name", "family name": "name", "birth place": "birth date"}
DECISIVE_BITS, SUPPORTING_BITS = 7.0, 0.5


@dataclass(frozen=True)
class Policy:
    """Chances from which an action is taken; `strong_groups`: how many independent decisive groups a block needs."""

    block: float = 0.999
    alert: float = 0.9
    report: float = 0.5
    strong_groups: int = 2


@dataclass(frozen=True)
class Reason:
    """One comparison in words. `fields`: the canonical fields with both values, (name, this, other)."""

    comparison: str
    verdict: Verdict
    label: str
    fields: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Decision:
    """`chance`: that both are one entity. `is_capped`: the tax numbers forbid more than a report."""

    action: Action
    chance: float
    reasons: tuple[Reason, ...]
    is_capped: bool = False


def check(
    scorer: OnlineScorer, record: Canonical, candidates: Sequence[Canonical], policy: Policy | None = None
) -> list[Decision]:
    """A decision per candidate, in their order."""
    evidence, rules = scorer.score(record, candidates), policy or Policy()
    return [decide(scorer.model, record, other, evidence.row(at), rules) for at, other in enumerate(candidates)]


def decide(model: Model, one: Canonical, other: Canonical, evidence: Evidence, policy: Policy) -> Decision:
    """`evidence` holds one row: this pair."""
    chance = float(probability(evidence.total)[0])
    reasons = explain(model, one, other, evidence)
    capped = different_tax_numbers(one, other)
    action = _action(chance, one, other, _strong_groups(reasons), policy)
    if capped and action in ("block", "alert"):
        action = "report"
    return Decision(action, chance, reasons, capped)


def _action(chance: float, one: Canonical, other: Canonical, strong: set[str], policy: Policy) -> Action:
    enough = len(strong) >= policy.strong_groups and strong != {"name"}
    if same_tax_number(one, other) or (chance >= policy.block and enough):
        return "block"
    if chance >= policy.alert:
        return "alert"
    return "report" if chance >= policy.report else "none"


def same_tax_number(one: Canonical, other: Canonical) -> bool:
    """Equal, of one country, and valid by its checksum."""
    return bool(one.tax_country) and (one.tax, one.tax_country) == (other.tax, other.tax_country)


def different_tax_numbers(one: Canonical, other: Canonical) -> bool:
    """Both valid in one country, and not the same: branches, or two companies of one owner."""
    return bool(one.tax_country) and one.tax_country == other.tax_country and one.tax != other.tax


def _strong_groups(reasons: tuple[Reason, ...]) -> set[str]:
    return {GROUPS.get(each.comparison, each.comparison) for each in reasons if each.verdict == "decisive"}


def explain(model: Model, one: Canonical, other: Canonical, evidence: Evidence) -> tuple[Reason, ...]:
    """Every comparison that speaks for or against, the strongest first; what says nothing is left out."""
    rows = zip(model.comparisons, evidence.levels[0].tolist(), evidence.bits[0].tolist(), strict=True)
    told = [
        (bits, Reason(each.name, _verdict(bits), each.labels[level], _values(each.fields, one, other)))
        for each, level, bits in rows
        if level >= 0 and abs(bits) >= SUPPORTING_BITS
    ]
    return tuple(reason for _, reason in sorted(told, key=lambda row: -abs(row[0])))


def _verdict(bits: float) -> Verdict:
    return "contradicts" if bits < 0 else "decisive" if bits >= DECISIVE_BITS else "supports"


def _values(fields: tuple[str, ...], one: Canonical, other: Canonical) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (name, getattr(one, name), getattr(other, name))
        for name in fields
        if getattr(one, name) or getattr(other, name)
    )
