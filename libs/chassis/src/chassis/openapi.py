"""What the generated OpenAPI document says about every route besides its own parameters."""

from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel, ConfigDict, Field

from chassis import access


class ProblemItem(BaseModel):
    """One wrong value."""

    pointer: str = Field(description="`/billing/country`, `?limit`, `path:account_id` or `header:If-Match`")
    code: str
    detail: str


class Problem(BaseModel):
    """RFC 9457 problem details."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="`urn:meridian:problem:<code>`")
    title: str
    status: int
    detail: str
    code: str = Field(description="stable, for programs")
    instance: str
    correlation_id: str
    errors: list[ProblemItem] = Field(default_factory=list)


def _problem(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: _problem("Malformed request"),
    401: _problem("Not signed in, or the token is not accepted"),
    403: _problem("The role does not allow this"),
    404: _problem("No such record, or not visible to you"),
    409: _problem("Conflict with what is stored"),
    413: _problem("Body too large"),
    415: _problem("Body is not JSON"),
    422: _problem("Values not accepted; `errors` has a pointer to each"),
    503: _problem("A part of the system does not answer; try again"),
}
CHANGED: dict[int | str, dict[str, Any]] = {412: _problem("Somebody changed the record in the meantime")}
VERSION_MISSING = _problem("The header If-Match is missing")

IDEMPOTENCY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Repeat a request with the same key and body to get the first answer again; kept for 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
}
SAFE = {"GET", "HEAD", "OPTIONS"}
ETAG = {"description": "The version, for If-Match.", "schema": {"type": "string", "examples": ['"3"']}}


def completed(options: dict[str, Any]) -> dict[str, Any]:
    """A route's options with what the chassis does for it: problem responses and the Idempotency-Key header."""
    methods = {method.upper() for method in options.get("methods") or ["GET"]}
    extra = dict(options.get("openapi_extra") or {})
    if "POST" in methods:
        extra["parameters"] = [*extra.get("parameters", []), IDEMPOTENCY_PARAMETER]
    responses = {**PROBLEMS, **({} if methods <= SAFE else CHANGED), **(options.get("responses") or {})}
    return {**options, "responses": responses, "openapi_extra": extra or None}


def install(app: FastAPI) -> None:
    """Adds the problem schema and the bearer scheme to the document, which is built once on demand."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    components = found.setdefault("components", {})
    components.setdefault("schemas", {}).update(_schemas())
    components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    found["security"] = [{"bearer": []}]
    for route in iter_route_contexts(app.routes):
        for method in route.methods or ():
            operation = found["paths"].get(route.path_format, {}).get(method.lower())
            if operation is not None and isinstance(route.original_route, APIRoute):
                _complete_operation(operation, route.dependant, components["schemas"])
    return found


def _schemas() -> dict[str, Any]:
    whole = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**whole.pop("$defs", {}), "Problem": whole}


def _complete_operation(operation: dict[str, Any], dependant: Dependant, schemas: dict[str, Any]) -> None:
    if access.is_public(dependant):
        operation["security"] = []
    for parameter in operation.get("parameters", ()):
        if parameter["name"] == "If-Match":
            parameter["required"] = True
            operation["responses"]["428"] = VERSION_MISSING
    for status, response in operation["responses"].items():
        if status.startswith("2") and "version" in _properties(response, schemas):
            response["headers"] = {"ETag": ETAG}


def _properties(response: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    reference = response.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
    properties: dict[str, Any] = schemas.get(reference.rpartition("/")[2], {}).get("properties", {})
    return properties
