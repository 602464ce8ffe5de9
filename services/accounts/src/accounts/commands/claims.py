"""The question to dedup before a record is written, and what its answers mean here."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, ClassVar, Literal, NamedTuple
from uuid import UUID

import structlog
from pydantic import BaseModel

from accounts.models import Account, Contact
from chassis.auth import Principal
from chassis.coalescing import ask_with_others
from chassis.errors import Conflict, ServiceError, Unavailable
from chassis.questions import Unanswered, ask
from chassis.service import Runtime
from contracts.dedup import Candidate, ClaimItem, ClaimReply, ClaimRequest, ClaimResult, Viewer

CLAIMS = "/api/dedup/v1/claims"
INTERACTIVE_SECONDS = 1.0
BATCH_SECONDS = 8.0
RELEASES_AT_ONCE = 8

logger = structlog.get_logger(__name__)


class DuplicateBlocked(Conflict):
    code: ClassVar[str] = "duplicate_blocked"
    title: ClassVar[str] = "This record exists already"


class DuplicateConfirm(Conflict):
    code: ClassVar[str] = "duplicate_confirm"
    title: ClassVar[str] = "This record may exist already"


class DuplicateCheckUnavailable(Unavailable):
    code: ClassVar[str] = "duplicate_check_unavailable"
    title: ClassVar[str] = "The duplicate check does not answer; nothing was saved"


class Answers(NamedTuple):
    """What the caller says about duplicates: the token of a warning already seen, or why the block does not apply."""

    token: str | None = None
    bypass_reason: str | None = None


class Found(NamedTuple):
    """Candidates to show beside a record that was written all the same."""

    candidates: Sequence[Candidate] = ()
    hidden_matches: int = 0


class _Released(BaseModel):
    pass


def item(
    record: Account | Contact,
    event: Literal["create", "edit"],
    path: Literal["api", "import", "restore"],
    **more: Any,
) -> ClaimItem:
    kind: Literal["account", "contact"] = "account" if isinstance(record, Account) else "contact"
    return ClaimItem(object=kind, record_id=record.id, fields=record.match_fields(), event=event, path=path, **more)


def viewer(principal: Principal) -> Viewer:
    return Viewer(user_id=principal.id, roles=sorted(principal.roles), team_ids=sorted(principal.team_ids))


async def ask_many(runtime: Runtime, items: Sequence[ClaimItem], *, timeout: float) -> list[ClaimResult]:
    """One result per item, in order. Raises Unanswered."""
    reply = await ask(runtime, "dedup", "POST", CLAIMS, ClaimRequest(items=list(items)), ClaimReply, timeout=timeout)
    if len(reply.results) != len(items):
        raise Unanswered("dedup answered another question.")
    return reply.results


async def ask_one(runtime: Runtime, item: ClaimItem) -> ClaimResult:
    """Travels with whatever others ask at the same moment. Raises Unanswered."""

    async def send(items: Sequence[ClaimItem]) -> Sequence[ClaimResult]:
        return await ask_many(runtime, items, timeout=INTERACTIVE_SECONDS)

    async def give_back(result: ClaimResult) -> None:
        await release(runtime, [result.claim_id])

    return await ask_with_others(runtime.state, "claims", send, give_back, item, patience=INTERACTIVE_SECONDS)


@asynccontextmanager
async def claimed(
    runtime: Runtime,
    principal: Principal,
    record: Account | Contact,
    event: Literal["create", "edit"],
    answers: Answers,
) -> AsyncIterator[Found]:
    """Holds the record's match keys while the body writes it; lets them go when the body fails.

    Raises DuplicateBlocked or DuplicateConfirm (409), DuplicateCheckUnavailable (503).
    """
    question = item(
        record, event, "api", confirm_token=answers.token, bypass_reason=answers.bypass_reason, viewer=viewer(principal)
    )
    try:
        result = await ask_one(runtime, question)
    except Unanswered as error:
        raise DuplicateCheckUnavailable(headers={"Retry-After": "2"}) from error
    _refuse(result)
    try:
        yield Found(result.candidates, result.hidden_matches)
    except BaseException:
        await release(runtime, [result.claim_id])
        raise


async def report_only(runtime: Runtime, record: Account | Contact) -> None:
    """For what may not be refused, such as a restored record: its keys are claimed if they are free."""
    with suppress(ServiceError):
        await ask_many(runtime, [item(record, "create", "restore", action="alert")], timeout=INTERACTIVE_SECONDS)


async def release(runtime: Runtime, claim_ids: Sequence[UUID | None], *, timeout: float = INTERACTIVE_SECONDS) -> None:
    """Best effort, a few at a time: a claim that stays behind ends with its lease."""
    gate = asyncio.Semaphore(RELEASES_AT_ONCE)

    async def let_go(claim_id: UUID) -> None:
        async with gate:
            try:
                await ask(runtime, "dedup", "DELETE", f"{CLAIMS}/{claim_id}", None, _Released, timeout=timeout)
            except ServiceError as error:
                logger.info("claim_not_released", claim_id=str(claim_id), reason=str(error))

    await asyncio.gather(*(let_go(claim_id) for claim_id in claim_ids if claim_id is not None))


def _refuse(result: ClaimResult) -> None:
    found: dict[str, Any] = {
        "candidates": [candidate.model_dump(mode="json") for candidate in result.candidates],
        "hidden_matches": result.hidden_matches,
    }
    if result.decision == "blocked":
        raise DuplicateBlocked("A rule does not let the same customer be entered twice.", **found)
    if result.decision == "confirm":
        raise DuplicateConfirm(
            "Look at the candidates; to save it all the same, send the request again with `duplicate_token`.",
            token=result.token,
            **found,
        )
