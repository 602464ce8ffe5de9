from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response, status

from chassis.access import Access, allow
from chassis.changes import FieldChanges, WantedChanges, changes_of
from chassis.db import Reader, Session
from chassis.http import IfMatch, tagged
from chassis.http import router as house_router
from chassis.listing import Listing, Page, listing_of
from leads.commands.capture import CaptureLead, capture_lead
from leads.commands.leads import (
    AssignLead,
    ChangeLead,
    MoveLead,
    assign_lead,
    change_lead,
    delete_lead,
    move_lead,
    restore_lead,
)
from leads.queries.leads import LEADS, CapturedLead, LeadHistory, LeadView, history_of, lead_by_id, list_leads

router = house_router("leads")

MayRead = Annotated[Access, allow("lead", "read")]
MayCreate = Annotated[Access, allow("lead", "create")]
MayUpdate = Annotated[Access, allow("lead", "update")]
MayAssign = Annotated[Access, allow("lead", "assign")]
MayDelete = Annotated[Access, allow("lead", "delete")]


@router.post("/leads", status_code=status.HTTP_201_CREATED)
async def post_lead(
    access: MayCreate, command: CaptureLead, request: Request, response: Response, session: Session
) -> CapturedLead:
    """Enters a lead. Without an owner it waits in the default queue; what it may be the same as is in the answer."""
    lead = await capture_lead(session, request.app.state.runtime, access, command)
    response.headers["Location"] = f"/api/leads/v1/leads/{lead.id}"
    return tagged(response, lead)


@router.get("/leads")
async def get_leads(
    access: MayRead,
    session: Reader,
    listing: Annotated[Listing, listing_of(LEADS)],
    deleted: Annotated[bool, Query(description="Only deleted leads, to restore them")] = False,
) -> Page[LeadView]:
    """Leads by filter and search."""
    return await list_leads(session, access, listing, deleted=deleted)


@router.get("/leads/{lead_id}")
async def get_lead(access: MayRead, lead_id: UUID, response: Response, session: Reader) -> LeadView:
    """One lead, also when it is deleted."""
    return tagged(response, LeadView.model_validate(await lead_by_id(session, access, lead_id)))


@router.get("/leads/{lead_id}/history")
async def get_history(access: MayRead, lead_id: UUID, session: Reader) -> LeadHistory:
    """How a lead moved between statuses and owners."""
    return await history_of(session, access, lead_id)


@router.get("/leads/{lead_id}/changes")
async def get_changes(access: MayRead, lead_id: UUID, session: Reader, wanted: WantedChanges) -> FieldChanges:
    """Who changed which field, from what to what; the newest first."""
    lead = await lead_by_id(session, access, lead_id)
    return await changes_of(session, "lead", lead.id, lead.created_at, wanted)


@router.patch("/leads/{lead_id}")
async def patch_lead(
    access: MayUpdate,
    lead_id: UUID,
    expected: IfMatch,
    command: ChangeLead,
    request: Request,
    response: Response,
    session: Session,
) -> CapturedLead:
    """Changes the given fields."""
    lead = await change_lead(session, request.app.state.runtime, access, lead_id, expected, command)
    return tagged(response, lead)


@router.post("/leads/{lead_id}/status")
async def post_status(
    access: MayUpdate, lead_id: UUID, command: MoveLead, response: Response, session: Session
) -> LeadView:
    """Moves a lead to another status, with a reason for the history."""
    lead = await move_lead(session, access, lead_id, command)
    return tagged(response, LeadView.model_validate(lead))


@router.post("/leads/{lead_id}/owner")
async def post_owner(
    access: MayAssign, lead_id: UUID, command: AssignLead, response: Response, session: Session
) -> LeadView:
    """Gives a lead to a user, or puts it into a queue, where it keeps its time of arrival."""
    lead = await assign_lead(session, access, lead_id, command)
    return tagged(response, LeadView.model_validate(lead))


@router.delete("/leads/{lead_id}", status_code=status.HTTP_204_NO_CONTENT)
async def remove_lead(access: MayDelete, lead_id: UUID, expected: IfMatch, session: Session) -> None:
    """Deletes a lead; it can be restored."""
    await delete_lead(session, access, lead_id, expected)


@router.post("/leads/{lead_id}/restoration")
async def post_restoration(
    access: MayDelete, lead_id: UUID, request: Request, response: Response, session: Session
) -> CapturedLead:
    """Brings a deleted lead back."""
    return tagged(response, await restore_lead(session, request.app.state.runtime, access, lead_id))
