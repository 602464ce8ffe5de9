"""JSON Schema 2020-12 of every event type and of every state, for readers in any language."""

import copy
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from contracts.catalogue import TOPICS, Topic
from contracts.event import Event

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Plain(GenerateJsonSchema):
    """Pydantic's schema without the titles that only repeat a field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def event_schema(event: type[Event], topic: Topic) -> dict[str, Any]:
    """The published schema of an event's data: open, so that a reader accepts fields added later."""
    return _published(event, event.SCHEMA, event.TYPE, topic)


def state_schema(topic: Topic) -> dict[str, Any]:
    """The published schema of a record's value in the topic's compacted topic."""
    return _published(topic.state_model, topic.state_schema, topic.state_type, topic)


@cache
def schemas() -> dict[str, dict[str, Any]]:
    """Every published schema by `ce_type`."""
    found: dict[str, dict[str, Any]] = {}
    for topic in TOPICS:
        found |= {event.TYPE: event_schema(event, topic) for event in topic.events}
        if topic.has_state:
            found[topic.state_type] = state_schema(topic)
    return found


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """The same schema as the producer keeps it: an object may have the named properties only."""
    strict: dict[str, Any] = copy.deepcopy(schema)
    for part in (strict, *strict.get("$defs", {}).values()):
        if "properties" in part:
            part.setdefault("additionalProperties", False)
    return strict


def _published(model: type[BaseModel], id_: str, type_: str, topic: Topic) -> dict[str, Any]:
    schema = model.model_json_schema(mode="serialization", schema_generator=Plain)
    return {
        "$schema": DIALECT,
        "$id": id_,
        "title": type_,
        "x-topic": topic.state_name if type_ == topic.state_type else topic.name,
        "x-owner": topic.owner,
        "x-classification": topic.classification,
        **{name: value for name, value in schema.items() if name != "title"},
    }
