"""Spans: one trace from a request through the outbox to the last effect. Without a collector they cost nothing.

The context travels in the header `traceparent` (W3C Trace Context): over HTTP as it is, over Kafka stored in the outbox
row, since the relay runs later and elsewhere. A batch of several causes is one span with links, as OpenTelemetry's
conventions for messaging have it.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from contracts.envelope import Envelope

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider as Exporting

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
HEADER = "traceparent"
MAX_LINKS = 128

_format = TraceContextTextMapPropagator()
_tracers: dict[str, trace.Tracer] = {}


def install(provider: TracerProvider | None) -> None:
    """Spans of this process go to the provider from now on; None: there are none."""
    _tracers.clear()
    if provider is not None:
        _tracers["chassis"] = provider.get_tracer("meridian.chassis")


def setup(service: str) -> "Exporting | None":
    """Exports by OTLP over HTTP when the environment names a collector; the caller shuts the provider down at the end.

    All of OpenTelemetry's own variables (sampler, headers, resource attributes, batch sizes) are in force.
    """
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider as Exporting
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = Exporting(resource=Resource.create({"service.name": service, "service.namespace": "meridian"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    install(provider)
    return provider


@contextmanager
def span(
    name: str, kind: SpanKind, parent: str | None, *, links: Iterable[str] = (), **attributes: str | int | None
) -> Iterator[str | None]:
    """A span below `parent` (a traceparent; None begins a trace); gives the traceparent for what happens inside."""
    tracer = _tracers.get("chassis")
    if tracer is None:
        yield parent
        return
    with tracer.start_as_current_span(
        name,
        context=_context(parent),
        kind=kind,
        links=_links(links),
        attributes={key.replace("__", "."): value for key, value in attributes.items() if value is not None},
    ):
        carrier: dict[str, str] = {}
        _format.inject(carrier)
        yield carrier.get(HEADER, parent)


@contextmanager
def serving(scope: Mapping[str, Any], parent: str | None) -> Iterator[str | None]:
    """Around the answering of a request; `answered` names it once its route is known."""
    with span(scope["method"], SpanKind.SERVER, parent, http__request__method=scope["method"]) as inside:
        yield inside


def answered(method: str, route: str, status: int) -> None:
    """Of the request that is being served."""
    if _tracers:
        current = trace.get_current_span()
        current.update_name(f"{method} {route}")
        current.set_attributes({"http.route": route, "http.response.status_code": status})


@contextmanager
def sending(headers: Sequence[Mapping[str, str]]) -> Iterator[None]:
    """Around one round of the relay, linked to what caused its events."""
    links = [each[HEADER] for each in headers if HEADER in each] if _tracers else []
    with span("relay send", SpanKind.PRODUCER, None, links=links, messaging__batch__message_count=len(headers)):
        yield


@contextmanager
def handling(handler: str, envelope: Envelope, others: Sequence[Envelope] = ()) -> Iterator[str | None]:
    """Around the handling of an event: part of its trace, linked to those of the others in the same batch."""
    with span(
        handler,
        SpanKind.CONSUMER,
        envelope.traceparent,
        links=[each.traceparent for each in others if each.traceparent] if _tracers else [],
        messaging__system="kafka",
        messaging__message__id=str(envelope.id),
        messaging__message__conversation_id=envelope.correlation_id,
        meridian__event__type=envelope.type,
        meridian__event__sequence=envelope.sequence,
    ) as inside:
        yield inside


def _context(traceparent: str | None) -> Context:
    return _format.extract({HEADER: traceparent} if traceparent else {}, context=Context())


def _links(traceparents: Iterable[str]) -> list[Link]:
    """One per trace, and no more than a span may have."""
    distinct = list(dict.fromkeys(traceparents))[:MAX_LINKS]
    found = [trace.get_current_span(_context(each)).get_span_context() for each in distinct]
    return [Link(each) for each in found if each.is_valid]
