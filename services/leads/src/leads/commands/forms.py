from secrets import token_urlsafe
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import get_for_update
from chassis.fields import partial
from leads.commands.places import Place, chosen_place
from leads.models import Form
from leads.queries.forms import FormFields, FormNotFound


class ChangeForm(partial(FormFields)):  # type: ignore[misc]  # a class made at run time
    """Fields to change; those that are missing stay."""


async def create_form(session: AsyncSession, command: FormFields) -> Form:
    await _require_queue(session, command.queue_id)
    form = Form(key=token_urlsafe(12), **command.model_dump())
    session.add(form)
    await session.flush()
    return form


async def change_form(session: AsyncSession, form_id: UUID, expected: int, command: ChangeForm) -> Form:
    form = await get_for_update(session, Form, form_id, expected, FormNotFound())
    values: dict[str, Any] = command.model_dump(exclude_unset=True)
    await _require_queue(session, values.get("queue_id"))
    for name, value in values.items():
        if value is not None or name in ("campaign", "queue_id"):
            setattr(form, name, value)
    await session.flush()
    return form


async def _require_queue(session: AsyncSession, queue_id: UUID | None) -> None:
    if queue_id is not None:
        await chosen_place(session, None, Place(queue_id=queue_id))
