"""What surrounds every route: correlation, limits, versions in ETag and If-Match, and the route class of the house."""

import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any, Protocol, TypeVar

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.params import Form
from fastapi.routing import APIRoute
from uuid_utils.compat import uuid7

from chassis import context, idempotency, openapi
from chassis.errors import (
    FieldProblem,
    Malformed,
    MalformedJson,
    PreconditionRequired,
    ServiceError,
    UnsupportedMediaType,
)

CORRELATION = b"x-correlation-id"
TRACEPARENT = b"traceparent"
_CORRELATION_SHAPE = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
_TRACEPARENT_SHAPE = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_ETAG_SHAPE = re.compile(r'"(\d{1,18})"')
NUL_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class IfMatchMalformed(Malformed):
    code = "if_match_malformed"
    title = "The header If-Match is not a version"


class CallerGone(ServiceError):
    status = 499
    code = "caller_gone"
    title = "The caller did not wait for the answer"


async def require_caller(request: Request) -> None:
    """Rolls back what nobody waits for any more: who asked with a time limit has taken silence for an answer.

    Call it as the last thing before the end of the transaction. Raises CallerGone.
    """
    if await request.is_disconnected():
        raise CallerGone()


class HouseRoute(APIRoute):
    """Refuses bodies that cannot be meant, replays repeated POSTs, and documents what the chassis adds."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **openapi.completed(options))

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        takes_json = self.body_field is not None and not isinstance(self.body_field.field_info, Form)

        async def handle_in_house_style(request: Request) -> Response:
            if takes_json:
                await _refuse_strange_body(request)
            response = await handle(request)
            if request.method == "POST":
                await idempotency.remember(request, response)
            return response

        return handle_in_house_style


async def _refuse_strange_body(request: Request) -> None:
    body = await request.body()
    if not body:
        return
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise UnsupportedMediaType("Send JSON with the header 'Content-Type: application/json'.")
    if b"\\u0000" in body and NUL_ESCAPE.search(body):
        raise MalformedJson("The body contains a NUL character.")


def router(service: str, *, version: int = 1) -> APIRouter:
    """The service's router with the prefix /api/<service>/v<version>."""
    return APIRouter(prefix=f"/api/{service}/v{version}", route_class=HouseRoute, responses=openapi.PROBLEMS)


async def if_match(
    value: Annotated[
        str | None,
        Header(alias="If-Match", description='The version you are changing, as the ETag gave it: `"3"`.'),
    ] = None,
) -> int:
    """The expected version. Raises PreconditionRequired (428) without the header, IfMatchMalformed (400)."""
    if value is None:
        raise PreconditionRequired('Send the header If-Match with the ETag you have read, such as "3".')
    found = _ETAG_SHAPE.fullmatch(value.strip())
    if found is None:
        problem = FieldProblem("header:If-Match", "if_match_malformed", 'Send one strong ETag, such as "3".')
        raise IfMatchMalformed(errors=[problem])
    return int(found.group(1))


IfMatch = Annotated[int, Depends(if_match)]


class HasVersion(Protocol):
    @property
    def version(self) -> int: ...


ViewT = TypeVar("ViewT", bound=HasVersion)


def tagged(response: Response, view: ViewT) -> ViewT:
    """Sets the ETag from the view's version and gives the view back."""
    response.headers["ETag"] = f'"{view.version}"'
    return view


def correlation_of(headers: Mapping[bytes, bytes]) -> str:
    """The caller's correlation id when it is harmless, else a new one."""
    given = headers.get(CORRELATION, b"")
    return given.decode() if _CORRELATION_SHAPE.fullmatch(given) else str(uuid7())


def traceparent_of(headers: Mapping[bytes, bytes]) -> str | None:
    given = headers.get(TRACEPARENT, b"")
    return given.decode() if _TRACEPARENT_SHAPE.fullmatch(given) else None


def is_plain(scope: Mapping[str, Any]) -> bool:
    """Whether path and query are free of NUL, which PostgreSQL can store in no text."""
    return "\0" not in scope["path"] and b"%00" not in scope.get("query_string", b"")


__all__ = ["HouseRoute", "IfMatch", "context", "require_caller", "router", "tagged"]
