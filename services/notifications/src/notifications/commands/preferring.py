from datetime import time
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.fields import FieldModel, refuse
from notifications.domain.kinds import SELECTABLE, Channel
from notifications.models import Preference
from notifications.queries.preferences import preference_of


def _without_zone(value: time) -> time:
    if value.tzinfo is not None:
        refuse("offset_not_allowed", "Quiet hours are by your own clock")
    return value


Clock = Annotated[time, AfterValidator(_without_zone)]


class QuietHours(FieldModel):
    """By the person's own clock; they may pass midnight. Mails wait until they end."""

    starts: Clock
    ends: Clock

    @model_validator(mode="after")
    def _some_hours(self) -> Self:
        if self.starts == self.ends:
            refuse("span_empty", "Quiet hours begin and end at different times")
        return self


class ChooseChannels(FieldModel):
    """By kind and channel what to send; what is left out follows the defaults."""

    channels: dict[str, dict[str, bool]] = Field(default_factory=dict)
    quiet_hours: QuietHours | None = None

    @model_validator(mode="after")
    def _known_names(self) -> Self:
        names = [*self.channels, *(name for each in self.channels.values() for name in each)]
        known = {*map(str, SELECTABLE), *map(str, Channel)}
        strange = sorted({name for name in names if name not in known} | (set(self.channels) & set(map(str, Channel))))
        if strange:
            refuse("unknown_choice", f"Not a kind or channel: {', '.join(strange)[:100]}")
        return self


async def choose_channels(session: AsyncSession, user_id: UUID, command: ChooseChannels) -> Preference:
    quiet = command.quiet_hours
    values = {
        "choices": command.channels,
        "quiet_from": quiet.starts if quiet else None,
        "quiet_to": quiet.ends if quiet else None,
    }
    chosen = upsert(Preference).values(user_id=user_id, **values)
    await session.execute(chosen.on_conflict_do_update(index_elements=[Preference.user_id], set_=values))
    return await preference_of(session, user_id)
