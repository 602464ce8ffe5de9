"""The lists that name services and topics agree: code, catalogue, documentation, owners, containers."""

import importlib
import json
import re
from typing import Any

import pytest
import yaml

from contracts.catalogue import TOPICS, Topic
from tests.architecture.tree import ROOT, SERVICES

WITHOUT_DATABASE = {"gateway"}


def heard(service: str) -> set[str]:
    """The topics that a service's consumers and its live stream subscribe to."""
    composition = importlib.import_module(f"{service}.service").service
    return set(composition.subscriptions.topics)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_hears_what_the_catalogue_says(service: str) -> None:
    assert heard(service) == {topic.name for topic in TOPICS if service in topic.consumers}


def test_producers_and_consumers_are_services() -> None:
    named = {topic.producer for topic in TOPICS} | {name for topic in TOPICS for name in topic.consumers}
    assert named <= set(SERVICES)


def test_the_events_page_lists_every_topic() -> None:
    page = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    rows = {
        name: (producer, {consumer.strip() for consumer in consumers.split(",")} - {"—", ""})
        for name, producer, consumers in re.findall(
            r"^\| \[?`(crm\.[a-z_.]+)`(?:\]\([^)]*\))? \| (\w+) \| ([^|]*) \|", page, re.MULTILINE
        )
    }
    assert rows == {topic.name: (topic.producer, set(topic.consumers)) for topic in TOPICS}


def owners() -> dict[str, str]:
    lines = (ROOT / "CODEOWNERS").read_text(encoding="utf-8").splitlines()
    return dict(line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_topic_has_its_owner_in_codeowners(topic: Topic) -> None:
    assert owners()[f"/libs/contracts/src/contracts/{topic.producer}.py"] == topic.owner


def test_every_service_has_an_owner() -> None:
    assert {f"/services/{name}/" for name in SERVICES} <= set(owners())


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return loaded


def test_compose_runs_every_service(compose: dict[str, Any]) -> None:
    with_database = set(SERVICES) - WITHOUT_DATABASE
    expected = set(SERVICES) | {f"{name}-{part}" for name in with_database for part in ("worker", "migrate")}
    assert set(compose["services"]) - {"postgres", "kafka", "mail"} == expected


def test_compose_gives_every_service_its_image_and_command(compose: dict[str, Any]) -> None:
    """Each image is built once."""
    containers = {name: each for name, each in compose["services"].items() if name.partition("-")[0] in SERVICES}
    builds = [each["build"]["args"]["SERVICE"] for each in containers.values() if "build" in each]
    assert sorted(builds) == SERVICES
    for name, container in containers.items():
        service, _, part = name.partition("-")
        assert container["image"].startswith(f"meridian-{service}:")
        assert container.get("command", ["api"]) == [part or "api"]
        assert container["read_only"] is True
        assert container["cap_drop"] == ["ALL"]


def test_compose_tells_every_service_where_the_others_are(compose: dict[str, Any]) -> None:
    urls = json.loads(compose["x-environment"]["MERIDIAN_SERVICE_URLS"])
    assert urls == {name: f"http://{name}:8000" for name in SERVICES}


def test_compose_makes_a_database_for_every_service() -> None:
    script = (ROOT / "deploy" / "compose" / "databases.sh").read_text(encoding="utf-8")
    listed = re.search(r"for service in ([a-z_ ]+);", script)
    assert listed and set(listed[1].split()) == set(SERVICES) - WITHOUT_DATABASE


def test_the_image_and_the_bootstrap_use_the_same_uv() -> None:
    bootstrap = (ROOT / "libs" / "devstack" / "src" / "devstack" / "bootstrap.py").read_text(encoding="utf-8")
    recipe = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    pinned = re.search(r'^UV = "(.*)"$', bootstrap, re.MULTILINE)
    assert pinned and f"ARG UV_VERSION={pinned[1]}\n" in recipe
