"""One description out of those of all services."""

import json
from collections.abc import Mapping
from typing import Any

Document = dict[str, Any]

REF = "#/components/"
INTRODUCTION = """All services behind one door.

Lists come in pages (`limit`, `cursor`) and take `filter=field:operator:value`, `sort` and `q`. A change names the
version it changes (`If-Match`). A POST with an `Idempotency-Key` may be repeated. Refusals are
`application/problem+json` with a stable `code` and a pointer to each wrong field. What the fields mean:
`GET /api/<service>/v1/meta`."""

SCHEMES: Document = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token from POST /api/identity/v1/sessions or /api/identity/v1/token.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "meridian_session",
        "description": "The browser's session from POST /session; changes need its X-CSRF-Token as well.",
    },
}


def merge(own: Document, services: Mapping[str, Document | None]) -> Document:
    """Paths of all, components prefixed by the service's name; None is a service that did not answer."""
    merged: Document = {
        "openapi": "3.1.0",
        "info": {"title": "Meridian", "version": own["info"]["version"], "description": INTRODUCTION},
        "servers": [{"url": "/"}],
        "tags": [],
        "paths": {},
        "components": {"schemas": {}, "securitySchemes": SCHEMES},
        "security": [{"bearer": []}, {"session": []}],
    }
    for name, document in {"gateway": own, **services}.items():
        if document is not None:
            _add(merged, name, document)
    missing = sorted(name for name, document in services.items() if document is None)
    if missing:
        merged["x-missing-services"] = missing
        merged["info"]["description"] += f"\n\n**Not answering now, so not shown: {', '.join(missing)}.**"
    return merged


def _add(merged: Document, service: str, document: Document) -> None:
    renamed = _rename(service, document)
    merged["tags"].append({"name": service, "description": document.get("info", {}).get("description", "")})
    for kind, members in renamed.get("components", {}).items():
        if kind != "securitySchemes":
            merged["components"].setdefault(kind, {}).update(members)
    for path, operations in renamed.get("paths", {}).items():
        # What a service has beside its API (health) is not reached through the door.
        if path.startswith(f"/api/{service}/") != (service == "gateway"):
            merged["paths"][path] = {part: _tagged(service, operation) for part, operation in operations.items()}


def _rename(service: str, document: Document) -> Document:
    components = document.get("components", {})
    marked = {kind: [*members] for kind, members in components.items() if kind != "securitySchemes"}
    text = json.dumps(document)
    for kind, names in marked.items():
        for name in names:
            text = text.replace(f'"{REF}{kind}/{name}"', f'"{REF}{kind}/{service}.{name}"')
    renamed: Document = json.loads(text)
    for kind in marked:
        renamed["components"][kind] = {f"{service}.{name}": part for name, part in renamed["components"][kind].items()}
    return renamed


def _tagged(service: str, operation: Any) -> Any:
    """Parts of a path that are no operations (`parameters`) stay as they are."""
    if not isinstance(operation, dict) or "responses" not in operation:
        return operation
    tagged = {**operation, "tags": [service]}
    if "operationId" in operation:
        tagged["operationId"] = f"{service}_{operation['operationId']}"
    if operation.get("security"):
        tagged["security"] = [{"bearer": []}, {"session": []}]
    return tagged
