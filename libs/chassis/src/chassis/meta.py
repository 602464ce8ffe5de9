"""GET /api/<service>/v1/meta: the objects of a service and what each field means, for screens and imports."""

from typing import TYPE_CHECKING, Any

import orjson
from fastapi import APIRouter, Response

from chassis.access import signed_in
from chassis.http import HouseRoute

if TYPE_CHECKING:
    from chassis.service import Service


def router(service: "Service") -> APIRouter:
    """One route; the document is made once."""
    found = APIRouter(route_class=HouseRoute, tags=["meta"])
    document: dict[str, Any] = {
        "service": service.name,
        "objects": [catalogue.described() for catalogue in service.objects],
    }
    body = orjson.dumps(document)

    async def describe_objects() -> Response:
        """The catalogue of this service's objects and fields."""
        return Response(body, media_type="application/json")

    found.add_api_route(
        f"/api/{service.name}/v1/meta",
        describe_objects,
        methods=["GET"],
        dependencies=[signed_in()],
        response_model=None,
    )
    return found
