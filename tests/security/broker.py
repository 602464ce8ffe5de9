"""One forbidden or allowed action each, by confluent-kafka: it answers with the broker's own error codes."""

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.fetch import FetchRequest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from chassis.kafka import Security
from chassis.kafka.security import for_aiokafka

LIMIT = 30.0
REFUSALS = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
}
Outcomes = dict[str, str]
"""What was tried -> `done`, `refused`, or what else the broker said."""


def said(error: KafkaError | None) -> str:
    if error is None or error.code() == KafkaError.TOPIC_ALREADY_EXISTS:
        return "done"
    return "refused" if error.code() in REFUSALS else str(error)


def outcome(future: "Future[Any]") -> str:
    try:
        future.result(LIMIT)
    except KafkaException as error:
        return said(error.args[0])
    return "done"


def outcomes(what: str, futures: "Mapping[Any, Future[Any]]") -> Outcomes:
    return {f"{what} {getattr(key, 'name', key)}": outcome(future) for key, future in futures.items()}


def writes(config: dict[str, Any], topics: Iterable[str], *, is_idempotent: bool = False) -> Outcomes:
    """One record to each topic."""
    found: Outcomes = {}
    producer = Producer({**config, "enable.idempotence": is_idempotent, "message.timeout.ms": 20_000})

    def delivered(error: KafkaError | None, record: Any) -> None:
        found[f"write {record.topic()}"] = said(error)

    for topic in topics:
        producer.produce(topic, b"{}", b"key", on_delivery=delivered)
    assert producer.flush(LIMIT) == 0
    return found


async def reads(security: Security, bootstrap: str, topics: Iterable[str]) -> Outcomes:
    """The first record of each topic, asked for without any group, in one request."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap, **for_aiokafka(security))
    await client.bootstrap()
    try:
        places = [(name, [(0, 0, 10_000)]) for name in topics]
        answer = await client.send(1, FetchRequest(100, 0, 1_000_000, 0, places))
    finally:
        await client.close()
    return {f"read {name}": said(_known(code)) for name, [(_, code, *_)] in answer.topics}


def _known(code: int) -> KafkaError | None:
    return KafkaError(code) if code else None


def joins(config: dict[str, Any], group: str, topic: str) -> str:
    """As a member of the group: `done` when a partition came of it."""
    consumer = Consumer({**config, "group.id": group, "enable.auto.commit": False})
    consumer.subscribe([topic])
    answer, deadline = "no answer", time.monotonic() + LIMIT
    while answer == "no answer" and time.monotonic() < deadline:
        record = consumer.poll(0.5)
        error = record.error() if record is not None else None
        if error is not None and error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
            answer = "refused"
        if consumer.assignment():
            answer = "done"
    consumer.close()
    return answer


def administers(client: AdminClient, topics: list[str]) -> Outcomes:
    """Everything that can be done to a topic besides reading and writing it."""
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in topics]
    entry = ConfigEntry("retention.ms", "1", incremental_operation=AlterConfigOpType.SET)
    altered = [
        ConfigResource(ConfigResource.Type.TOPIC, name, incremental_configs=[entry], described_configs=None)
        for name in topics
    ]
    return {
        **outcomes("delete", client.delete_topics(topics, operation_timeout=LIMIT)),
        **outcomes("add partitions to", client.create_partitions([NewPartitions(name, 50) for name in topics])),
        **outcomes("change", client.incremental_alter_configs(altered)),
        **outcomes("describe", client.describe_configs(resources)),
        **outcomes("create", client.create_topics([NewTopic(name, 1, 1) for name in topics])),
        **outcomes("empty", client.delete_records([TopicPartition(name, 0, 1) for name in topics])),
    }


def meddles(client: AdminClient, group: str, topic: str) -> Outcomes:
    """With another one's consumer group."""
    places = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 0)])
    return {
        **outcomes("offsets of group", client.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])),
        **outcomes("rewind group", client.alter_consumer_group_offsets([places])),
        **outcomes("delete group", client.delete_consumer_groups([group])),
        **outcomes("describe group", client.describe_consumer_groups([group])),
    }


def rules(client: AdminClient, name: str) -> Outcomes:
    """Over the whole cluster: lists, users, brokers, new topics."""
    everything = (ResourceType.TOPIC, "*", ResourcePatternType.LITERAL, f"User:{name}", "*")
    binding = AclBinding(*everything, AclOperation.ALL, AclPermissionType.ALLOW)
    whatever: Any = None
    anything = AclBindingFilter(
        ResourceType.ANY, whatever, ResourcePatternType.ANY, whatever, whatever, AclOperation.ANY, AclPermissionType.ANY
    )
    word = UserScramCredentialUpsertion("admin", ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 8192), b"mine")
    broker = ConfigResource(
        ConfigResource.Type.BROKER,
        "1",
        incremental_configs=[ConfigEntry("log.retention.ms", "1", incremental_operation=AlterConfigOpType.SET)],
    )
    return {
        "allow itself everything": outcome(client.create_acls([binding])[binding]),
        # This client gives an empty answer instead of the refusal; there are lists to be seen.
        "see a list": "done" if client.describe_acls(anything).result(LIMIT) else "refused",
        "delete the lists": outcome(client.delete_acls([anything])[anything]),
        "change the admin's password": outcome(client.alter_user_scram_credentials([word])["admin"]),
        "change the broker": outcome(client.incremental_alter_configs([broker])[broker]),
        "see the broker's settings": outcome(
            client.describe_configs([ConfigResource(ConfigResource.Type.BROKER, "1")])[broker]
        ),
        **outcomes("create", client.create_topics([NewTopic("crm.intruder", 1, 1), NewTopic(f"{name}.own", 1, 1)])),
    }


def begins_transaction(config: dict[str, Any], name: str) -> str:
    try:
        Producer({**config, "transactional.id": f"{name}-transactions"}).init_transactions(LIMIT)
    except KafkaException as error:
        return said(error.args[0])
    return "done"
