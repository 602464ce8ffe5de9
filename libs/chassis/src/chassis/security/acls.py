"""Kafka's access lists, from the catalogue: who writes a topic and who reads it is said there and nowhere else.

Every process signs in as its service. The principal `migrator` creates topics and touches no record; what is not
granted here is refused by the broker (StandardAuthorizer, `allow.everyone.if.no.acl.found=false`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from contracts.catalogue import TOPICS, Topic

Resource = Literal["TOPIC", "GROUP", "CLUSTER"]
Pattern = Literal["LITERAL", "PREFIXED"]
Operation = Literal["CREATE", "DESCRIBE", "DESCRIBE_CONFIGS", "IDEMPOTENT_WRITE", "READ", "WRITE"]

MIGRATOR = "migrator"
CLUSTER = "kafka-cluster"


@dataclass(frozen=True, order=True)
class Grant:
    """One permission of one principal, from every host."""

    principal: str
    resource: Resource
    name: str
    pattern: Pattern
    operation: Operation


def services() -> tuple[str, ...]:
    """Every service that writes or reads a topic, in alphabetical order."""
    return tuple(sorted({name for topic in TOPICS for name in (*topic.writers, *topic.consumers)}))


def grants() -> list[Grant]:
    """Everything that is allowed, sorted."""
    found = {grant for service in services() for grant in grants_of(service)}
    return sorted(found | set(_of_migrator()))


def grants_of(service: str) -> list[Grant]:
    """Writes its own topics and reads their states, reads the topics that list it, is a member of its own groups."""
    return sorted({*_writes(service), *_reads(service)})


def _writes(service: str) -> Iterator[Grant]:
    own = [name for topic in TOPICS if service in topic.writers for name in _names(topic)]
    for name in own:
        yield Grant(service, "TOPIC", name, "LITERAL", "WRITE")
        yield Grant(service, "TOPIC", name, "LITERAL", "DESCRIBE")
    # What its state topics end with is compared with its rows (chassis.restating).
    for topic in TOPICS:
        if topic.has_state and service == topic.producer:
            yield from _reading(service, topic.state_name)
    if own:
        yield Grant(service, "CLUSTER", CLUSTER, "LITERAL", "IDEMPOTENT_WRITE")


def _reads(service: str) -> Iterator[Grant]:
    heard = [topic for topic in TOPICS if service in topic.consumers]
    for name in (name for topic in heard for name in _names(topic)):
        yield from _reading(service, name)
    if heard:
        yield from _groups(service)


def _reading(principal: str, topic: str) -> Iterator[Grant]:
    for operation in ("READ", "DESCRIBE"):
        yield Grant(principal, "TOPIC", topic, "LITERAL", operation)


def _groups(principal: str) -> Iterator[Grant]:
    """The group of that name and those that begin with it and a dot: `leads` never reaches the group `leads2`."""
    for operation in ("READ", "DESCRIBE"):
        yield Grant(principal, "GROUP", principal, "LITERAL", operation)
        yield Grant(principal, "GROUP", f"{principal}.", "PREFIXED", operation)


def grants_for_subscriber(principal: str, topics: list[str]) -> list[Grant]:
    """Another system that may read these topics, facts and states, in groups `<principal>` or `<principal>.…`.

    Raises KeyError for a topic that the catalogue does not have.
    """
    known = {topic.name: topic for topic in TOPICS}
    names = [name for topic in topics for name in _names(known[topic])]
    return sorted({*(grant for name in names for grant in _reading(principal, name)), *_groups(principal)})


def _of_migrator() -> Iterator[Grant]:
    for name in (name for topic in TOPICS for name in _names(topic)):
        yield Grant(MIGRATOR, "TOPIC", name, "LITERAL", "CREATE")
        yield Grant(MIGRATOR, "TOPIC", name, "LITERAL", "DESCRIBE")
        # The answer to a creation tells the settings of the new topic.
        yield Grant(MIGRATOR, "TOPIC", name, "LITERAL", "DESCRIBE_CONFIGS")


def _names(topic: Topic) -> tuple[str, ...]:
    return (topic.name, topic.state_name) if topic.has_state else (topic.name,)


def commands(wanted: list[Grant], bootstrap: str) -> Iterator[str]:
    """The same as lines for a shell with Kafka's own `kafka-acls.sh`."""
    for (principal, resource, name, pattern), group in groupby(wanted, key=_place):
        operations = " ".join(f"--operation {_spoken(grant.operation)}" for grant in group)
        where = "--cluster" if resource == "CLUSTER" else f"--{resource.lower()} '{name}'"
        yield (
            f"kafka-acls.sh --bootstrap-server {bootstrap} --command-config admin.properties --add"
            f" --allow-principal 'User:{principal}' {operations} {where}"
            + (f" --resource-pattern-type {pattern.lower()}" if resource != "CLUSTER" else "")
        )


def _place(grant: Grant) -> tuple[str, Resource, str, Pattern]:
    return grant.principal, grant.resource, grant.name, grant.pattern


def _spoken(operation: Operation) -> str:
    return "".join(word.capitalize() for word in operation.split("_"))
