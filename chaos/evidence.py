"""What a run leaves behind: the writers' history, a dump of the topics, the rows of both databases."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from chaos.poison import MARK
from chaos.sample import NOTICES, TEAM_STATES, TEAMS, digest
from chassis.kafka import Bus, Consumer, Partition, SourceRecord


@dataclass(frozen=True)
class Committed:
    """An event as the transaction that emitted it entered it into its ledger; `at` in seconds."""

    event_id: str
    key: str
    version: int
    digest: str
    at: float


@dataclass(frozen=True)
class Published:
    """A record of a topic; `digest` is that of the value, `whole` of key, value and headers."""

    partition: int
    offset: int
    event_id: str
    key: str
    version: int
    digest: str
    whole: str
    is_tombstone: bool = False
    poison: str = ""


@dataclass(frozen=True)
class Done:
    """A row of the effect table, in the order of `seq`."""

    event_id: str
    key: str
    version: int
    times: int
    at: float


@dataclass
class History:
    """Event ids by outcome of their transaction, and the alarms of the acknowledged ones."""

    acknowledged: set[str] = field(default_factory=set)
    aborted: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    alarms: set[str] = field(default_factory=set)
    transactions: dict[str, int] = field(default_factory=lambda: {"acknowledged": 0, "aborted": 0, "unknown": 0})


@dataclass
class Evidence:
    """Rows of owner and replica are (version, digest of the name, is_deleted) by key; alarms (fired, was early)."""

    history: History = field(default_factory=History)
    ledger: list[Committed] = field(default_factory=list)
    notice_ledger: list[Committed] = field(default_factory=list)
    teams: list[Published] = field(default_factory=list)
    states: list[Published] = field(default_factory=list)
    notices: list[Published] = field(default_factory=list)
    effects: list[Done] = field(default_factory=list)
    owner: dict[str, tuple[int, str, bool]] = field(default_factory=dict)
    replica: dict[str, tuple[int, str, bool]] = field(default_factory=dict)
    alarms: dict[str, tuple[int, bool]] = field(default_factory=dict)
    quarantined: set[tuple[int, int]] = field(default_factory=set)
    regressions: list[tuple[str, int, int]] = field(default_factory=list)
    unfinished: dict[str, int] = field(default_factory=dict)


def read_history(folder: Path) -> History:
    """All writers' files; a last line without an end was never acknowledged to anybody."""
    history = History()
    for path in sorted(folder.glob("history-*.jsonl")):
        for line in path.read_bytes().split(b"\n")[:-1]:
            entry = json.loads(line)
            history.transactions[entry["outcome"]] += 1
            getattr(history, entry["outcome"]).update(event[0] for event in entry["events"])
            if entry["outcome"] == "acknowledged":
                history.alarms.update(entry["alarms"])
    return history


LEDGER = "select event_id::text, key::text, version, digest, extract(epoch from at)::float8 from ledger order by at"
EFFECTS = "select event_id::text, key::text, version, times, extract(epoch from at)::float8 from effects order by seq"
TEAM_ROWS = "select id::text, version, name, is_deleted from {table}"
ALARMS = "select id::text, fired, coalesce(fired_at < due_at, false) from alarms"
UNFINISHED = {
    "owner": ("outbox", "outbox_parked", "alarms where state = 'pending'"),
    "subscriber": ("outbox", "outbox_parked", "inbox where state <> 'done'"),
}


async def rows_of(dsn: str, statement: str) -> list[Any]:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()


async def unfinished(owner: str, subscriber: str) -> dict[str, int]:
    """What still waits in the two databases, by table; empty when nothing does."""
    found = {}
    for dsn, name in ((owner, "owner"), (subscriber, "subscriber")):
        for table in UNFINISHED[name]:
            if count := (await rows_of(dsn, f"select count(*) from {table}"))[0][0]:
                found[f"{name}: {table}"] = int(count)
    return found


async def read_databases(evidence: Evidence, owner: str, subscriber: str) -> None:
    evidence.ledger = [Committed(*row) for row in await rows_of(owner, LEDGER)]
    evidence.notice_ledger = [Committed(*row) for row in await rows_of(subscriber, LEDGER)]
    evidence.effects = [Done(*row) for row in await rows_of(subscriber, EFFECTS)]
    evidence.owner = _teams(await rows_of(owner, TEAM_ROWS.format(table="zz_teams")))
    evidence.replica = _teams(await rows_of(subscriber, TEAM_ROWS.format(table="team_replicas")))
    evidence.alarms = {row[0]: (row[1], row[2]) for row in await rows_of(owner, ALARMS)}
    held = await rows_of(subscriber, f"select partition, \"offset\" from quarantine where topic = '{TEAMS}'")
    evidence.quarantined = {(row[0], row[1]) for row in held}
    regressions = await rows_of(subscriber, "select key::text, from_version, to_version from regressions")
    evidence.regressions = [tuple(row) for row in regressions]
    evidence.unfinished = await unfinished(owner, subscriber)


def _teams(rows: list[Any]) -> dict[str, tuple[int, str, bool]]:
    return {row[0]: (row[1], digest(row[2]), row[3]) for row in rows}


async def read_topics(evidence: Evidence, bootstrap: str, partitions: int) -> None:
    for topic, into in ((TEAMS, evidence.teams), (TEAM_STATES, evidence.states), (NOTICES, evidence.notices)):
        into.extend(sorted(await _dump(bootstrap, topic, partitions), key=lambda each: (each.partition, each.offset)))


async def _dump(bootstrap: str, topic: str, partitions: int) -> list[Published]:
    """Every record of a topic, from the first to what is the last one now."""
    consumer = Bus(bootstrap, "chaos-dump").consumer([topic], group=None)
    await consumer.start()
    try:
        left = await _rewound(consumer, [Partition(topic, number) for number in range(partitions)])
        found: list[Published] = []
        async with asyncio.timeout(120):
            while left:
                for at, records in (await consumer.fetch(1.0)).items():
                    found.extend(map(_published, records))
                    if at in left and records[-1].offset + 1 >= left[at]:
                        del left[at]
        return found
    finally:
        await consumer.close()


async def _rewound(consumer: Consumer, partitions: list[Partition]) -> dict[Partition, int]:
    """The ends of the partitions that hold anything; all are read from their start."""
    starts, ends = await consumer.starts(partitions), await consumer.ends(partitions)
    for at, offset in starts.items():
        consumer.seek(at, offset)
    return {at: end for at, end in ends.items() if end > starts[at]}


def _published(record: SourceRecord) -> Published:
    headers = {name: bytes(value) for name, value in record.headers if value is not None}
    return Published(
        record.partition,
        record.offset,
        headers.get("ce_id", b"").decode(errors="replace"),
        (record.key or b"").decode(errors="replace"),
        int(headers.get("ce_sequence", b"0")),
        digest(record.value),
        digest(b"\0".join(_parts(record))),
        record.value is None,
        headers.get(MARK, b"").decode(),
    )


def _parts(record: SourceRecord) -> Iterator[bytes]:
    yield record.key or b""
    yield record.value or b"\1"
    for name, value in record.headers:
        yield name.encode()
        yield bytes(value or b"")
