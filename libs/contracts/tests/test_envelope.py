"""The envelope against the specification's own SDK, and against records nobody should send."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from contracts.envelope import Envelope, EnvelopeError, decode, encode

ENVELOPE = Envelope(
    id=UUID("01935a10-0000-7000-8000-000000000001"),
    type="crm.leads.lead.captured.v1",
    source="/crm/leads",
    subject="01935a00-0000-7000-8000-000000000013",
    time=datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC),
    sequence=7,
    correlation_id="abc",
    causation_id="def",
    traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    actor_type="user",
    actor_id="01935a00-0000-7000-8000-000000000001",
    classification="personal",
    dataschema="urn:meridian:schema:crm.leads.lead.captured.v1.0",
)
DATA = json.dumps({"state": {"last_name": "Łucja 🙂"}}, ensure_ascii=False).encode()


def headers(**changes: str) -> list[tuple[str, bytes]]:
    return [(name, changes.get(name, value.decode()).encode()) for name, value in encode(ENVELOPE)]


def without(name: str) -> list[tuple[str, bytes]]:
    return [header for header in encode(ENVELOPE) if header[0] != name]


def test_what_is_encoded_is_decoded() -> None:
    assert decode(encode(ENVELOPE), DATA) == (ENVELOPE, DATA)


def test_optional_attributes_may_be_missing() -> None:
    bare = replace(ENVELOPE, causation_id=None, traceparent=None, actor_type=None, actor_id=None)
    assert decode(encode(bare), DATA) == (bare, DATA)


def test_a_record_without_value_is_a_tombstone() -> None:
    assert decode(encode(ENVELOPE), None) == (ENVELOPE, None)


def test_the_sequence_sorts_as_text() -> None:
    texts = [dict(encode(replace(ENVELOPE, sequence=number)))["ce_sequence"] for number in (2, 10, 99, 100)]
    assert texts == sorted(texts) and len(texts[0]) == 20


def test_the_sdk_reads_what_we_write() -> None:
    message = KafkaMessage(headers=dict(encode(ENVELOPE)), key=ENVELOPE.subject, value=DATA)
    event = from_kafka(message, JSONFormat(), CloudEvent)
    assert event.get_id() == str(ENVELOPE.id)
    assert event.get_type() == ENVELOPE.type
    assert event.get_source() == "/crm/leads"
    assert event.get_time() == ENVELOPE.time
    assert event.get_dataschema() == ENVELOPE.dataschema
    assert event.get_extension("partitionkey") == ENVELOPE.subject
    assert event.get_extension("sequence") == "00000000000000000007"
    assert event.get_extension("authtype") == "app_user"
    assert event.get_data() == json.loads(DATA)


def sdk_event() -> CloudEvent:
    attributes = {
        "id": str(ENVELOPE.id),
        "type": ENVELOPE.type,
        "source": ENVELOPE.source,
        "subject": ENVELOPE.subject,
        "time": ENVELOPE.time,
        "datacontenttype": "application/json",
        "dataschema": ENVELOPE.dataschema,
        "partitionkey": ENVELOPE.subject,
        "sequence": "00000000000000000007",
        "correlationid": "abc",
        "causationid": "def",
        "traceparent": ENVELOPE.traceparent,
        "authtype": "app_user",
        "authid": ENVELOPE.actor_id,
        "dataclassification": "personal",
    }
    return CloudEvent(attributes, json.loads(DATA))


def test_we_read_what_the_sdk_writes_in_binary_mode() -> None:
    message = to_binary(sdk_event(), JSONFormat())
    envelope, data = decode(message.headers.items(), message.value)
    assert envelope == ENVELOPE
    assert data is not None and json.loads(data) == json.loads(DATA)


def test_we_read_what_the_sdk_writes_in_structured_mode() -> None:
    message = to_structured(sdk_event(), JSONFormat())
    envelope, data = decode(message.headers.items(), message.value)
    assert envelope == ENVELOPE
    assert data is not None and json.loads(data) == json.loads(DATA)


def structured(**document: object) -> tuple[list[tuple[str, bytes]], bytes]:
    whole = {
        "specversion": "1.0",
        "id": str(ENVELOPE.id),
        "type": ENVELOPE.type,
        "source": "/crm/leads",
        "subject": ENVELOPE.subject,
        "time": "2026-11-23T13:00:00+01:00",
    } | document
    return [("Content-Type", b"application/cloudevents+json; charset=utf-8")], json.dumps(whole).encode()


def test_structured_mode_in_its_simplest_form() -> None:
    envelope, data = decode(*structured(data={"a": 1}, sequence=3))
    assert (envelope.sequence, envelope.time, data) == (3, datetime(2026, 11, 23, 12, tzinfo=UTC), b'{"a": 1}')
    assert envelope.correlation_id == str(ENVELOPE.id)
    assert envelope.classification == "personal"


def test_structured_mode_with_binary_data_and_without_data() -> None:
    assert decode(*structured(data_base64="eyJhIjogMX0="))[1] == b'{"a": 1}'
    assert decode(*structured())[1] is None


@pytest.mark.parametrize("name", ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_time"])
def test_a_missing_attribute_is_refused(name: str) -> None:
    with pytest.raises(EnvelopeError, match=name[3:]):
        decode(without(name), DATA)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ce_specversion", "0.3"),
        ("ce_id", "not-a-uuid"),
        ("ce_time", "yesterday"),
        ("ce_time", "2026-11-23T12:00:00"),
        ("ce_sequence", "seven"),
    ],
)
def test_an_attribute_that_makes_no_sense_is_refused(name: str, text: str) -> None:
    with pytest.raises(EnvelopeError):
        decode(headers(**{name: text}), DATA)


def test_a_header_that_is_not_text_is_refused() -> None:
    with pytest.raises(EnvelopeError, match="UTF-8"):
        decode([("ce_id", b"\xff\xfe")], DATA)


@pytest.mark.parametrize("value", [None, b"", b"{", b"[]", b"\xff"])
def test_a_structured_record_that_is_no_object_is_refused(value: bytes | None) -> None:
    with pytest.raises(EnvelopeError):
        decode([("content-type", b"application/cloudevents+json")], value)


def test_structured_data_that_is_not_base64_is_refused() -> None:
    with pytest.raises(EnvelopeError, match="base64"):
        decode(*structured(data_base64="§§§"))
