"""What users and teams are made of, for /meta, lists and documents."""

from sqlalchemy import ColumnElement, or_

from chassis.fields import ObjectCatalogue
from identity.commands.teams import TeamFields
from identity.commands.users import UserFields
from identity.models import Team, User
from identity.queries import TeamView, UserView


def _users_named(words: str) -> ColumnElement[bool]:
    return or_(User.name.icontains(words, autoescape=True), User.email.icontains(words, autoescape=True))


def _teams_named(words: str) -> ColumnElement[bool]:
    return Team.name.icontains(words, autoescape=True)


USERS = ObjectCatalogue(
    name="user",
    label="User",
    plural="Users",
    help="A person who works with the system.",
    model=UserFields,
    view=UserView,
    columns=User,
    filterable=("is_active",),
    sortable=("is_active",),
    search=_users_named,
)

TEAMS = ObjectCatalogue(
    name="team",
    label="Team",
    plural="Teams",
    help="People who work on each other's records.",
    model=TeamFields,
    view=TeamView,
    columns=Team,
    search=_teams_named,
)
