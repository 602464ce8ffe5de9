"""What a duplicate rule makes of the matches that were found."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Action = Literal["block", "confirm", "alert", "off"]
Decision = Literal["clear", "alert", "confirm", "blocked"]
INTERACTIVE = frozenset({"ui", "api"})
# Whoever may judge duplicates may also set a block aside, with a reason.
MAY_BYPASS = frozenset({"admin", "sales_manager", "verifier"})


@dataclass(frozen=True, slots=True)
class RuleTerms:
    """`block_on`: the families of exact keys that count as certain. Only those can block."""

    on_create: Action
    on_edit: Action
    block_on: tuple[str, ...]

    def action(self, event: str) -> Action:
        return self.on_create if event == "create" else self.on_edit


DEFAULT_RULES = {
    "account": RuleTerms("block", "block", ("tax", "name_address", "email_name")),
    "contact": RuleTerms("block", "block", ("email_name",)),
    "lead": RuleTerms("alert", "alert", ("email_name", "name_phone")),
}


@dataclass(frozen=True, slots=True)
class Situation:
    """One record about to be written. `certain`: it shares an exact key of the rule; `alike`: it has matches at all."""

    action: Action
    path: str
    certain: bool
    alike: bool
    only_report: bool = False
    is_confirmed: bool = False
    may_bypass: bool = False


def decide(situation: Situation) -> Decision:
    if situation.action == "off" or not (situation.certain or situation.alike):
        return "clear"
    if situation.only_report or situation.path == "restore":
        return "alert"
    if situation.action == "block" and situation.certain:
        return "alert" if situation.may_bypass else "blocked"
    if situation.action == "confirm" and situation.path in INTERACTIVE and not situation.is_confirmed:
        return "confirm"
    return "alert"


def confirm_token(secret: str, kind: str, candidates: Iterable[object]) -> str:
    """Stands for "I have seen these candidates": other candidates need another confirmation."""
    seen = "|".join([kind, *sorted(map(str, candidates))])
    return hmac.new(secret.encode(), seen.encode(), hashlib.sha256).hexdigest()
