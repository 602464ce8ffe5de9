"""The question to dedup before a lead is written. Capture goes on without an answer: no request is lost over it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

import structlog
from pydantic import BaseModel

from chassis.auth import Principal
from chassis.coalescing import ask_with_others
from chassis.errors import Conflict, ServiceError
from chassis.questions import Refused, Unanswered, ask
from chassis.service import Runtime
from contracts.dedup import Candidate, ClaimItem, ClaimReply, ClaimRequest, ClaimResult, Viewer
from leads.domain import MATCHED
from leads.models import Lead

CLAIMS = "/api/dedup/v1/claims"
PATIENCE = 1.0
"""Seconds."""

Path = Literal["api", "form", "restore"]
Occasion = Literal["create", "edit"]
logger = structlog.get_logger(__name__)


class DuplicateBlocked(Conflict):
    code = "duplicate_blocked"
    title = "This record exists already"


class DuplicateConfirm(Conflict):
    code = "duplicate_confirm"
    title = "This record may exist already"


@dataclass(frozen=True, slots=True)
class Answers:
    """What the caller says about duplicates: the token of a warning seen, or why a block does not apply."""

    token: str | None = None
    bypass_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """`is_checked` False: nobody answered, the check comes later."""

    candidates: Sequence[Candidate] = field(default_factory=tuple)
    hidden_matches: int = 0
    is_checked: bool = True
    claim_id: UUID | None = None

    @property
    def check(self) -> Literal["done", "pending"]:
        return "done" if self.is_checked else "pending"


class _Released(BaseModel):
    pass


def question(
    lead: Lead,
    occasion: Occasion,
    path: Path,
    *,
    principal: Principal | None = None,
    answers: Answers | None = None,
    only_report: bool = False,
) -> ClaimItem:
    said = answers or Answers()
    return ClaimItem(
        object="lead",
        record_id=lead.id,
        fields={name: getattr(lead, name) for name in sorted(MATCHED | {"phone_e164", "mobile_e164"})},
        event=occasion,
        path=path,
        action="alert" if only_report else None,
        confirm_token=said.token,
        bypass_reason=said.bypass_reason,
        viewer=_viewer(principal) if principal else None,
    )


def _viewer(principal: Principal) -> Viewer:
    return Viewer(user_id=principal.id, roles=sorted(principal.roles), team_ids=sorted(principal.team_ids))


async def ask_many(runtime: Runtime, items: Sequence[ClaimItem], timeout: float = PATIENCE) -> list[ClaimResult]:
    """One result per item, in order. Raises Unanswered."""
    reply = await ask(runtime, "dedup", "POST", CLAIMS, ClaimRequest(items=list(items)), ClaimReply, timeout=timeout)
    if len(reply.results) != len(items):
        raise Unanswered("dedup answered another question.")
    return reply.results


async def ask_one(runtime: Runtime, item: ClaimItem) -> ClaimResult:
    """Travels with whatever others ask at the same moment. Raises Unanswered, Refused."""

    async def send(items: Sequence[ClaimItem]) -> Sequence[ClaimResult]:
        return await ask_many(runtime, items, timeout=PATIENCE)

    async def give_back(result: ClaimResult) -> None:
        await release(runtime, result.claim_id)

    return await ask_with_others(runtime.state, "claims", send, give_back, item, patience=PATIENCE)


@asynccontextmanager
async def claimed(runtime: Runtime, item: ClaimItem) -> AsyncIterator[Found]:
    """Holds the lead's match keys while the body writes it; lets them go when the body fails.

    Raises DuplicateBlocked or DuplicateConfirm (409).
    """
    found = await _asked(runtime, item)
    try:
        yield found
    except BaseException:
        await release(runtime, found.claim_id)
        raise


async def _asked(runtime: Runtime, item: ClaimItem) -> Found:
    try:
        result = await ask_one(runtime, item)
    except (Unanswered, Refused) as error:
        logger.warning("duplicate_check_postponed", lead_id=str(item.record_id), reason=str(error))
        return Found(is_checked=False)
    refuse(result)
    return Found(result.candidates, result.hidden_matches, claim_id=result.claim_id)


def refuse(result: ClaimResult) -> None:
    seen: dict[str, Any] = {
        "candidates": [candidate.model_dump(mode="json") for candidate in result.candidates],
        "hidden_matches": result.hidden_matches,
    }
    if result.decision == "blocked":
        raise DuplicateBlocked("A rule does not let the same lead be entered twice.", **seen)
    if result.decision == "confirm":
        sentence = "Look at the candidates; to save it all the same, send the request again with `duplicate_token`."
        raise DuplicateConfirm(sentence, token=result.token, **seen)


async def release(runtime: Runtime, claim_id: UUID | None) -> None:
    """Best effort: a claim that stays behind ends with its lease."""
    if claim_id is None:
        return
    try:
        await ask(runtime, "dedup", "DELETE", f"{CLAIMS}/{claim_id}", None, _Released, timeout=PATIENCE)
    except ServiceError as error:
        logger.info("claim_not_released", claim_id=str(claim_id), reason=str(error))
