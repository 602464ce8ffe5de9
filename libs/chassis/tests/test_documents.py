"""What the service says about itself: /meta and the OpenAPI document."""

from typing import Any

import pytest
from fastapi import FastAPI


@pytest.fixture
async def document(client: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get("/openapi.json")).json()
    return found


async def test_meta_describes_every_field(client: Any, as_role: Any) -> None:
    answer = await client.get("/api/identity/v1/meta", headers=as_role("read_only"))
    assert answer.status_code == 200
    described = answer.json()
    assert described["service"] == "identity"
    team = described["objects"][0]
    assert (team["name"], team["label"], team["plural"]) == ("team", "Team", "Teams")
    by_name = {field["name"]: field for field in team["fields"]}
    assert by_name["name"] == {
        "name": "name",
        "label": "Name",
        "help": "What everybody calls it",
        "kind": "text",
        "max_length": 40,
        "options": [],
        "open_set": False,
        "reference": None,
        "required": True,
        "fields": [],
        "filterable": True,
        "sortable": True,
        "ops": ["eq", "ne", "in", "contains", "starts", "gt", "gte", "lt", "lte", "empty"],
    }
    assert by_name["owner_id"]["reference"] == "identity.user"
    assert by_name["place"]["filterable"] is False, "no column, no filter"
    assert [part["name"] for part in by_name["place"]["fields"]][:2] == ["street", "city"]


async def test_meta_needs_a_sign_in(client: Any) -> None:
    assert (await client.get("/api/identity/v1/meta")).status_code == 401


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


async def test_every_operation_documents_its_problems(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        for status in ("400", "401", "403", "404", "409", "422", "503"):
            content = operation["responses"][status]["content"]
            assert list(content) == ["application/problem+json"], (method, path, status)
            assert content["application/problem+json"]["schema"]["$ref"] == "#/components/schemas/Problem"


async def test_the_problem_schema_is_complete(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert {"type", "title", "status", "detail", "code", "instance", "correlation_id"} <= set(
        schemas["Problem"]["required"]
    )
    assert "ProblemItem" in schemas
    assert "HTTPValidationError" not in schemas


async def test_sign_in_is_documented(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    by_path = {(method, path): operation for method, path, operation in operations(document)}
    assert document["security"] == [{"bearer": []}]
    assert by_path["post", "/api/workshop/v1/open-doors"]["security"] == []
    assert "security" not in by_path["post", "/api/workshop/v1/teams"]


async def test_headers_are_documented(document: dict[str, Any]) -> None:
    by_path = {(method, path): operation for method, path, operation in operations(document)}
    posted = {parameter["name"]: parameter for parameter in by_path["post", "/api/workshop/v1/teams"]["parameters"]}
    assert posted["Idempotency-Key"]["in"] == "header" and not posted["Idempotency-Key"]["required"]
    patched = by_path["patch", "/api/workshop/v1/teams/{team_id}"]
    parameters = {parameter["name"]: parameter for parameter in patched["parameters"]}
    assert parameters["If-Match"]["required"] is True
    assert {"412", "428"} <= set(patched["responses"])
    assert "412" not in by_path["get", "/api/workshop/v1/teams"]["responses"]
    assert "ETag" in patched["responses"]["200"]["headers"]
    assert "ETag" in by_path["post", "/api/workshop/v1/teams"]["responses"]["201"]["headers"]
    assert "headers" not in by_path["get", "/api/workshop/v1/teams"]["responses"]["200"]


async def test_filters_and_sorts_are_listed(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/api/workshop/v1/teams"]["get"]["parameters"]
    by_name = {parameter["name"]: parameter for parameter in parameters}
    assert "`founded_on`" in by_name["sort"]["description"]
    assert "`tags`: contains empty" in by_name["filter"]["description"]


async def test_health_is_no_part_of_the_api(document: dict[str, Any], app: FastAPI) -> None:
    assert not [path for path in document["paths"] if not path.startswith("/api/")]
    assert {"/livez", "/readyz", "/metrics"}.isdisjoint(document["paths"])
