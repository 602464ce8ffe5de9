"""Makes producers, consumers and topics by the client that the settings name."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import ModuleType

from chassis.kafka import aiokafka_client
from chassis.kafka.port import Assigned, Client, Connection, Consumer, NewTopic, Producer
from chassis.kafka.topic_ids import topic_ids
from contracts.catalogue import Topic

DAY = 86_400_000


@dataclass(frozen=True)
class Bus(Connection):
    """`client` is the library behind it; `confluent` needs the extra of that name."""

    client: Client = "aiokafka"

    async def producer(self) -> Producer:
        """A started idempotent producer with acks=all; raises BrokerError or TimeoutError while no broker answers."""
        made: Producer = await _adapter(self.client).open_producer(self)
        return made

    def consumer(self, topics: Sequence[str], group: str | None, assigned: Assigned | None = None) -> Consumer:
        """With a group: a member that tells `assigned` its partitions. Without: all partitions, from the end.

        What was fetched before `assigned` has returned is dropped, so it must see to it that every partition is sought.
        """
        made: Consumer = _adapter(self.client).make_consumer(self, topics, group, assigned)
        return made

    async def create_topics(self, topics: Iterable[Topic], *, partitions: int, replication: int) -> list[str]:
        """Creates what is missing of the given topics and their state topics; returns the names created.

        An existing topic is left as it is. `partitions` overrides the catalogue's figure (local mode).
        """
        wanted = [new for topic in topics for new in _new_topics(topic, partitions, replication)]
        return await self.create(wanted)

    async def create(self, wanted: Sequence[NewTopic]) -> list[str]:
        """Creates the topics that do not exist yet and waits until they can be used; returns their names.

        Raises BrokerError, TimeoutError.
        """
        made: list[str] = await _adapter(self.client).create_topics(self, wanted)
        return made

    async def topic_ids(self, topics: Iterable[str]) -> dict[str, str]:
        """The id that the brokers gave each existing topic when it was created. Raises BrokerError, TimeoutError."""
        return await topic_ids(self, topics)


def _adapter(client: Client) -> ModuleType:
    if client == "aiokafka":
        return aiokafka_client
    # An optional dependency: imported by who asked for it.
    from chassis.kafka import confluent_client

    return confluent_client


def _new_topics(topic: Topic, partitions: int, replication: int) -> list[NewTopic]:
    durable = {"min.insync.replicas": str(2 if replication >= 3 else 1), "unclean.leader.election.enable": "false"}
    facts = {"retention.ms": str(topic.retention_days * DAY), "message.timestamp.type": "CreateTime", **durable}
    state = {
        "cleanup.policy": "compact",
        "max.compaction.lag.ms": str(7 * DAY),
        # A consumer that was away for longer would miss that something was deleted.
        "delete.retention.ms": str(14 * DAY),
        **durable,
    }
    made = [NewTopic(topic.name, partitions, replication, facts)]
    if topic.has_state:
        made.append(NewTopic(f"{topic.name}.state", partitions, replication, state))
    return made
