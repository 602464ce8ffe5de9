"""The CloudEvents 1.0 envelope: written in Kafka binary mode, read in binary and in structured mode.

In binary mode an event without data is a Kafka tombstone; in structured mode it is not. That is why we write binary.
"""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, cast
from uuid import UUID

from contracts.event import utc

Headers = Sequence[tuple[str, bytes]]
Classification = Literal["personal", "none"]
STRUCTURED = "application/cloudevents+json"

# The authcontext extension names these; inside Meridian a principal is a user or a service.
AUTH_TYPES = {"user": "app_user", "service": "service_account"}
PRINCIPAL_KINDS = {wire: kind for kind, wire in AUTH_TYPES.items()}
REQUIRED = ("id", "type", "source", "subject", "time")


class EnvelopeError(ValueError):
    """The record is not a CloudEvent that Meridian understands; reading it again cannot help."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Everything about an event except its data."""

    id: UUID
    type: str
    source: str
    subject: str
    time: datetime
    sequence: int
    correlation_id: str
    causation_id: str | None
    traceparent: str | None
    actor_type: str | None
    actor_id: str | None
    classification: Classification
    dataschema: str


def encode(envelope: Envelope) -> list[tuple[str, bytes]]:
    """The record headers of binary mode; the record's key must be `envelope.subject` and its value the data as JSON."""
    attributes: dict[str, str | None] = {
        "content-type": "application/json",
        "ce_specversion": "1.0",
        "ce_id": str(envelope.id),
        "ce_type": envelope.type,
        "ce_source": envelope.source,
        "ce_subject": envelope.subject,
        "ce_time": envelope.time.isoformat().replace("+00:00", "Z"),
        "ce_dataschema": envelope.dataschema,
        "ce_partitionkey": envelope.subject,
        "ce_sequence": f"{envelope.sequence:020d}",
        "ce_correlationid": envelope.correlation_id,
        "ce_causationid": envelope.causation_id,
        "ce_authtype": AUTH_TYPES.get(envelope.actor_type, envelope.actor_type) if envelope.actor_type else None,
        "ce_authid": envelope.actor_id,
        "ce_dataclassification": envelope.classification,
        "ce_traceparent": envelope.traceparent,
        "traceparent": envelope.traceparent,
    }
    return [(name, value.encode()) for name, value in attributes.items() if value is not None]


def decode(headers: Iterable[tuple[str, bytes]], value: bytes | None) -> tuple[Envelope, bytes | None]:
    """The envelope and the data (None for a tombstone) of a record in either mode; EnvelopeError for anything else."""
    attributes, others = _texts(headers)
    if others.get("content-type", "").split(";")[0].strip().lower() == STRUCTURED:
        return _decode_structured(value)
    attributes["traceparent"] = others.get("traceparent") or attributes.get("traceparent", "")
    return _envelope(attributes), value


def _texts(headers: Iterable[tuple[str, bytes]]) -> tuple[dict[str, str], dict[str, str]]:
    """The attributes without their prefix, and the other headers."""
    attributes: dict[str, str] = {}
    others: dict[str, str] = {}
    try:
        for name, raw in headers:
            if raw is not None:
                attribute, other = _split(name)
                (attributes if attribute else others)[attribute or other] = str(raw, "utf-8")
    except UnicodeDecodeError as error:
        raise EnvelopeError("a header is not UTF-8") from error
    return attributes, others


@lru_cache(256)  # the same fifteen names in every record
def _split(name: str) -> tuple[str, str]:
    lowered = name.lower()
    return (lowered[3:], "") if lowered.startswith("ce_") else ("", lowered)


def _decode_structured(value: bytes | None) -> tuple[Envelope, bytes | None]:
    try:
        document = json.loads(value or b"")
    except ValueError as error:
        raise EnvelopeError("structured CloudEvent is not JSON") from error
    if not isinstance(document, dict):
        raise EnvelopeError("structured CloudEvent is not a JSON object")
    attributes = {name: str(value) for name, value in document.items() if isinstance(value, str | int)}
    return _envelope(attributes), _structured_data(document)


def _structured_data(document: Mapping[str, Any]) -> bytes | None:
    if "data_base64" in document:
        try:
            return base64.b64decode(document["data_base64"], validate=True)
        except (ValueError, TypeError) as error:
            raise EnvelopeError("data_base64 is not base64") from error
    data = document.get("data")
    return None if data is None else json.dumps(data, ensure_ascii=False).encode()


def _envelope(attributes: Mapping[str, str]) -> Envelope:
    if attributes.get("specversion") != "1.0":
        raise EnvelopeError(f"specversion {attributes.get('specversion')!r} is not 1.0")
    missing = [name for name in REQUIRED if not attributes.get(name)]
    if missing:
        raise EnvelopeError(f"missing {', '.join(missing)}")
    actor = attributes.get("authtype")
    try:
        return Envelope(
            id=UUID(attributes["id"]),
            type=attributes["type"],
            source=attributes["source"],
            subject=attributes["subject"],
            time=utc(attributes["time"]),
            sequence=int(attributes.get("sequence", "0")),
            correlation_id=attributes.get("correlationid") or attributes["id"],
            causation_id=attributes.get("causationid"),
            traceparent=attributes.get("traceparent") or None,
            actor_type=PRINCIPAL_KINDS.get(actor, actor) if actor else None,
            actor_id=attributes.get("authid"),
            classification=_classification(attributes.get("dataclassification")),
            dataschema=attributes.get("dataschema", ""),
        )
    except ValueError as error:
        raise EnvelopeError(str(error)) from error


def _classification(text: str | None) -> Classification:
    # A record that does not say is treated as personal: the careful reading.
    return cast(Classification, text) if text in ("personal", "none") else "personal"
