from typing import Annotated

from fastapi import Response

from chassis.access import Access, allow
from chassis.db import Reader, Session
from chassis.http import IfMatch, tagged
from chassis.http import router as house_router
from leads.commands.statuses import SetStatuses, set_statuses
from leads.queries.statuses import StatusList, status_list

router = house_router("leads")

MayRead = Annotated[Access, allow("status", "read")]
MaySet = Annotated[Access, allow("status", "update")]


@router.get("/statuses")
async def get_statuses(access: MayRead, response: Response, session: Reader) -> StatusList:
    """The status picklist in its order, each value with what it means."""
    return tagged(response, await status_list(session))


@router.put("/statuses")
async def put_statuses(
    access: MaySet, command: SetStatuses, expected: IfMatch, response: Response, session: Session
) -> StatusList:
    """Replaces the whole list; a status that leads have must stay in it."""
    await set_statuses(session, command, expected, access.principal.id)
    await session.flush()
    return tagged(response, await status_list(session))
