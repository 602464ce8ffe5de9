"""Records of a compacted state topic as what projectors understand: a fact that says nothing but the state."""

from collections.abc import Sequence
from functools import cache

from pydantic import ValidationError

from chassis.kafka import SourceRecord
from chassis.projector import parse
from chassis.subscriptions import Received
from contracts.catalogue import TOPICS, Topic
from contracts.envelope import EnvelopeError, decode
from contracts.event import Fact

BY_STATE = {topic.state_name: topic for topic in TOPICS if topic.has_state}


@cache
def snapshot_class(topic: Topic) -> type[Fact]:
    """A fact of the topic whose state has the topic's own shape."""
    namespace = {"__annotations__": {"state": topic.state_model}, "__module__": __name__}
    made: type[Fact] = type(f"{topic.aggregate.title()}Snapshot", (Fact,), namespace)
    made.TYPE, made.TOPIC, made.SCHEMA = topic.state_type, topic.name, topic.state_schema
    return made


def snapshot(record: SourceRecord) -> Received | None:
    """None for a tombstone. Raises EnvelopeError, ValidationError."""
    topic = BY_STATE[record.topic]
    envelope, data = decode(record.headers, record.value)
    if data is None:
        return None
    state = topic.state_model.model_validate_json(data)
    return Received(snapshot_class(topic)(state=state), envelope)


def decoded(records: Sequence[SourceRecord]) -> tuple[list[Received], int]:
    """Events of facts or states, and how many records could not be read; tombstones and unknown types are left out."""
    found, unreadable = [], 0
    for record in records:
        try:
            received = snapshot(record) if record.topic in BY_STATE else parse(record)
        except (EnvelopeError, ValidationError):
            unreadable += 1
            continue
        if received is not None:
            found.append(received)
    return found, unreadable
