"""The broker as a narrow port with two adapters, aiokafka and confluent-kafka; nobody else knows a client library."""

from chassis.kafka.bus import Bus
from chassis.kafka.port import (
    Assigned,
    BrokerError,
    Client,
    Connection,
    Consumer,
    Partition,
    Producer,
    Record,
    RecordTooLarge,
    SourceRecord,
    UnknownTopic,
    Unreachable,
    Withheld,
)
from chassis.kafka.security import Security

__all__ = [
    "Assigned",
    "BrokerError",
    "Bus",
    "Client",
    "Connection",
    "Consumer",
    "Partition",
    "Producer",
    "Record",
    "RecordTooLarge",
    "Security",
    "SourceRecord",
    "UnknownTopic",
    "Unreachable",
    "Withheld",
]
