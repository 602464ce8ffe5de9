"""The hostile caller finds what it is made to find, and nothing in a service that is right."""

from typing import Annotated, Any

import httpx2
import pytest
from fastapi import Query, Response
from pydantic import BaseModel

from chassis.access import ROLES, Access, allow, public
from chassis.auth import StaticKeys
from chassis.errors import Forbidden
from chassis.http import router as house_router
from chassis.service import Service, attach, create_app
from chassis.settings import ServiceSettings
from chassis.testing import SIGNING_KEY
from chassis.testing.hostile import Hostile
from chassis.testing.rights import Rights, guarded_routes


async def test_a_service_of_the_house_stands_it(hostile: Hostile, as_role: Any) -> None:
    left_out = ("/stream", "/slow", "/endless", "/teams")  # teams can be made to fail on purpose
    assert await hostile(as_role("admin"), leave_out=left_out) == []
    assert hostile.seen[422] and hostile.seen[200]


class Order(BaseModel):
    pieces: int


@pytest.fixture
async def fragile(service: Service) -> Any:
    router = house_router("fragile")

    @router.post("/orders", dependencies=[public()], status_code=201)
    async def order(body: Order) -> dict[str, Any]:
        return {"id": "7", "each": 100 / body.pieces}

    @router.get("/orders/{order_id}", dependencies=[public()])
    async def find(order_id: str, page: Annotated[str, Query()] = "1") -> dict[str, int]:
        return {"page": int(page)}

    @router.get("/teapots", dependencies=[public()])
    async def teapot(response: Response, size: int = 1) -> None:
        response.status_code = 418 if size > 1000 else 200

    broken = Service(name="fragile", settings=ServiceSettings, router=router, policy=service.policy)
    app = create_app(broken, ServiceSettings(database_url=""))
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://t") as client:
            yield Hostile(client)


async def test_what_is_wrong_is_found(fragile: Hostile) -> None:
    found = await fragile({}, leave_out=("/meta",))
    text = "\n".join(found)
    assert "post /api/fragile/v1/orders" in text and "ZeroDivision" not in text
    assert any("orders" in line and "status 500" in line for line in found)
    assert any("get /api/fragile/v1/orders/{order_id}" in line and "status 500" in line for line in found)
    assert any("status 418 without a problem" in line for line in found)
    assert fragile.made == {"/api/fragile/v1/orders": "7"}


async def test_every_role_is_answered_as_the_policy_says(rights: Rights) -> None:
    assert await rights() == []
    routes = list(guarded_routes(rights.service))
    # The sample's own, and the operators' of every service; each is tried by nobody and by every role.
    assert {"/api/workshop/v1/teams", "/api/identity/v1/operations/parked"} <= {route.path for route in routes}
    assert rights.tried == len(routes) * (1 + len(ROLES))


async def test_an_answer_against_the_policy_is_found(service: Service, database: Any, runtime: Any) -> None:
    router = house_router("fragile")

    @router.get("/locked")
    async def locked(access: Annotated[Access, allow("team", "read")]) -> None:
        raise Forbidden("Nobody reads this, whatever the policy says.")

    strict = Service(name="fragile", settings=ServiceSettings, router=router, policy=service.policy)
    app = create_app(strict, runtime.settings, runtime=runtime)
    attach(app, runtime, StaticKeys(SIGNING_KEY))
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://t") as client:
        found = await Rights(client, strict)()
    assert found[0] == "admin GET /api/fragile/v1/locked: 403, allowed: True"
    assert {line.split()[0] for line in found} == {"admin", "marketing", "sales", "sales_manager", "service"}
