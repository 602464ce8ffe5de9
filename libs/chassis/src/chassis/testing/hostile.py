"""Sends a running app what nobody should send, guided by the app's own OpenAPI document."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx2

from chassis.problems import PROBLEM

UNKNOWN_ID = str(UUID(int=7))
METHODS = ("get", "post", "put", "patch", "delete")
STRANGE: tuple[Any, ...] = (
    None,
    True,
    0,
    2**63,
    10**400,
    1.5,
    "",
    "a" * 70_000,
    "\u0000",
    "\ud800",
    "0001-01-01T00:00:00+14:00",
    UNKNOWN_ID,
    [],
    [UNKNOWN_ID] * 300,
    {},
)
"""Values of every JSON type at and beyond the limits of what programs and databases keep."""


@dataclass(frozen=True)
class Operation:
    """One method of one path of the document."""

    method: str
    path: str
    described: Mapping[str, Any]

    def address(self, value: str = UNKNOWN_ID) -> str:
        parts = self.path.split("/")
        return "/".join(quote(value, safe="") if part.startswith("{") else part for part in parts)

    @property
    def queries(self) -> list[str]:
        return [each["name"] for each in self.described.get("parameters", ()) if each["in"] == "query"]

    @property
    def body(self) -> Mapping[str, Any] | None:
        """The schema of the JSON body."""
        content = self.described.get("requestBody", {}).get("content", {}).get("application/json")
        return content["schema"] if content else None


def _resolved(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref", "").rpartition("/")[2]
    found: Mapping[str, Any] = document["components"]["schemas"][reference] if reference else schema
    return found


def plausible(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Any:
    """A value that the schema allows, with no more than it requires."""
    schema = _resolved(schema, document)
    if "examples" in schema or "enum" in schema:
        return (schema.get("examples") or schema["enum"])[0]
    if "anyOf" in schema:
        return plausible(schema["anyOf"][0], document)
    if schema.get("type") == "object":
        required = schema.get("required", ())
        return {name: plausible(schema["properties"][name], document) for name in required}
    if schema.get("type") == "string":
        return BY_FORMAT.get(schema.get("format", ""), "Word")
    return {"integer": 1, "number": 1, "boolean": True, "array": []}.get(schema.get("type", ""))


BY_FORMAT = {"uuid": UNKNOWN_ID, "date": "2026-11-23", "date-time": "2026-11-23T09:00:00Z", "email": "ann@example.com"}


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        yield from (Operation(method, path, methods[method]) for method in METHODS if method in methods)


@dataclass
class Hostile:
    """`await hostile(headers)` -> one line per answer that no input may cause; `seen` counts all answers by status.

    That is a status of 500 or more (503 excepted when it is a problem: somebody who is asked may be away), a refusal
    that is no problem, or a status that the document does not mention. What a collection has created stands in for the
    id in the addresses below it.
    """

    client: httpx2.AsyncClient
    seen: Counter[int] = field(default_factory=Counter)
    made: dict[str, str] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)

    async def __call__(self, headers: Mapping[str, str], *, leave_out: tuple[str, ...] = ()) -> list[str]:
        document = (await self.client.get("/openapi.json")).json()
        found: list[str] = []
        for operation in sorted(operations(document), key=lambda each: (each.path.count("{"), each.method != "post")):
            if not operation.path.endswith(leave_out or ("\0",)):
                known = self.made.get(operation.path.partition("/{")[0], UNKNOWN_ID)
                for request in _requests(operation, document, known):
                    found += await self._complaints(operation, request, headers, known)
        return found

    async def _complaints(
        self, operation: Operation, request: dict[str, Any], headers: Mapping[str, str], known: str
    ) -> list[str]:
        sent = {**headers, "If-Match": self.etags.get(known, '"1"'), **request.pop("headers", {})}
        answer = await self.client.request(operation.method.upper(), headers=sent, **request)
        self._learn(operation, answer, known)
        reason = _complaint(operation, answer)
        shown = str(request)[:200]
        return [f"{operation.method} {operation.path} {shown}: {reason}: {answer.text[:200]}"] if reason else []

    def _learn(self, operation: Operation, answer: httpx2.Response, known: str) -> None:
        self.seen[answer.status_code] += 1
        if answer.status_code == 201 and "id" in answer.json():
            self.made.setdefault(operation.path, answer.json()["id"])
        elif answer.status_code == 200 and "etag" in answer.headers:
            self.etags[known] = answer.headers["etag"]
        elif answer.status_code == 412 and "current_version" in answer.json():
            self.etags[known] = f'"{answer.json()["current_version"]}"'


def _complaint(operation: Operation, answer: httpx2.Response) -> str:
    kind = answer.headers.get("content-type", "")
    if answer.status_code >= 500 and not (answer.status_code == 503 and kind == PROBLEM):
        return f"status {answer.status_code}"
    if answer.status_code >= 400 and (kind != PROBLEM or not answer.json().get("code")):
        return f"status {answer.status_code} without a problem"
    if str(answer.status_code) not in operation.described["responses"]:
        return f"undocumented status {answer.status_code}"
    return ""


def _requests(operation: Operation, document: Mapping[str, Any], known: str) -> Iterator[dict[str, Any]]:
    here = operation.address(known)
    if "{" in operation.path:
        yield from ({"url": operation.address(each)} for each in ("x", "1", " ", "ż", UNKNOWN_ID, "9" * 400))
    for name in operation.queries:
        yield from ({"url": f"{here}?{name}={_queried(each)}"} for each in STRANGE)
    if operation.body is not None:
        good = plausible(operation.body, document)
        names = _resolved(operation.body, document).get("properties", {})
        yield from ({"url": here, **_body(each)} for each in (good, *STRANGE))
        yield from ({"url": here, **_body({**good, name: each})} for name in names for each in STRANGE)
        yield {"url": here, "content": b"{", "headers": {"Content-Type": "application/json"}}
        yield {"url": here, "content": b"a=1", "headers": {"Content-Type": "text/plain"}}


def _queried(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return quote(text[:5000].encode("utf-8", "surrogatepass"), safe="")


def _body(value: Any) -> dict[str, Any]:
    return {"content": json.dumps(value).encode(), "headers": {"Content-Type": "application/json"}}
