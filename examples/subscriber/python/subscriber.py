"""Keeps a copy of Meridian's records in a SQLite file, and prints every event once it is checked against its schema.

    python subscriber.py --schemas ../../../libs/contracts/schemas --topic crm.accounts.account

A new copy starts from the compacted topic `<topic>.state`; then the facts are followed. The place reached is kept in
the same SQLite transaction as the records, so a restart goes on where the copy is: nothing lost, nothing done twice.
"""

import argparse
import asyncio
import base64
import contextlib
import json
import signal
import sqlite3
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import OffsetOutOfRangeError
from jsonschema import Draft202012Validator

HOUR_MS = 60 * 60 * 1000

TABLES = """
create table if not exists place (topic text, part integer, next integer not null, primary key (topic, part));
create table if not exists record (id text primary key, topic text not null, version integer not null, state text);
"""


class NotAnEvent(Exception):
    """The record breaks the contract. It is reported and left out; reading it again cannot help."""


@dataclass
class Event:
    type: str
    subject: str
    version: int
    data: dict | None  # None: the record has no value, so the copy must go


# --- reading ---------------------------------------------------------------------------------------------------------


def event_of(record) -> Event:
    """CloudEvents in binary mode (attributes are headers) or in structured mode (all in the value)."""
    headers = {name.lower(): value.decode() for name, value in record.headers}
    if headers.get("content-type", "").startswith("application/cloudevents+json"):
        return _structured(json.loads(record.value))
    try:
        data = json.loads(record.value) if record.value is not None else None
        return Event(headers["ce_type"], headers["ce_subject"], int(headers.get("ce_sequence", 0)), data)
    except (KeyError, ValueError) as error:
        raise NotAnEvent(f"no CloudEvent: {error!r}") from error


def _structured(document: dict) -> Event:
    data = document.get("data")
    if "data_base64" in document:
        data = json.loads(base64.b64decode(document["data_base64"]))
    return Event(document["type"], document["subject"], int(document.get("sequence", 0)), data)


@cache
def validator(schemas: Path, type_: str) -> Draft202012Validator | None:
    """The schema of a type is the file of its name; None for a type that these schemas do not know yet."""
    path = schemas / f"{type_}.json"
    return Draft202012Validator(json.loads(path.read_text("utf-8"))) if path.is_file() else None


def check(event: Event, schemas: Path) -> bool:
    """True when the data keep to the schema, False when the type is unknown; NotAnEvent when they break it."""
    known = validator(schemas, event.type)
    if known is None:
        return False
    if event.data is not None:
        problem = next(known.iter_errors(event.data), None)
        if problem:
            raise NotAnEvent(f"{event.type}: {problem.json_path}: {problem.message}")
    return True


# --- the copy --------------------------------------------------------------------------------------------------------


def apply(copy: sqlite3.Connection, topic: str, event: Event) -> bool:
    """Takes over a state that is newer than ours. A removed record leaves its version behind, to refuse late facts."""
    state = event.data.get("state", event.data) if event.data is not None else None
    changed = copy.execute(
        "insert into record (id, topic, version, state) values (?, ?, ?, ?) "
        "on conflict (id) do update set version = excluded.version, state = excluded.state "
        "where record.version < excluded.version or (excluded.state is null and record.version = excluded.version)",
        (event.subject, topic, event.version, json.dumps(state) if state is not None else None),
    )
    return changed.rowcount == 1


def place_of(copy: sqlite3.Connection, partition: TopicPartition) -> int | None:
    row = copy.execute("select next from place where topic = ? and part = ?", partition).fetchone()
    return row[0] if row else None


def remember(copy: sqlite3.Connection, partition: TopicPartition, next_offset: int) -> None:
    copy.execute("insert or replace into place values (?, ?, ?)", (*partition, next_offset))


# --- following -------------------------------------------------------------------------------------------------------


class Subscriber:
    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        partitions: dict[str, list[TopicPartition]],
        copy: sqlite3.Connection,
        schemas: Path,
    ) -> None:
        self.consumer = consumer
        self.partitions = partitions
        self.copy = copy
        self.schemas = schemas
        self.refused = 0
        self.stopping = asyncio.Event()

    async def run(self, topics: list[str], once: bool) -> None:
        for topic in topics:
            await self.start_copy(topic)
        partitions = [partition for name in with_states(topics) for partition in self.partitions[name]]
        self.consumer.assign(partitions)
        for partition in partitions:
            self.consumer.seek(partition, place_of(self.copy, partition))
        ends = await self.consumer.end_offsets(partitions) if once else {}
        while not self.stopping.is_set() and not (once and await self.reached(ends)):
            await self.read_batches(fresh=False)

    async def start_copy(self, topic: str) -> None:
        """Reads the state topic up to the end seen now, unless an earlier run has done so."""
        facts, states = self.partitions[topic], self.partitions[f"{topic}.state"]
        if any(place_of(self.copy, partition) is None for partition in facts):
            await self.choose_places(facts, states)
        ends = await self.consumer.end_offsets(states) if states else {}
        self.consumer.assign(states)
        for partition in states:
            self.consumer.seek(partition, place_of(self.copy, partition))
        while not self.stopping.is_set() and not await self.reached(ends):
            await self.read_batches(fresh=True)

    async def choose_places(self, facts: list[TopicPartition], states: list[TopicPartition]) -> None:
        """Facts from an hour ago on: older ones are in the state topic, and the version decides what is told twice."""
        ends = await self.consumer.end_offsets(facts)
        an_hour_ago = int(time.time() * 1000) - HOUR_MS
        found = await self.consumer.offsets_for_times(dict.fromkeys(facts, an_hour_ago))
        firsts = await self.consumer.beginning_offsets(facts + states)
        with self.copy:
            for partition in facts:
                start = found[partition].offset if found[partition] else ends[partition]
                remember(self.copy, partition, start if states else firsts[partition])
            for partition in states:
                remember(self.copy, partition, firsts[partition])

    async def reached(self, ends: dict[TopicPartition, int]) -> bool:
        return all([await self.consumer.position(partition) >= end for partition, end in ends.items()])

    async def read_batches(self, fresh: bool) -> None:
        for partition, records in (await self.consumer.getmany(timeout_ms=300, max_records=500)).items():
            with self.copy:  # one transaction: what the records do, and how far we are
                for record in records:
                    self.handle(record, fresh)
                remember(self.copy, partition, records[-1].offset + 1)

    def handle(self, record, fresh: bool) -> None:
        where = f"{record.topic}[{record.partition}]@{record.offset}"
        try:
            event = event_of(record)
            if not check(event, self.schemas):
                print(f"skipped  {event.type}  unknown type  {where}", flush=True)
                return
        except NotAnEvent as error:
            self.refused += 1
            print(f"REFUSED  {where}  {error}", file=sys.stderr, flush=True)
            return
        is_state = record.topic.endswith(".state")
        changed = apply(self.copy, record.topic.removesuffix(".state"), event)
        if event.data is None:
            print(f"gone     {event.subject}  v{event.version}  {where}", flush=True)
        elif not is_state or (fresh and changed):
            kind = "state" if is_state else "event"
            print(f"{kind}    {event.type}  {event.subject}  v{event.version}  {label(event)}  {where}", flush=True)


def with_states(topics: list[str]) -> list[str]:
    return [name for topic in topics for name in (f"{topic}.state", topic)]


async def partitions_of(kafka: str, topics: list[str]) -> dict[str, list[TopicPartition]]:
    """The partitions of every topic and of its state topic; none for a topic that does not exist."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        described = await admin.describe_topics(with_states(topics))
    finally:
        await admin.close()
    return {
        each["topic"]: sorted(TopicPartition(each["topic"], part["partition"]) for part in each["partitions"])
        for each in described
    }


def label(event: Event) -> str:
    state = event.data.get("state", event.data)
    names = (state.get(name) for name in ("name", "last_name", "subject", "title", "filename"))
    return next((name for name in names if name), "")


# --- the command -----------------------------------------------------------------------------------------------------


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kafka", default="127.0.0.1:9092", help="host:port of a broker (make up prints it)")
    parser.add_argument("--schemas", type=Path, required=True, help="folder of <ce_type>.json files")
    parser.add_argument("--topic", action="append", required=True, help="topic of facts; may be repeated")
    parser.add_argument("--copy", default="copy.sqlite", help="file that holds the copy and the place reached")
    parser.add_argument("--once", action="store_true", help="stop at the end seen at the start")
    return parser.parse_args()


async def follow(options: argparse.Namespace, partitions: dict[str, list[TopicPartition]]) -> int:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=options.kafka,
        enable_auto_commit=False,
        auto_offset_reset="none",  # a place that is gone must be noticed, not silently replaced
    )
    await consumer.start()
    try:
        with contextlib.closing(sqlite3.connect(options.copy)) as copy:
            copy.executescript(TABLES)
            subscriber = Subscriber(consumer, partitions, copy, options.schemas)
            for name in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(name, subscriber.stopping.set)
            await subscriber.run(options.topic, options.once)
    finally:
        await consumer.stop()
    return 1 if subscriber.refused else 0


async def main() -> int:
    options = arguments()
    partitions = await partitions_of(options.kafka, options.topic)
    missing = [topic for topic in options.topic if not partitions[topic]]
    if missing:
        print(f"There is no topic {', '.join(missing)} on {options.kafka}.", file=sys.stderr)
        return 2
    try:
        return await follow(options, partitions)
    except OffsetOutOfRangeError:
        print(f"Events we have not read are no longer kept. Remove {options.copy} and start again.", file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
