"""Both example programs against a real broker: start from the state topic, follow the facts, survive kills.

The Node program takes part where its packages are installed (`npm ci` in ../node).
"""

import json
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

HERE = Path(__file__).parent
CONTRACTS = HERE.parents[2] / "libs" / "contracts"
PROGRAMS = {"python": [sys.executable, str(HERE / "subscriber.py")]}
NODE = HERE.parent / "node"
if shutil.which("node") and (NODE / "node_modules" / "kafkajs").is_dir():
    PROGRAMS["node"] = ["node", str(NODE / "subscriber.js")]
ACCOUNT = "crm.accounts.account"


@dataclass
class World:
    """A topic of this test alone, and a program that subscribes to it."""

    kafka: str
    producer: AIOKafkaProducer
    topic: str
    command: list[str]

    async def send(self, type_: str, *, id_: str, version: int, value: bytes | None = b"", **headers: str) -> None:
        """The golden example of a type, about another aggregate; to the state topic when it is a state."""
        example = json.loads((CONTRACTS / "examples" / f"{type_}.json").read_text("utf-8"))
        data = example["data"]
        data.get("state", data).update(id=id_, version=version)
        told = example["headers"] | {"ce_subject": id_, "ce_sequence": f"{version:020d}"} | headers
        topic = self.topic + (".state" if type_.endswith(".state.v1") else "")
        payload = json.dumps(data).encode() if value == b"" else value
        encoded = [(name, text.encode()) for name, text in told.items()]
        await self.producer.send_and_wait(topic, payload, key=id_.encode(), headers=encoded)

    async def send_both(self, fact: str, *, id_: str, version: int) -> None:
        """As Meridian's relay does: the fact, then the state."""
        await self.send(f"{ACCOUNT}.{fact}.v1", id_=id_, version=version)
        gone = None if fact == "deleted" else b""
        await self.send(f"{ACCOUNT}.state.v1", id_=id_, version=version, value=gone)

    def start(self, *more: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen([*self.command, *more], stdout=pipe, stderr=pipe, text=True)

    def run(self) -> tuple[list[str], str, int]:
        """Lines, complaints and exit code of a run to the end of the topic."""
        process = self.start("--once")
        output, errors = process.communicate(timeout=60)
        return output.splitlines(), errors, process.returncode


@pytest.fixture
async def producer(kafka: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    yield producer
    await producer.stop()


@pytest.fixture(params=PROGRAMS)
async def world(
    request: pytest.FixtureRequest, kafka: str, producer: AIOKafkaProducer, tmp_path: Path
) -> AsyncIterator[World]:
    topic = f"crm.example.t{uuid.uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    compacted = NewTopic(f"{topic}.state", 3, 1, topic_configs={"cleanup.policy": "compact"})
    await admin.create_topics([NewTopic(topic, 3, 1), compacted])
    place = [
        "--kafka",
        kafka,
        "--topic",
        topic,
        "--schemas",
        str(CONTRACTS / "schemas"),
        "--copy",
        str(tmp_path / "copy"),
    ]
    yield World(kafka, producer, topic, [*PROGRAMS[request.param], *place])
    await admin.delete_topics([topic, f"{topic}.state"])
    await admin.close()


def ids(count: int) -> list[str]:
    return [str(uuid.uuid4()) for _ in range(count)]


def told(lines: list[str]) -> list[tuple[str, str, str]]:
    """(kind, id, version) of each line about a record."""
    return [
        (words[0], words[2], words[3]) for words in (line.split() for line in lines) if words[0] in ("event", "state")
    ]


async def test_a_new_copy_starts_from_the_state_topic_and_follows_the_facts(world: World) -> None:
    old, new = ids(2)
    await world.send(f"{ACCOUNT}.state.v1", id_=old, version=41)
    await world.send_both("created", id_=new, version=1)
    lines, errors, code = world.run()
    assert code == 0, errors
    assert sorted(told(lines)) == sorted([("state", old, "v41"), ("state", new, "v1"), ("event", new, "v1")])


async def test_a_second_run_goes_on_where_the_first_ended(world: World) -> None:
    first, second = ids(2)
    await world.send_both("created", id_=first, version=1)
    assert world.run()[2] == 0
    assert world.run()[0] == []
    await world.send_both("created", id_=second, version=1)
    lines, _, _ = world.run()
    assert {id_ for _, id_, _ in told(lines)} == {second}
    assert [kind for kind, _, _ in told(lines)].count("event") == 1


async def test_killed_in_the_middle_nothing_is_lost(world: World) -> None:
    records = ids(300)
    for id_ in records[:150]:
        await world.send(f"{ACCOUNT}.created.v1", id_=id_, version=1)
    process = world.start()
    lines = list(read_lines(process, 60))
    process.kill()
    lines += process.communicate(timeout=20)[0].splitlines()
    for id_ in records[150:]:
        await world.send(f"{ACCOUNT}.created.v1", id_=id_, version=1)
    rest, errors, code = world.run()
    assert code == 0, errors
    assert {id_ for kind, id_, _ in told(lines + rest) if kind == "event"} == set(records)
    assert world.run()[0] == []


def read_lines(process: subprocess.Popen[str], count: int) -> Iterator[str]:
    assert process.stdout is not None
    deadline = time.monotonic() + 60
    for _ in range(count):
        assert time.monotonic() < deadline
        yield process.stdout.readline().rstrip("\n")


async def test_an_event_that_breaks_its_schema_is_refused_and_the_next_one_read(world: World) -> None:
    broken, whole = ids(2)
    await world.send(f"{ACCOUNT}.created.v1", id_=broken, version=1, value=b'{"state": {}}')
    await world.send(f"{ACCOUNT}.created.v1", id_=broken, version=1, value=b"{")
    await world.send(f"{ACCOUNT}.created.v1", id_=whole, version=1)
    lines, errors, code = world.run()
    assert told(lines) == [("event", whole, "v1")]
    assert errors.count("REFUSED") == 2 and code == 1


async def test_an_unknown_type_is_skipped(world: World) -> None:
    (id_,) = ids(1)
    await world.send(f"{ACCOUNT}.created.v1", id_=id_, version=1, ce_type=f"{ACCOUNT}.teleported.v9")
    lines, _, code = world.run()
    assert code == 0 and len(lines) == 1 and lines[0].startswith(f"skipped  {ACCOUNT}.teleported.v9")


async def test_a_removed_record_stays_removed_when_an_old_fact_comes_late(world: World, tmp_path: Path) -> None:
    (id_,) = ids(1)
    await world.send_both("created", id_=id_, version=1)
    await world.send_both("deleted", id_=id_, version=2)
    await world.send(f"{ACCOUNT}.created.v1", id_=id_, version=1)
    lines, errors, code = world.run()
    assert code == 0, errors
    assert any(line.startswith(f"gone     {id_}  v2") for line in lines)
    assert kept(tmp_path / "copy", id_) is None


async def test_a_restored_record_is_back(world: World, tmp_path: Path) -> None:
    (id_,) = ids(1)
    for version, fact in enumerate(["created", "deleted", "restored"], start=1):
        await world.send_both(fact, id_=id_, version=version)
    assert world.run()[2] == 0
    state = kept(tmp_path / "copy", id_)
    assert state is not None and state["version"] == 3


async def test_structured_mode_is_understood(world: World) -> None:
    (id_,) = ids(1)
    example = json.loads((CONTRACTS / "examples" / f"{ACCOUNT}.created.v1.json").read_text("utf-8"))
    attributes = {name[3:]: text for name, text in example["headers"].items() if name.startswith("ce_")}
    document = attributes | {"subject": id_, "data": example["data"]}
    headers = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
    await world.producer.send_and_wait(world.topic, json.dumps(document).encode(), key=id_.encode(), headers=headers)
    lines, errors, code = world.run()
    assert code == 0, errors
    assert told(lines) == [("event", id_, "v1")]


async def test_a_topic_that_does_not_exist_is_named(world: World) -> None:
    world.command[world.command.index("--topic") + 1] = "crm.example.nothing"
    lines, errors, code = world.run()
    assert (lines, code) == ([], 2)
    assert "There is no topic crm.example.nothing" in errors


def kept(copy: Path, id_: str) -> dict[str, Any] | None:
    """The state in the copy; None when it was removed."""
    if copy.read_bytes().startswith(b"SQLite"):
        import sqlite3

        text = sqlite3.connect(copy).execute("select state from record where id = ?", (id_,)).fetchone()[0]
        return json.loads(text) if text else None
    states = {
        id_: record["state"] for line in copy.read_text().splitlines() for id_, record in json.loads(line)["records"]
    }
    return states[id_]
