"""Logs: JSON lines in production, coloured text in a terminal, all with the correlation id; and what requests took."""

import logging
import sys
from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from chassis import context, metrics
from chassis.settings import ServiceSettings

QUIET = frozenset({"/livez", "/readyz", "/metrics"})
NOISY = ("uvicorn.access", "aiokafka", "asyncio", "python_multipart")
SECRET_WORDS = ("password", "secret", "token", "authorization", "cookie")


def setup_logging(settings: ServiceSettings, service: str) -> None:
    """Sends structlog's and every library's records to standard output in one shape. Call once per process."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _with_correlation,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _naming(service),
        _without_secrets,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    _route_standard_logging(settings, shared)
    access_log.begin(settings, service)


class AccessLog:
    """One line per request, written past the logging chain: it is by far the most frequent record."""

    def __init__(self) -> None:
        self._write: Callable[[dict[str, Any]], str] | None = None

    def begin(self, settings: ServiceSettings, service: str) -> None:
        if settings.log_level in ("debug", "info"):
            self._write = _plain_line if settings.log == "console" else _json_line(service)

    def __call__(self, **fields: Any) -> None:
        if self._write is not None:
            level = "error" if fields["status"] >= 500 else "info"
            moment = datetime.now(UTC).isoformat().replace("+00:00", "Z")
            known = {"timestamp": moment, "level": level, "correlation_id": context.correlation_id.get()}
            sys.stdout.write(self._write({**known, **fields}) + "\n")
            sys.stdout.flush()


access_log = AccessLog()


def _plain_line(fields: dict[str, Any]) -> str:
    told = {name: value for name, value in fields.items() if name not in ("timestamp", "level")}
    # An address may contain anything, also line ends that would forge a record.
    text = " ".join(f"{name}={value}" for name, value in told.items()).encode("unicode_escape").decode()
    return f"{fields['timestamp']} [{fields['level']:<9}] request {text}"


def _json_line(service: str) -> Callable[[dict[str, Any]], str]:
    return lambda fields: _json({"event": "request", "logger": "access", "service": service, **fields})


def _route_standard_logging(settings: ServiceSettings, shared: list[Processor]) -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderer(settings)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "aiokafka"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _renderer(settings: ServiceSettings) -> list[Processor]:
    if settings.log == "console":
        plain = structlog.dev.plain_traceback  # the pretty one prints every local variable, and takes seconds
        return [structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=plain)]
    traces = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))
    return [traces, structlog.processors.JSONRenderer(serializer=_json)]


def _json(event: Any, **_: Any) -> str:
    try:
        return orjson.dumps(event, default=repr).decode()
    except TypeError:
        return orjson.dumps({key: repr(value) for key, value in event.items()}).decode()


def _with_correlation(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    correlation = context.correlation_id.get()
    if correlation is not None:
        event.setdefault("correlation_id", correlation)
    return event


def _naming(service: str) -> Processor:
    def name_service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return name_service


def _without_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    for key in event:
        if any(word in key.lower() for word in SECRET_WORDS):
            event[key] = "***"
    return event


def route_template(scope: Mapping[str, Any] | MutableMapping[str, Any]) -> str:
    """`/api/leads/v1/leads/{lead_id}` of a handled request; `unmatched` keeps strangers' paths out of the labels."""
    effective = scope.get("fastapi", {}).get("effective_route_context")
    path = getattr(effective or scope.get("route"), "path", None)
    return path if isinstance(path, str) else "unmatched"


def measure_request(method: str, route: str, status: int, seconds: float) -> None:
    metrics.request_seconds.labels(method, route, str(status)).observe(seconds)
