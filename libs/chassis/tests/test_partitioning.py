"""Equal keys go to the same partition whichever client and version wrote them, so the hash may never differ."""

from aiokafka.partitioner import murmur2 as original
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.kafka.aiokafka_batches import murmur2


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_the_hash_of_a_key_is_that_of_every_kafka_client(key: bytes) -> None:
    assert murmur2(key) == original(key) & 0xFFFFFFFF
