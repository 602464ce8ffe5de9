"""confluent-kafka's errors in the port's words, and what both of its clients are configured with."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from chassis.kafka.port import BrokerError, Connection, RecordTooLarge, UnknownTopic
from chassis.kafka.security import for_librdkafka

log = logging.getLogger("confluent_kafka")

TOO_LARGE = {KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE}
UNKNOWN = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION}
LATE = {KafkaError._TIMED_OUT, KafkaError.REQUEST_TIMED_OUT, KafkaError._MSG_TIMED_OUT}


def ours(error: KafkaError) -> BrokerError:
    if error.code() in TOO_LARGE:
        return RecordTooLarge(str(error))
    return UnknownTopic(str(error)) if error.code() in UNKNOWN else BrokerError(str(error))


@contextmanager
def translating() -> Iterator[None]:
    """Raises BrokerError and its kinds, TimeoutError where time ran out."""
    try:
        yield
    except KafkaException as error:
        cause = error.args[0]
        raise (TimeoutError(str(cause)) if cause.code() in LATE else ours(cause)) from error


def configuration(connection: Connection) -> dict[str, Any]:
    return {
        "bootstrap.servers": connection.bootstrap,
        "client.id": connection.client_id,
        **for_librdkafka(connection.security),
        "socket.timeout.ms": 10_000,
        "reconnect.backoff.max.ms": 1_000,
        "topic.metadata.refresh.interval.ms": 60_000,
        # What matters comes back as an outcome; these lines only repeat it.
        "logger": log,
        "log_level": 3,
        "error_cb": _note,
    }


def _note(error: KafkaError) -> None:
    log.debug("%s", error)
