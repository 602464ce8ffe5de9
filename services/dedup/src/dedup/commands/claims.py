"""The synchronous question: may these records be written? Answered, and the keys reserved, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from contracts.dedup import Candidate, ClaimItem, ClaimReply, ClaimRequest, ClaimResult, Reason
from dedup.commands.keyring import Held, Wish, assign, reserve
from dedup.domain.decision import MAY_BYPASS, Decision, Situation, confirm_token, decide
from dedup.domain.keys import exact_keys, family
from dedup.domain.reading import canonical, label
from dedup.domain.score import SUSPECTED
from dedup.models import Bypass, Claim, RecordKey
from dedup.queries.candidates import Draft, Match, dismissed_pairs, matches_for
from dedup.queries.rules import RuleInForce
from dedup.queries.visibility import Eyes, candidate_of, eyes_of

SHOWN = 20
FAMILY_FIELDS = {
    "tax": ("tax_number", "same tax number"),
    "email": ("email", "same e-mail address"),
    "email_name": ("email", "same name and e-mail address"),
    "name_address": ("address", "same name and address"),
    "name_phone": ("phone", "same name and phone number"),
}


@dataclass(frozen=True, slots=True)
class Question:
    """One item, prepared."""

    item: ClaimItem
    draft: Draft
    rule: RuleInForce
    wish: Wish
    eyes: Eyes
    matches: list[Match]

    def blocking(self, held: dict[str, Held]) -> dict[str, Held]:
        """The keys that others hold and that the rule takes for certain."""
        return {key: holder for key, holder in held.items() if family(key) in self.rule.terms.block_on}


async def claim_keys(session: AsyncSession, request: ClaimRequest, secret: str) -> ClaimReply:
    questions = await _prepared(session, request.items)
    # Reserving comes last but for the answer: the rows stay locked until the commit.
    reserved = await reserve(session, [question.wish for question in questions])
    results, bypasses, final = [], [], dict(reserved.held)
    for question in questions:
        held = {key: final[place] for key, place in question.wish.places if place in final}
        others = {key: holder for key, holder in held.items() if holder.record_id != question.item.record_id}
        result = _answer(question, others, secret, reserved.lease_until)
        results.append(result)
        if result.claim_id is not None:
            for _, place in question.wish.places:
                final.setdefault(place, Held.by(question.wish))
            bypasses += _bypass(question, result, others)
    await assign(session, reserved, final)
    if bypasses:
        await session.execute(insert(Bypass), bypasses)
    return ClaimReply(results=results)


async def _prepared(session: AsyncSession, items: Sequence[ClaimItem]) -> list[Question]:
    drafts = [Draft(item.record_id, canonical(item.object, item.fields)) for item in items]
    matches, rules = await matches_for(session, drafts, SUSPECTED)
    had = await _keys_before(session, items)
    rejected = await dismissed_pairs(session, [item.record_id for item in items if item.event == "edit"])
    questions = []
    for item, draft, found in zip(items, drafts, matches, strict=True):
        keys = [key for key in exact_keys(draft.canonical) if key not in had.get(item.record_id, ())]
        wish = Wish(item.object, item.record_id, uuid7(), label(item.object, item.fields), tuple(keys))
        known_alike = [match for match in found if not _is_rejected(item, match, rejected)]
        questions.append(Question(item, draft, rules[item.object], wish, eyes_of(item.viewer), known_alike))
    return questions


def _is_rejected(item: ClaimItem, match: Match, rejected: dict[tuple[UUID, UUID], tuple[str, str]]) -> bool:
    """While the edited record is still as it was dismissed; its own change decides afterwards."""
    pair = (min(item.record_id, match.known.id), max(item.record_id, match.known.id))
    return pair in rejected


async def _keys_before(session: AsyncSession, items: Sequence[ClaimItem]) -> dict[UUID, set[str]]:
    """Keys that edited records have had all along: they were judged when they came."""
    edited = [item.record_id for item in items if item.event == "edit"]
    if not edited:
        return {}
    rows = await session.execute(select(RecordKey).where(RecordKey.record_id.in_(edited)))
    had: dict[UUID, set[str]] = {}
    for row in rows.scalars():
        had.setdefault(row.record_id, set()).add(row.key)
    return had


def _answer(question: Question, others: dict[str, Held], secret: str, lease_until: datetime) -> ClaimResult:
    certain = question.blocking(others)
    shown, hidden = _candidates(question, others)
    seen = [*(candidate.id for candidate in shown), *hidden]
    token = confirm_token(secret, question.item.object, seen)
    decision = decide(_situation(question, bool(certain), bool(seen), token))
    written = decision in ("clear", "alert")
    if decision == "clear":
        shown, hidden = [], []
    return ClaimResult(
        record_id=question.item.record_id,
        decision=decision,
        claim_id=question.wish.claim_id if written else None,
        candidates=shown[:SHOWN],
        hidden_matches=len(hidden),
        token=token if decision == "confirm" else None,
        lease_until=lease_until if written else None,
    )


def _situation(question: Question, certain: bool, alike: bool, token: str) -> Situation:
    item = question.item
    return Situation(
        action=question.rule.terms.action(item.event),
        path=item.path,
        certain=certain,
        alike=alike,
        only_report=item.action == "alert",
        is_confirmed=item.confirm_token == token,
        may_bypass=_may_bypass(item),
    )


def _may_bypass(item: ClaimItem) -> bool:
    reason = (item.bypass_reason or "").strip()
    return bool(reason) and item.viewer is not None and not MAY_BYPASS.isdisjoint(item.viewer.roles)


def _candidates(question: Question, others: dict[str, Held]) -> tuple[list[Candidate], list[UUID]]:
    """What the viewer may see, best first, and the ids of what he may not."""
    exact: dict[UUID, list[str]] = {}
    for key, holder in others.items():
        exact.setdefault(holder.record_id, []).append(key)
    shown, hidden = [], []
    for match in question.matches:
        if question.eyes.may_see(match.known.object, match.known.owner_id, match.known.is_private):
            shown.append(candidate_of(match))
        else:
            hidden.append(match.known.id)
    listed = {*(candidate.id for candidate in shown), *hidden}
    for holder in {holder.record_id: holder for holder in others.values()}.values():
        if holder.record_id in listed:
            continue
        if question.eyes.may_see(question.item.object, holder.owner_id, holder.is_private):
            shown.append(_by_key(question.item.object, holder, exact[holder.record_id]))
        else:
            hidden.append(holder.record_id)
    return sorted(shown, key=lambda candidate: -candidate.score), hidden


def _by_key(kind: str, holder: Held, keys: list[str]) -> Candidate:
    """A record that shares an exact key and is not (yet) among those that are compared."""
    reasons = [FAMILY_FIELDS[family(key)] for key in keys]
    return Candidate(
        object=kind,
        id=holder.record_id,
        label=holder.label,
        score=1.0,
        reasons=[Reason(field=field, verdict="decisive", detail=detail) for field, detail in reasons],
        owner_id=holder.owner_id,
    )


def _bypass(question: Question, result: ClaimResult, others: dict[str, Held]) -> list[dict[str, object]]:
    item, certain = question.item, question.blocking(others)
    blocks: Decision = decide(_situation_without_bypass(question, bool(certain)))
    if blocks != "blocked" or item.viewer is None:
        return []
    return [
        {
            "claim_id": result.claim_id,
            "object": item.object,
            "record_id": item.record_id,
            "user_id": item.viewer.user_id,
            "reason": (item.bypass_reason or "").strip(),
            "candidate_ids": [holder.record_id for holder in certain.values()],
            "rule_version": question.rule.version,
        }
    ]


def _situation_without_bypass(question: Question, certain: bool) -> Situation:
    item = question.item
    action = question.rule.terms.action(item.event)
    return Situation(action, item.path, certain, certain, only_report=item.action == "alert")


async def release_claim(session: AsyncSession, claim_id: UUID) -> None:
    """Gives back what was not written after all; what the record's event has confirmed stays."""
    await session.execute(delete(Claim).where(Claim.claim_id == claim_id, ~Claim.is_confirmed))
