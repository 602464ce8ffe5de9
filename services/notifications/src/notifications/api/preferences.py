from chassis.access import CurrentPrincipal
from chassis.db import Reader, Session
from notifications.api.feed import routes
from notifications.commands.preferring import ChooseChannels, choose_channels
from notifications.queries.preferences import PreferencesView, preference_of, view_of


@routes.get("/preferences")
async def show_preferences(session: Reader, principal: CurrentPrincipal) -> PreferencesView:
    """What the caller is told by which channel, and when not."""
    return view_of(await preference_of(session, principal.id))


@routes.put("/preferences")
async def replace_preferences(
    command: ChooseChannels, session: Session, principal: CurrentPrincipal
) -> PreferencesView:
    """Replaces the caller's choices; what is left out follows the defaults again."""
    return view_of(await choose_channels(session, principal.id, command))
