"""The catalogue is complete and keeps to the house's names."""

import importlib
import pkgutil
import re

import pytest

import contracts
from contracts import leads
from contracts.catalogue import TOPICS, Topic, event_class, parse, state_of, topic_named, topic_of, topics_of
from contracts.event import Event, Fact
from contracts.examples import example

EVENTS = [(event, topic) for topic in TOPICS for event in topic.events]
IDS = [event.__name__ for event, _ in EVENTS]
MODULES = [importlib.import_module(f"contracts.{found.name}") for found in pkgutil.iter_modules(contracts.__path__)]


@pytest.mark.parametrize(("event", "topic"), EVENTS, ids=IDS)
def test_a_type_is_service_aggregate_fact_version(event: type[Event], topic: Topic) -> None:
    assert re.fullmatch(r"crm\.[a-z_]+\.[a-z_]+\.[a-z_]+\.v[1-9]\d*", event.TYPE)
    assert event.TYPE.startswith(f"{topic.name}.")
    assert topic.name == f"crm.{topic.producer}.{topic.aggregate}"


@pytest.mark.parametrize(("event", "topic"), EVENTS, ids=IDS)
def test_a_class_is_named_like_its_type(event: type[Event], topic: Topic) -> None:
    _, _, aggregate, fact, _ = event.TYPE.split(".")
    assert event.__name__ == "".join(part.capitalize() for part in f"{aggregate}_{fact}".split("_"))


@pytest.mark.parametrize(("event", "topic"), EVENTS, ids=IDS)
def test_the_catalogue_finds_class_and_topic(event: type[Event], topic: Topic) -> None:
    assert event_class(event.TYPE) is event
    assert topic_of(event) is topic
    assert issubclass(event, Fact) and event.model_fields["state"].annotation is topic.state_model


def test_every_event_class_is_in_the_catalogue() -> None:
    written = {
        value
        for module in MODULES
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Event) and value.TYPE
    }
    assert written == {event for event, _ in EVENTS}


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_topic_has_owner_description_and_retention(topic: Topic) -> None:
    assert re.fullmatch(r"@meridian/[a-z-]+", topic.owner)
    assert topic.description.endswith(".")
    assert topic.retention_days in range(1, 31)
    assert topic.classification in ("personal", "none")
    assert topic.partitions == 24


def test_a_topic_without_state_has_no_tombstones() -> None:
    assert not [event for event, topic in EVENTS if event.TOMBSTONE and not topic.has_state]


def test_deletions_remove_the_record_for_new_subscribers() -> None:
    assert all(event.TYPE.endswith(".deleted.v1") == event.TOMBSTONE for event, _ in EVENTS)


def test_topics_by_producer_and_by_name() -> None:
    assert {topic.name for topic in topics_of("leads")} == {"crm.leads.lead", "crm.leads.queue"}
    assert topic_named("crm.leads.lead").state_name == "crm.leads.lead.state"
    with pytest.raises(KeyError):
        topic_named("crm.leads.unknown")


def test_an_unknown_type_is_no_error() -> None:
    assert event_class("crm.leads.lead.teleported.v9") is None
    assert parse("crm.leads.lead.teleported.v9", b"{}") is None


def test_a_reader_ignores_fields_of_a_newer_producer() -> None:
    fact = example(leads.LeadCaptured, topic_of(leads.LeadCaptured))
    newer = fact.model_dump(mode="json") | {"invented_later": 1}
    newer["state"]["also_later"] = {"deep": True}
    read = leads.LeadCaptured.model_validate(newer)
    assert state_of(read) == fact.state


def test_a_reader_accepts_a_new_value_of_an_open_set() -> None:
    data = example(leads.LeadCaptured, topic_of(leads.LeadCaptured)).model_dump(mode="json")
    data["state"]["status_category"] = "sleeping"
    assert leads.LeadCaptured.model_validate(data).state.status_category == "sleeping"


def test_a_moment_is_utc_on_the_wire() -> None:
    data = example(leads.LeadCaptured, topic_of(leads.LeadCaptured)).model_dump(mode="json")
    data["state"]["arrived_at"] = "2026-11-23T15:00:00+03:00"
    assert '"arrived_at":"2026-11-23T12:00:00Z"' in leads.LeadCaptured.model_validate(data).model_dump_json()
    data["state"]["arrived_at"] = "2026-11-23T15:00:00"
    with pytest.raises(ValueError, match="timezone"):
        leads.LeadCaptured.model_validate(data)
