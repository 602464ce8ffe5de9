"""Who may hear of a change, decided once per event and not once per listener."""

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.subscriptions import Received
from contracts.accounts import ContactMadePrivate, ContactState
from contracts.activities import ActivityState
from contracts.dedup import DuplicateSetState
from notifications.domain.sight import EVERYBODY, Audience, audience_of_set, audience_of_work
from notifications.queries.people import records_of


async def audience_of(session: AsyncSession, received: Received) -> Audience:
    state = received.event.state
    if isinstance(state, ContactState):
        # Whoever saw the contact until now must hear that it is gone; the id tells him nothing new.
        became_private = isinstance(received.event, ContactMadePrivate)
        private = (state.is_private or state.account_id is None) and not became_private
        return Audience(False, frozenset({state.owner_id})) if private else EVERYBODY
    if isinstance(state, ActivityState):
        records = await records_of(session, [(link.object, link.id) for link in state.links])
        return audience_of_work(records, frozenset(filter(None, (state.owner_id, state.assignee_id))))
    if isinstance(state, DuplicateSetState):
        return audience_of_set(await records_of(session, [(member.object, member.id) for member in state.members]))
    return EVERYBODY
