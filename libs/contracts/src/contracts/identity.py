"""Events of the identity service: users and teams."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.event import Fact, State, open_set


class UserState(State):
    """A person who signs in, or who did."""

    email: str = Field(description="Sign-in name, lower case.")
    name: str = Field(description="Display name.")
    roles: Annotated[
        list[str],
        open_set(
            "What the user may do.",
            admin="everything",
            sales_manager="the team's records",
            sales="own records",
            marketing="leads and campaigns",
            verifier="verifies accounts",
            read_only="reads only",
        ),
    ] = Field(default_factory=list)
    team_ids: list[UUID] = Field(default_factory=list, description="Teams the user belongs to.")
    time_zone: str = Field(default="UTC", description="IANA time zone, for example Europe/Rome.")
    locale: str = Field(default="en", description="BCP 47 language tag, for example it-IT.")
    is_active: bool = Field(default=True, description="False: cannot sign in; records keep their owner.")


class UserCreated(Fact):
    """A user was added."""

    TYPE: ClassVar[str] = "crm.identity.user.created.v1"
    state: UserState


class UserChanged(Fact):
    """Name, e-mail, roles, teams or settings of a user changed."""

    TYPE: ClassVar[str] = "crm.identity.user.changed.v1"
    state: UserState


class UserDeactivated(Fact):
    """A user can no longer sign in."""

    TYPE: ClassVar[str] = "crm.identity.user.deactivated.v1"
    state: UserState


class UserReactivated(Fact):
    """A deactivated user can sign in again."""

    TYPE: ClassVar[str] = "crm.identity.user.reactivated.v1"
    state: UserState


class TeamState(State):
    """A group of users that share records with their manager."""

    name: str = Field(description="Unique name of the team.")
    manager_id: UUID | None = Field(default=None, description="User who manages the team.")


class TeamCreated(Fact):
    """A team was added."""

    TYPE: ClassVar[str] = "crm.identity.team.created.v1"
    state: TeamState


class TeamChanged(Fact):
    """Name or manager of a team changed."""

    TYPE: ClassVar[str] = "crm.identity.team.changed.v1"
    state: TeamState


class TeamDeleted(Fact):
    """A team was removed; its users stay."""

    TYPE: ClassVar[str] = "crm.identity.team.deleted.v1"
    TOMBSTONE: ClassVar[bool] = True
    state: TeamState
