"""Events of the notifications service."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.event import Fact, State, open_set


class NotificationState(State):
    """One notice for one person."""

    recipient_id: UUID = Field(description="User who is told.")
    kind: Annotated[
        str,
        open_set(
            "What happened.",
            assigned="a record was assigned",
            duplicate="a duplicate is suspected",
            reminder="a reminder is due",
            mail_failed="a mail could not be delivered",
        ),
    ]
    title: str = Field(description="One line.")
    body: str = Field(default="", description="Some more words.")
    link: str | None = Field(default=None, description="Path in the application.")
    object: str | None = Field(default=None, description="Kind of record it is about.")
    object_id: UUID | None = Field(default=None, description="Record it is about.")
    is_read: bool = Field(default=False, description="The person has seen it.")
    channels: Annotated[list[str], open_set("How the person is told.", app="in the application", email="by e-mail")] = (
        Field(default_factory=list)
    )


class NotificationCreated(Fact):
    """A person is told something."""

    TYPE: ClassVar[str] = "crm.notifications.notification.created.v1"
    state: NotificationState


class NotificationRead(Fact):
    """A person has seen a notice."""

    TYPE: ClassVar[str] = "crm.notifications.notification.read.v1"
    state: NotificationState
