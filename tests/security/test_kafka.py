"""I27, the half of Kafka: on a broker with StandardAuthorizer each principal tries everything it must not do."""

import ast
import asyncio

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from chassis.kafka import Bus, Client, Partition, Record
from chassis.security import __main__ as command
from chassis.security.acls import MIGRATOR, grants, services
from contracts.catalogue import TOPICS
from tests.architecture.tree import ROOT

from . import broker
from .secured import ALL, PRINCIPALS, Secured, topics_with


def test_every_topic_has_one_writer_and_its_readers() -> None:
    """The lists against the catalogue, written down in another way."""
    for topic in TOPICS:
        expected = {*((writer, "WRITE") for writer in topic.writers), *((reader, "READ") for reader in topic.consumers)}
        for name in {topic.name, topic.state_name} if topic.has_state else {topic.name}:
            compared = {(topic.producer, "READ")} if name == topic.state_name else set()
            given = [grant for grant in grants() if grant.name == name and grant.operation in ("READ", "WRITE")]
            assert {(grant.principal, grant.operation) for grant in given} == expected | compared


def test_no_list_names_everything_and_no_prefix_reaches_a_neighbour() -> None:
    assert not [grant for grant in grants() if "*" in grant.name or not grant.name]
    prefixes = {(grant.resource, grant.name, grant.principal) for grant in grants() if grant.pattern == "PREFIXED"}
    for resource, prefix, owner in prefixes:
        others = [name for other in PRINCIPALS if other != owner for name in (other, f"{other}.replay")]
        assert resource == "GROUP" and not [name for name in others if name.startswith(prefix)]


def test_every_client_of_the_chassis_signs_in() -> None:
    """One that is made without the connection's security works on every open broker and on no other."""
    made = [
        (file.name, call)
        for file in (ROOT / "libs" / "chassis" / "src" / "chassis").rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id.startswith("AIOKafka")
    ]
    assert len(made) >= 4
    assert [name for name, call in made if not any(keyword.arg is None for keyword in call.keywords)] == []


@pytest.mark.parametrize("principal", PRINCIPALS)
async def test_what_is_not_listed_is_refused(filled: Secured, principal: str) -> None:
    config, client = filled.config(principal), AdminClient(filled.config(principal))
    written, read = topics_with(principal, "WRITE"), topics_with(principal, "READ")
    others = [name for name in (*services(), f"{services()[0]}.replay", "anybody") if name.split(".")[0] != principal]
    unread = sorted(set(ALL) - set(read))
    tried = broker.writes(config, sorted(set(ALL) - set(written)))
    tried |= await broker.reads(filled.bus(principal, "aiokafka").security, filled.server.bootstrap, unread)
    tried |= broker.administers(client, ALL) | broker.rules(client, principal)
    for other in others:
        tried |= broker.meddles(client, other, ALL[0])
        tried[f"join group {other}"] = broker.joins(config, other, ALL[0])
    tried["begin a transaction"] = broker.begins_transaction(config, principal)
    if principal == MIGRATOR:
        allowed = {f"{what} {name}" for what in ("describe", "create") for name in ALL}
        assert {tried.pop(name) for name in allowed} == {"done"}
    assert {name: answer for name, answer in tried.items() if answer != "refused"} == {}
    assert len(tried) >= (len(ALL) - len(written)) + len(unread) + 4 * len(ALL) + 5 * len(others)
    print(f"{principal}: {len(tried)} forbidden actions tried, all refused")


@pytest.mark.parametrize("client", ["aiokafka", "confluent"])
@pytest.mark.parametrize("service", services())
async def test_a_service_does_its_work_by_either_client(filled: Secured, service: str, client: Client) -> None:
    bus, own, read = filled.bus(service, client), topics_with(service, "WRITE"), topics_with(service, "READ")
    states = [topic.state_name for topic in TOPICS if topic.has_state and topic.producer == service]
    heard = sorted(set(read) - set(states))
    producer = await bus.producer()
    try:
        records = [Record(name, b"key", b"{}", []) for name in own]
        assert await producer.send_batch(records, 20) == [None] * len(own)
    finally:
        await producer.close()
    if states:
        alone = bus.consumer(states, None)
        await alone.start()
        assert {partition.topic for partition in alone.held()} == set(states)
        await alone.close()
    if not heard:
        return
    for group in (service, f"{service}.replay-{client}"):
        await hears(bus, heard, group)


async def hears(bus: Bus, topics: list[str], group: str) -> None:
    """Joins the group, reads every topic from its beginning and reports where it is."""
    seen: set[str] = set()

    async def assigned(partitions: set[Partition]) -> None:
        for partition in partitions:
            consumer.seek(partition, 0)

    consumer = bus.consumer(topics, group, assigned)
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            while seen < set(topics):
                found = await consumer.fetch(0.5)
                seen |= {partition.topic for partition in found}
                if found:
                    await consumer.report({at: records[-1].offset + 1 for at, records in found.items()})
    finally:
        await consumer.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"sasl.password": "wrong"},
        {"sasl.username": "nobody"},
        {"sasl.username": "gateway", "sasl.password": "secret-of-gateway"},
        {"security.protocol": "ssl"},
        {"security.protocol": "plaintext"},
        {"security.protocol": "sasl_plaintext"},
        {"ssl.ca.location": ""},
    ],
    ids=lambda changes: "-".join(changes.values()) or "unknown-authority",
)
def test_who_cannot_say_who_he_is_learns_nothing(filled: Secured, changes: dict[str, str]) -> None:
    with pytest.raises(KafkaException):
        AdminClient(filled.config("leads", **changes)).list_topics(timeout=1.5)


def test_lists_that_nobody_asked_for_are_removed_and_a_subscriber_keeps_his(
    filled: Secured, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["kafka", "--subscriber", "erp", "--topic", "crm.accounts.account", "apply"]) == 0
    assert capsys.readouterr().out == "8 permissions: 8 added, 0 removed\n"
    assert command.main(["kafka", "--subscriber", "erp", "--topic", "crm.leads.lead", "apply"]) == 0
    assert capsys.readouterr().out == "8 permissions: 4 added, 4 removed\n"
    assert command.main(["kafka", "apply"]) == 0
    assert capsys.readouterr().out == f"{len(grants())} permissions: 0 added, 0 removed\n"


@pytest.mark.parametrize(
    ("subscriber", "topic", "why"),
    [("erp", "crm.none", "there is no topic 'crm.none'"), ("leads", "crm.leads.lead", "leads is one of ours")],
)
def test_a_list_that_makes_no_sense_is_not_made(subscriber: str, topic: str, why: str) -> None:
    with pytest.raises(SystemExit, match=why):
        command.main(["kafka", "--subscriber", subscriber, "--topic", topic, "print"])


def test_without_every_password_no_user_is_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in PRINCIPALS:
        monkeypatch.setenv(f"{command.PASSWORD}{name.upper()}", "" if name == "leads" else "word")
    assert command.main(["kafka", "users"]) == 2
    assert capsys.readouterr().err == "set MERIDIAN_KAFKA_PASSWORD_LEADS\n"


def test_the_lists_are_printed_for_kafkas_own_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["kafka", "print"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.count("--operation ") for line in lines) == len(grants())
    own = "--allow-principal 'User:leads' --operation Describe --operation Write --topic 'crm.leads.lead'"
    assert [line for line in lines if own in line]
