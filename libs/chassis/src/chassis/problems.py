"""Every failure of a request as problem+json: our own errors, the framework's, the validator's, the database's."""

import json
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException

from chassis import context, errors
from chassis.errors import FieldProblem, ServiceError

PROBLEM = "application/problem+json"
logger = structlog.get_logger(__name__)


def install(app: FastAPI) -> None:
    """Registers the handlers; what none of them knows becomes a 500 problem at the app's edge (`middleware`)."""
    add: Any = app.add_exception_handler  # its type knows no handler of a narrower exception
    add(ServiceError, _service_error)
    add(HTTPException, _http_exception)
    add(RequestValidationError, _validation_error)
    add(DBAPIError, _database_error)
    add(PoolTimeout, _database_error)
    add(StaleDataError, _stale)
    add(OSError, _lost_connection)


def problem_body(error: ServiceError, instance: str) -> bytes:
    """The document as bytes; survives text that UTF-8 cannot carry, since it may quote the caller."""
    document = {
        **error.problem(),
        "instance": instance,
        "correlation_id": context.current_correlation_id(),
    }
    try:
        return orjson.dumps(document, default=str)
    except TypeError:
        return json.dumps(document, default=str).encode()


def problem_response(request: Request, error: ServiceError) -> Response:
    return Response(
        problem_body(error, request.url.path),
        status_code=error.status,
        headers=error.headers,
        media_type=PROBLEM,
    )


async def _service_error(request: Request, error: ServiceError) -> Response:
    if error.status >= 500 and error.__cause__ is not None:
        logger.warning("request_refused", code=error.code, cause=repr(error.__cause__))
    return problem_response(request, error)


BY_STATUS: Mapping[int, type[ServiceError]] = {
    kind.status: kind
    for kind in (
        errors.Malformed,
        errors.Unauthenticated,
        errors.Forbidden,
        errors.NotFound,
        errors.MethodNotAllowed,
        errors.Conflict,
        errors.TooLarge,
        errors.UnsupportedMediaType,
        errors.Invalid,
        errors.TooManyRequests,
        errors.Unavailable,
    )
}


async def _http_exception(request: Request, error: HTTPException) -> Response:
    return problem_response(request, from_http_exception(error))


def from_http_exception(error: HTTPException) -> ServiceError:
    """The framework's own refusals in our words."""
    kind = BY_STATUS.get(error.status_code) or _kind_for(error.status_code)
    plain = HTTPStatus(error.status_code).phrase if error.status_code in list(HTTPStatus) else ""
    detail = "" if error.detail == plain else str(error.detail)
    return kind(detail, headers=dict(error.headers or {}))


def _kind_for(status: int) -> type[ServiceError]:
    known = status in list(HTTPStatus)
    title = HTTPStatus(status).phrase if known else "The request failed"
    members = {"status": status, "title": title, "code": title.lower().replace(" ", "_").replace("'", "")}
    return type("Refused", (ServiceError,), members)


async def _validation_error(request: Request, error: RequestValidationError) -> Response:
    return problem_response(request, from_validation(error.errors()))


def from_validation(found: Sequence[Mapping[str, Any]]) -> ServiceError:
    """The validator's findings as Invalid (422), or MalformedJson (400) when there was nothing to validate."""
    for item in found:
        if item["type"] == "json_invalid":
            return errors.MalformedJson(f"{item['msg']} at character {item['loc'][-1]}")
    return errors.Invalid(errors=[field_problem(item) for item in found])


SOURCES = {"query": "?", "path": "path:", "header": "header:", "cookie": "cookie:"}
"""What precedes the name of a wrong value that is not in the body."""


CODES = {
    "missing": "required",
    "extra_forbidden": "unknown_field",
    "string_type": "not_text",
    "string_unicode": "not_text",
    "string_too_long": "too_long",
    "string_too_short": "too_short",
    "too_long": "too_many",
    "uuid_parsing": "id_invalid",
    "uuid_type": "id_invalid",
    "int_parsing": "not_a_whole_number",
    "int_type": "not_a_whole_number",
    "bool_parsing": "not_yes_or_no",
    "bool_type": "not_yes_or_no",
    "model_attributes_type": "not_an_object",
    "model_type": "not_an_object",
    "dict_type": "not_an_object",
    "list_type": "not_a_list",
}
"""The validator's names for what callers meet most, in the words of the house; others keep theirs."""


def field_problem(item: Mapping[str, Any]) -> FieldProblem:
    code = item["type"]
    # Our own `too_long` is about a text; the validator's, which names its container, about a list.
    is_ours = code == "too_long" and "field_type" not in (item.get("ctx") or {})
    return FieldProblem(pointer_of(item["loc"]), code if is_ours else CODES.get(code, code), _sentence(item))


def pointer_of(location: Iterable[str | int]) -> str:
    """`("body", "billing", "country")` -> `/billing/country`; `("query", "limit")` -> `?limit`."""
    source, *rest = list(location) or ["body"]
    if source in SOURCES:
        return SOURCES[str(source)] + ".".join(str(part) for part in rest)
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in rest)


def _sentence(item: Mapping[str, Any]) -> str:
    message = str(item["msg"]).removeprefix("Value error, ")
    return message[:1].upper() + message[1:]


async def _database_error(request: Request, error: Exception) -> Response:
    translated = from_database(error)
    if translated.status >= 500:
        logger.error("database_error", error=str(error).split("\n")[0], code=translated.code)
    return problem_response(request, translated)


def from_database(error: Exception) -> ServiceError:
    """Last resort for what validation let through: the SQLSTATE decides whose fault it is."""
    original = getattr(error, "orig", None)
    state = str(getattr(original, "sqlstate", None) or "")
    if isinstance(error, PoolTimeout) or getattr(error, "connection_invalidated", False):
        return errors.DatabaseUnavailable(headers={"Retry-After": "1"})
    if state == "23505":
        return errors.Conflict("Another record has the same value.")
    if state.startswith("23"):
        return errors.Conflict("The value is not consistent with what is stored.")
    if state.startswith("22"):
        return errors.Invalid("A value does not fit into its field.")
    if state in ("40001", "40P01", "55P03", "57014"):
        return errors.Unavailable("Others are working on the same record.", headers={"Retry-After": "1"})
    if state.startswith(("08", "57P", "53", "25006")):
        return errors.DatabaseUnavailable(headers={"Retry-After": "1"})
    return errors.InternalError()


async def _stale(request: Request, error: Exception) -> Response:
    return problem_response(request, errors.PreconditionFailed())


async def _lost_connection(request: Request, error: Exception) -> Response:
    logger.error("connection_failed", error=repr(error))
    return problem_response(request, errors.Unavailable(headers={"Retry-After": "1"}))
