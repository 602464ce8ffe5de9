"""What the caller may do: a role matrix, compiled to SQL; a route that says nothing stops the start."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Protocol
from uuid import UUID

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.params import Depends
from fastapi.routing import APIRoute, iter_route_contexts
from sqlalchemy import ColumnElement, false, or_, select, true
from starlette.routing import BaseRoute

from chassis.auth import Principal, require_principal
from chassis.errors import Forbidden

ROLES = ("admin", "sales_manager", "sales", "marketing", "verifier", "read_only", "service")
MARK = "__meridian_access__"
PUBLIC_MARK = "__meridian_public__"


class Scope(StrEnum):
    """Which records a right covers; a later member includes the earlier ones."""

    NONE = "none"
    OWN = "own"
    TEAM = "team"
    ALL = "all"


OPERATION = "operation"
"""The object of the operators' routes, which every service has; nobody but an admin may use them."""

ORDER = {scope: rank for rank, scope in enumerate(Scope)}
Matrix = Mapping[str, Mapping[str, Mapping[str, Scope]]]


class UnprotectedRoute(RuntimeError):
    """A route without a policy, or with a right that the policy file does not know."""


class Policy:
    """Rights by object, action and role.

    A role that is not named has none; admin has all unless the row names it. Service accounts have the role `service`.
    """

    def __init__(self, matrix: Matrix) -> None:
        self.matrix: Matrix = {OPERATION: {"read": {}, "change": {}}, **matrix}
        for name, action, role in self._entries():
            if role not in ROLES:
                raise ValueError(f"{name}.{action}: unknown role {role!r}")

    def _entries(self) -> Iterator[tuple[str, str, str]]:
        for name, actions in self.matrix.items():
            for action, roles in actions.items():
                yield from ((name, action, role) for role in roles)

    def knows(self, object_name: str, action: str) -> bool:
        return action in self.matrix.get(object_name, {})

    def scope(self, principal: Principal, object_name: str, action: str) -> Scope:
        """The widest scope that any of the principal's roles gives. KeyError for a right that is not in the matrix."""
        granted = self.matrix[object_name][action]
        roles = set(principal.roles)
        if principal.kind == "service":
            roles.add("service")
        found = [granted.get(role, Scope.ALL if role == "admin" else Scope.NONE) for role in roles]
        return max(found, key=ORDER.__getitem__, default=Scope.NONE)


class TeamMembers(Protocol):
    """A replica of users, for rights that reach the team."""

    id: Any
    team_ids: Any


@dataclass(frozen=True)
class Access:
    """One caller's right to one action on one kind of object."""

    principal: Principal
    object: str
    action: str
    scope: Scope
    policy: Policy

    def rows(self, owner: Any, team: type[TeamMembers] | None = None) -> ColumnElement[bool]:
        """The records covered, as a condition: `owner` is the owner's column, `team` the model that keeps users."""
        if self.scope is Scope.ALL:
            return true()
        if self.scope is Scope.NONE:
            return false()
        mine: ColumnElement[bool] = owner == self.principal.id
        if self.scope is Scope.TEAM and team is not None and self.principal.team_ids:
            mates = select(team.id).where(team.team_ids.overlap(sorted(self.principal.team_ids)))
            return or_(mine, owner.in_(mates))
        return mine

    def covers(self, owner_id: UUID | None, owner_team_ids: Iterable[UUID] = ()) -> bool:
        """The same for one loaded record."""
        if self.scope is Scope.ALL:
            return True
        if self.scope is Scope.NONE:
            return False
        if owner_id is not None and owner_id == self.principal.id:
            return True
        return self.scope is Scope.TEAM and not self.principal.team_ids.isdisjoint(owner_team_ids)

    def require(self, owner_id: UUID | None, owner_team_ids: Iterable[UUID] = ()) -> None:
        """Raises Forbidden (403) unless the record is covered."""
        if not self.covers(owner_id, owner_team_ids):
            raise Forbidden(f"You may not {self.action} this {self.object}.")

    def to(self, action: str, object_name: str | None = None) -> "Access":
        """The same caller's right to another action, for views that say what else may be done."""
        name = object_name or self.object
        return Access(self.principal, name, action, self.policy.scope(self.principal, name, action), self.policy)


def _marked(dependency: Callable[..., Any], *right: str) -> Depends:
    setattr(dependency, MARK, right)
    return Depends(dependency)


def allow(object_name: str, action: str) -> Any:
    """For `Annotated[Access, allow("account", "read")]`: 401 without a token, 403 without the right."""

    async def allowed(request: Request) -> Access:
        principal = await require_principal(request)
        policy: Policy = request.app.state.service.policy
        scope = policy.scope(principal, object_name, action)
        if scope is Scope.NONE:
            raise Forbidden(f"Your role may not {action} {object_name} records.")
        return Access(principal, object_name, action, scope, policy)

    return _marked(allowed, object_name, action)


def signed_in() -> Any:
    """For routes that anybody with a valid token may use; the value is the Principal."""

    async def signed_in_principal(request: Request) -> Principal:
        return await require_principal(request)

    return _marked(signed_in_principal)


def public() -> Any:
    """For routes without sign-in, as `dependencies=[public()]`; a token that comes along is not looked at."""

    async def anybody(request: Request) -> None:
        request.state.principal = None

    setattr(anybody, PUBLIC_MARK, True)
    return _marked(anybody)


CurrentPrincipal = Annotated[Principal, signed_in()]


def rights_of(dependant: Dependant) -> list[tuple[str, ...]]:
    """What the dependencies of a route demand: `(object, action)`, or `()` for public and signed-in routes."""
    own = [getattr(dependant.call, MARK)] if hasattr(dependant.call, MARK) else []
    return own + [right for child in dependant.dependencies for right in rights_of(child)]


def is_public(dependant: Dependant) -> bool:
    """Whether the route is open to everybody."""
    return hasattr(dependant.call, PUBLIC_MARK) or any(is_public(child) for child in dependant.dependencies)


def require_policies(routes: list[BaseRoute], policy: Policy) -> None:
    """Raises UnprotectedRoute when a route of the service has no policy, or one that is not in the matrix."""
    for route in iter_route_contexts(routes):
        name = f"{'/'.join(sorted(route.methods or ()))} {route.path}"
        if not isinstance(route.original_route, APIRoute):
            raise UnprotectedRoute(f"{name} is not a route that can carry a policy")
        rights = rights_of(route.dependant)
        if not rights:
            raise UnprotectedRoute(f"{name} has no allow(), signed_in() or public()")
        for right in filter(None, rights):
            if not policy.knows(*right):
                raise UnprotectedRoute(f"{name} demands {'.'.join(right)}, which the policy does not know")
