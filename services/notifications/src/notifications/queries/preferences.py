from datetime import time
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from notifications.domain.kinds import complete_choices
from notifications.models import Preference


class QuietHoursView(BaseModel):
    starts: time
    ends: time


class PreferencesView(BaseModel):
    """What is in force, by kind and channel."""

    channels: dict[str, dict[str, bool]]
    quiet_hours: QuietHoursView | None


async def preference_of(session: AsyncSession, user_id: UUID) -> Preference:
    """The person's choices; fresh ones, not stored, when there are none."""
    return await session.get(Preference, user_id) or Preference(user_id=user_id, choices={})


def view_of(preference: Preference) -> PreferencesView:
    starts, ends = preference.quiet_from, preference.quiet_to
    quiet = QuietHoursView(starts=starts, ends=ends) if starts is not None and ends is not None else None
    return PreferencesView(channels=complete_choices(preference.choices), quiet_hours=quiet)
