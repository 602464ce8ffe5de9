from typing import Annotated
from uuid import UUID

from fastapi import Request, Response, status

from chassis.access import Access, allow
from chassis.auth import Principal
from chassis.db import Reader, Session
from chassis.http import IfMatch, require_caller, tagged
from chassis.http import router as house_router
from chassis.listing import Listing, Page, listing_of
from contracts.dedup import ClaimReply, ClaimRequest
from dedup.commands.claims import claim_keys, release_claim
from dedup.commands.decide import DismissSet, SetRule, dismiss_set, set_rule
from dedup.queries.checks import CheckDraft, CheckView, check_draft
from dedup.queries.rules import ObjectName, RuleView, rule_of
from dedup.queries.sets import DUPLICATE_SETS, DuplicateSetView, list_sets, set_by_id
from dedup.queries.visibility import Eyes

router = house_router("dedup")

MayClaim = Annotated[Access, allow("claim", "create")]
MayCheck = Annotated[Access, allow("check", "create")]
MayReadRules = Annotated[Access, allow("rule", "read")]
MaySetRules = Annotated[Access, allow("rule", "update")]
MayReadSets = Annotated[Access, allow("duplicate_set", "read")]
MayDismiss = Annotated[Access, allow("duplicate_set", "dismiss")]


def eyes_of(principal: Principal) -> Eyes:
    return Eyes(principal.id, principal.is_admin)


@router.post("/claims", max_body_size=8_388_608)
async def claim(access: MayClaim, command: ClaimRequest, request: Request, session: Session) -> ClaimReply:
    """May these records be written? Reserves their exact keys for ten minutes; the records' events confirm them."""
    secret = request.app.state.runtime.settings.client_secret.get_secret_value()
    reply = await claim_keys(session, command, secret)
    await require_caller(request)
    return reply


@router.delete("/claims/{claim_id}", status_code=status.HTTP_204_NO_CONTENT)
async def release(access: MayClaim, claim_id: UUID, session: Session) -> None:
    """Gives the keys of a record back that was not written after all."""
    await release_claim(session, claim_id)


@router.post("/checks")
async def check(access: MayCheck, draft: CheckDraft, session: Reader) -> CheckView:
    """Records like the one being typed; what you may not see is only counted."""
    return await check_draft(session, draft, eyes_of(access.principal))


@router.get("/rules/{object}")
async def get_rule(access: MayReadRules, object: ObjectName, response: Response, session: Reader) -> RuleView:
    """What happens to duplicates of one kind of record."""
    return tagged(response, await rule_of(session, object))


@router.put("/rules/{object}")
async def put_rule(
    access: MaySetRules, object: ObjectName, command: SetRule, expected: IfMatch, response: Response, session: Session
) -> RuleView:
    """Replaces the rule; decisions made under the former one stay."""
    await set_rule(session, object, command, expected, access.principal.id)
    await session.flush()
    return tagged(response, await rule_of(session, object))


@router.get("/duplicate-sets")
async def get_sets(
    access: MayReadSets, session: Reader, listing: Annotated[Listing, listing_of(DUPLICATE_SETS, default_sort="-score")]
) -> Page[DuplicateSetView]:
    """Sets of records that are probably the same, the surest first."""
    return await list_sets(session, listing, eyes_of(access.principal))


@router.get("/duplicate-sets/{set_id}")
async def get_set(access: MayReadSets, set_id: UUID, response: Response, session: Reader) -> DuplicateSetView:
    """One set with the reasons for each member."""
    return tagged(response, await set_by_id(session, set_id, eyes_of(access.principal)))


@router.post("/duplicate-sets/{set_id}/dismissal")
async def dismiss(
    access: MayDismiss, set_id: UUID, command: DismissSet, response: Response, session: Session
) -> DuplicateSetView:
    """Says that the records are not the same; remembered for each pair until one of the two changes."""
    eyes = eyes_of(access.principal)
    await dismiss_set(session, set_id, command, access, eyes)
    return tagged(response, await set_by_id(session, set_id, eyes))
