"""The AsyncAPI 3 document of all topics, from the catalogue."""

from typing import Any

from pydantic.json_schema import models_json_schema

from contracts.catalogue import TOPICS, Topic
from contracts.jsonschema import Plain

HEADERS: dict[str, str] = {
    "ce_specversion": "Always 1.0.",
    "ce_id": "UUIDv7 of the event. Drop an event whose id you have handled.",
    "ce_type": "What happened; decides which JSON Schema the data follow.",
    "ce_source": "/crm/<service> that wrote it.",
    "ce_subject": "Id of the aggregate.",
    "ce_time": "When it happened, RFC 3339, UTC.",
    "ce_dataschema": "Name of the JSON Schema with its minor version.",
    "ce_partitionkey": "The record's key: id of the aggregate.",
    "ce_sequence": "Version of the aggregate, padded with zeros to 20 digits.",
    "ce_correlationid": "The same for everything one request set off.",
    "ce_causationid": "ce_id of the event that caused this one.",
    "ce_authtype": "Kind of the acting principal: app_user, service_account, system.",
    "ce_authid": "Id of the acting principal.",
    "ce_dataclassification": "personal or none.",
    "ce_traceparent": "W3C trace context in which the event began.",
    "traceparent": "W3C trace context of the last hop.",
    "content-type": "application/json; readers also accept application/cloudevents+json.",
}
ALWAYS = ("ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_time", "content-type")
DAY_MS = 24 * 60 * 60 * 1000


def document(version: str) -> dict[str, Any]:
    """The whole AsyncAPI 3.0 document; `version` is the release of the contracts."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Meridian events",
            "version": version,
            "description": "Every fact of Meridian, for any internal system. CloudEvents 1.0, Kafka binary mode.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": {"host": "127.0.0.1:9092", "protocol": "kafka", "description": "The broker that `make up` starts."}
        },
        "channels": {name: value for topic in TOPICS for name, value in _channels(topic).items()},
        "operations": {name: value for topic in TOPICS for name, value in _operations(topic).items()},
        "components": {
            "schemas": _schemas(),
            "messages": {name: value for topic in TOPICS for name, value in _messages(topic).items()},
            "messageTraits": {"cloudEvent": {"headers": _headers()}},
        },
    }


def _schemas() -> dict[str, Any]:
    events = [(event, "serialization") for topic in TOPICS for event in topic.events]
    _, found = models_json_schema(
        events,  # type: ignore[arg-type]  # the mode is one of pydantic's two literals
        ref_template="#/components/schemas/{model}",
        schema_generator=Plain,
    )
    return dict(found["$defs"])


def _headers() -> dict[str, Any]:
    texts = {name: {"type": "string", "description": text} for name, text in HEADERS.items()}
    return {"type": "object", "properties": texts, "required": list(ALWAYS)}


def _channels(topic: Topic) -> dict[str, Any]:
    facts = {
        topic.name: {
            "address": topic.name,
            "description": topic.description,
            "messages": {event.TYPE: {"$ref": f"#/components/messages/{event.TYPE}"} for event in topic.events},
            "bindings": _bindings(topic, {"cleanup.policy": ["delete"], "retention.ms": topic.retention_days * DAY_MS}),
            "x-owner": topic.owner,
            "x-classification": topic.classification,
        }
    }
    if not topic.has_state:
        return facts
    return facts | {
        topic.state_name: {
            "address": topic.state_name,
            "description": f"The latest state of every {topic.aggregate}, compacted. A record without value: removed.",
            "messages": {topic.state_type: {"$ref": f"#/components/messages/{topic.state_type}"}},
            "bindings": _bindings(topic, {"cleanup.policy": ["compact"]}),
            "x-owner": topic.owner,
            "x-classification": topic.classification,
        }
    }


def _bindings(topic: Topic, configuration: dict[str, Any]) -> dict[str, Any]:
    return {"kafka": {"partitions": topic.partitions, "topicConfiguration": configuration, "bindingVersion": "0.5.0"}}


def _operations(topic: Topic) -> dict[str, Any]:
    names = [topic.name, topic.state_name] if topic.has_state else [topic.name]
    sends = {f"{topic.producer}.sends.{name}": _operation("send", name) for name in names}
    receives = {f"{reader}.receives.{topic.name}": _operation("receive", topic.name) for reader in topic.consumers}
    return sends | receives


def _operation(action: str, channel: str) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}}


def _messages(topic: Topic) -> dict[str, Any]:
    messages = {event.TYPE: _message(event.TYPE, event.__name__, event.__doc__) for event in topic.events}
    if topic.has_state:
        model = topic.state_model.__name__
        messages[topic.state_type] = _message(topic.state_type, model, f"The latest state of one {topic.aggregate}.")
    return messages


def _message(type_: str, model: str, summary: str | None) -> dict[str, Any]:
    return {
        "name": type_,
        "title": model,
        "summary": summary or "",
        "contentType": "application/json",
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
        "payload": {"$ref": f"#/components/schemas/{model}"},
        "bindings": {"kafka": {"key": {"type": "string", "format": "uuid"}, "bindingVersion": "0.5.0"}},
    }
