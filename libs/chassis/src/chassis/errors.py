"""One tree of errors, each with a status and a stable code; all leave as application/problem+json (RFC 9457)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class FieldProblem:
    """One wrong value.

    `pointer` says where: a JSON pointer into the body (`/billing/country`), `?limit` for a query parameter,
    `path:account_id` for a part of the path, `header:If-Match` for a header. `code` is stable, `detail` is for people.
    """

    pointer: str
    code: str
    detail: str


class ServiceError(Exception):
    """A situation that the caller can be told about.

    Subclasses name the situation and fix `status`, `code` and `title`; `extra` become members of the problem, `headers`
    headers of the response.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[FieldProblem] | None = None,
        headers: dict[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = list(errors or [])
        self.headers = headers or {}
        self.extra = extra

    def problem(self) -> dict[str, Any]:
        """The members of the problem document that do not depend on the request."""
        members: dict[str, Any] = {
            **self.extra,
            "type": f"urn:meridian:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
        if self.errors:
            members["errors"] = [asdict(error) for error in self.errors]
        return members


class Malformed(ServiceError):
    status = 400
    code = "malformed_request"
    title = "The request cannot be read"


class MalformedJson(Malformed):
    code = "malformed_json"
    title = "The body is not valid JSON"


class CursorInvalid(Malformed):
    code = "cursor_invalid"
    title = "The cursor is broken or belongs to another list"


class Unauthenticated(ServiceError):
    status = 401
    code = "unauthenticated"
    title = "Sign in first"

    def __init__(self, detail: str = "", **extra: Any) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="meridian"'}, **extra)


class TokenInvalid(Unauthenticated):
    code = "token_invalid"
    title = "The token is not accepted"


class TokenExpired(Unauthenticated):
    code = "token_expired"
    title = "The token has expired"


class Forbidden(ServiceError):
    status = 403
    code = "forbidden"
    title = "Your role does not allow this"


class NotFound(ServiceError):
    status = 404
    code = "not_found"
    title = "There is no such thing"


class MethodNotAllowed(ServiceError):
    status = 405
    code = "method_not_allowed"
    title = "This address does not take that method"


class Conflict(ServiceError):
    status = 409
    code = "conflict"
    title = "The request conflicts with what is stored"


class PreconditionFailed(ServiceError):
    status = 412
    code = "version_conflict"
    title = "Somebody changed it in the meantime"


class TooLarge(ServiceError):
    status = 413
    code = "body_too_large"
    title = "The body is too large"


class UnsupportedMediaType(ServiceError):
    status = 415
    code = "unsupported_media_type"
    title = "The body must be JSON"


class Invalid(ServiceError):
    status = 422
    code = "validation_failed"
    title = "Some values are not accepted"


class PreconditionRequired(ServiceError):
    status = 428
    code = "if_match_required"
    title = "Say which version you are changing"


class TooManyRequests(ServiceError):
    status = 429
    code = "too_many_requests"
    title = "Too many requests"


class InternalError(ServiceError):
    """What nobody foresaw; the correlation id finds it in the logs."""


class Unavailable(ServiceError):
    status = 503
    code = "unavailable"
    title = "Try again in a moment"


class DatabaseUnavailable(Unavailable):
    code = "database_unavailable"
    title = "The database does not answer"
