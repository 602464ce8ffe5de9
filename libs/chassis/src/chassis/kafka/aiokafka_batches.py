"""Records gathered per partition before they are handed to aiokafka: one future per batch instead of one per record.

For each record aiokafka's own `send` looks the topic up, hashes the key byte by byte and makes a future: together more
than everything else that the relay does.
"""

import asyncio
import struct
from collections.abc import Sequence
from functools import lru_cache

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from chassis.kafka.port import MAX_RECORD, Record

_SEED, _M, _BITS = 0x9747B28C, 0x5BD1E995, 0xFFFFFFFF
_POSITIVE = 0x7FFFFFFF


@lru_cache(4_096)  # the fact and its state have the same key
def murmur2(key: bytes) -> int:
    """The hash by which Kafka's clients choose a key's partition (org.apache.kafka.common.utils.Utils.murmur2)."""
    h, whole = _SEED ^ len(key), len(key) & ~3
    for (k,) in struct.iter_unpack("<I", key[:whole]):
        k = k * _M & _BITS
        h = (h * _M & _BITS) ^ ((k ^ k >> 24) * _M & _BITS)
    rest = key[whole:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * _M & _BITS
    h = (h ^ h >> 13) * _M & _BITS
    return h ^ h >> 15


class Batches:
    """One attempt to send; `add` the records of a key in their order, then ask for the `results`."""

    def __init__(self, client: AIOKafkaProducer, count: int) -> None:
        self._client = client
        self._open: dict[tuple[str, int], tuple[BatchBuilder, list[int]]] = {}
        self._sent: list[tuple[asyncio.Future[object], list[int]]] = []
        self._broken: dict[tuple[str, int], KafkaError] = {}
        self._partitions: dict[str, int] = {}
        self._results: list[BaseException | None] = [None] * count

    async def add(self, index: int, record: Record) -> None:
        """Waits only while what was added before does not fit into one request. Raises KafkaError for this record."""
        headers = list(record.headers)
        if DefaultRecordBatchBuilder.estimate_size_in_bytes(record.key, record.value, headers) > MAX_RECORD:
            raise MessageSizeTooLargeError(f"more than {MAX_RECORD} bytes")
        at = record.topic, await self._partition(record)
        builder, indices = self._open.get(at) or self._begin(at)
        if builder.append(timestamp=None, key=record.key, value=record.value, headers=headers) is None:
            await self._submit(at)
            builder, indices = self._begin(at)
            # The first one always fits, however large it is.
            builder.append(timestamp=None, key=record.key, value=record.value, headers=headers)
        indices.append(index)

    async def _partition(self, record: Record) -> int:
        count = self._partitions.get(record.topic)
        if count is None:
            count = self._partitions[record.topic] = len(await self._client.partitions_for(record.topic))
        return (murmur2(record.key) & _POSITIVE) % count

    def _begin(self, at: tuple[str, int]) -> tuple[BatchBuilder, list[int]]:
        made = self._open[at] = self._client.create_batch(), []
        return made

    async def _submit(self, at: tuple[str, int]) -> None:
        builder, indices = self._open.pop(at)
        if at in self._broken:
            # It would be written before what went before it.
            self._note(indices, self._broken[at])
            return
        try:
            builder.close()
            self._sent.append((await self._client.send_batch(builder, at[0], partition=at[1]), indices))
        except KafkaError as error:
            self._broken[at] = error
            self._note(indices, error)

    def _note(self, indices: Sequence[int], error: BaseException) -> None:
        for index in indices:
            self._results[index] = error

    async def results(self) -> list[BaseException | None]:
        """Sends what is left and waits for everything; per index None or why it was not written."""
        for at in list(self._open):
            await self._submit(at)
        answers = await asyncio.gather(*(future for future, _ in self._sent), return_exceptions=True)
        for (_, indices), answer in zip(self._sent, answers, strict=True):
            if isinstance(answer, BaseException):
                self._note(indices, answer)
        return self._results
