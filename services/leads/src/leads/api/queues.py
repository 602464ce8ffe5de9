from typing import Annotated
from uuid import UUID

from fastapi import Response, status

from chassis.access import Access, allow
from chassis.db import Reader, Session
from chassis.http import IfMatch, tagged
from chassis.http import router as house_router
from chassis.listing import Listing, Page, listing_of
from leads.commands.queues import ChangeQueue, change_queue, create_queue, delete_queue, take_next
from leads.queries.leads import LeadView
from leads.queries.queues import QUEUES, QueueFields, QueueView, list_queues, view_of_queue

router = house_router("leads")

MayRead = Annotated[Access, allow("queue", "read")]
MayTake = Annotated[Access, allow("queue", "take")]
MayManage = Annotated[Access, allow("queue", "manage")]


@router.get("/queues")
async def get_queues(
    access: MayRead, session: Reader, listing: Annotated[Listing, listing_of(QUEUES, default_sort="name")]
) -> Page[QueueView]:
    """Queues with how many leads wait in each."""
    return await list_queues(session, listing)


@router.post("/queues", status_code=status.HTTP_201_CREATED)
async def post_queue(access: MayManage, command: QueueFields, response: Response, session: Session) -> QueueView:
    """Makes a queue."""
    return tagged(response, await view_of_queue(session, await create_queue(session, command)))


@router.get("/queues/{queue_id}")
async def get_queue(access: MayRead, queue_id: UUID, response: Response, session: Reader) -> QueueView:
    """One queue."""
    return tagged(response, await view_of_queue(session, queue_id))


@router.patch("/queues/{queue_id}")
async def patch_queue(
    access: MayManage,
    queue_id: UUID,
    expected: IfMatch,
    command: ChangeQueue,
    response: Response,
    session: Session,
) -> QueueView:
    """Changes name, members, or which queue is the default."""
    await change_queue(session, queue_id, expected, command)
    return tagged(response, await view_of_queue(session, queue_id))


@router.delete("/queues/{queue_id}", status_code=status.HTTP_204_NO_CONTENT)
async def remove_queue(access: MayManage, queue_id: UUID, expected: IfMatch, session: Session) -> None:
    """Removes an empty queue."""
    await delete_queue(session, queue_id, expected)


@router.post("/queues/{queue_id}/take", responses={204: {"description": "Nothing waits in the queue"}})
async def post_take(access: MayTake, queue_id: UUID, session: Session, response: Response) -> LeadView | None:
    """Gives the caller the lead that has waited longest; 204 when the queue is empty."""
    lead = await take_next(session, access.principal, queue_id)
    if lead is None:
        response.status_code = status.HTTP_204_NO_CONTENT
        return None
    return tagged(response, LeadView.model_validate(lead))
