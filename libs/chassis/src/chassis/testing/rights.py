"""The authorisation matrix of a service, tried out: every route, every role, and nobody."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import httpx2
from fastapi.routing import iter_route_contexts

from chassis.access import ROLES, Scope, is_public, rights_of
from chassis.auth import Principal
from chassis.service import Service, operators_routes
from chassis.testing.tokens import headers_for

UNKNOWN_ID = str(UUID(int=7))


@dataclass(frozen=True)
class Guarded:
    """One method of one route with the rights that it demands; none for a route that a sign-in alone opens."""

    method: str
    path: str
    rights: tuple[tuple[str, ...], ...]


def guarded_routes(service: Service) -> Iterator[Guarded]:
    routers = (service.router, *operators_routes(service))
    for route in iter_route_contexts([route for router in routers for route in router.routes]):
        if not is_public(route.dependant):
            rights = tuple(right for right in rights_of(route.dependant) if right)
            path = re.sub(r"\{[^}]+\}", UNKNOWN_ID, str(route.path))
            yield from (Guarded(method, path, rights) for method in sorted(route.methods or ()))


@dataclass
class Rights:
    """`await rights()` -> one line per route and role whose answer contradicts the policy.

    Nobody gets 401; a role without the right 403; a role with it neither, whatever else is wrong with the request.
    `leave_out` are ends of paths, for streams without an end.
    """

    client: httpx2.AsyncClient
    service: Service
    tried: int = 0

    async def __call__(self, *, leave_out: tuple[str, ...] = ()) -> list[str]:
        found: list[str] = []
        for route in guarded_routes(self.service):
            if route.path.endswith(leave_out or ("\0",)):
                continue
            found += await self._check(route, "nobody", {}, is_allowed=False, refusal=401)
            for role in ROLES:
                allowed = all(self._scope(role, *right) is not Scope.NONE for right in route.rights)
                found += await self._check(route, role, headers_for(role), is_allowed=allowed, refusal=403)
        return found

    def _scope(self, role: str, object_name: str, action: str) -> Scope:
        principal = Principal(uuid4(), "service" if role == "service" else "user", role, frozenset({role}))
        return self.service.policy.scope(principal, object_name, action)

    async def _check(
        self, route: Guarded, role: str, headers: dict[str, str], *, is_allowed: bool, refusal: int
    ) -> list[str]:
        self.tried += 1
        answer = await self.client.request(route.method, route.path, headers={**headers, "If-Match": '"1"'})
        is_refused = answer.status_code == refusal and answer.json()["code"] in ("forbidden", "unauthenticated")
        if is_refused is not is_allowed:
            return []
        return [f"{role} {route.method} {route.path}: {answer.status_code}, allowed: {is_allowed}"]
