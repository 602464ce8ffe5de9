"""The merged OpenAPI document that the web application's client is made from, put together without a running system.

`python -m tests.web.description write` writes web/openapi.json.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from chassis.service import Service, create_app
from gateway.domain import openapi

WRITTEN = Path(__file__).parents[2] / "web" / "openapi.json"
SERVICES = ("accounts", "activities", "dedup", "identity", "leads", "notifications")
OPERATORS = "/operations/"
"""The operators' routes: the application has no page for them, and they are the same in every service."""


def described(name: str) -> dict[str, Any]:
    service: Service = import_module(f"{name}.service").service
    return create_app(service, service.settings()).openapi()


def merged() -> str:
    """As the gateway merges it, one value a line, so that a change reads well."""
    document = openapi.merge(described("gateway"), {name: described(name) for name in SERVICES})
    document["paths"] = {path: found for path, found in document["paths"].items() if OPERATORS not in path}
    _drop_unused(document)
    return json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _drop_unused(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    while True:
        whole = json.dumps(document)
        unused = [name for name in schemas if f'"#/components/schemas/{name}"' not in whole]
        if not unused:
            return
        for name in unused:
            del schemas[name]


if __name__ == "__main__":
    if sys.argv[1:] == ["write"]:
        WRITTEN.write_text(merged(), encoding="utf-8")
    else:
        sys.exit("usage: python -m tests.web.description write")
