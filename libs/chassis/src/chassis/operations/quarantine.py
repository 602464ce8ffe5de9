"""Records that could not be decoded: seen, taken out, and taken in once somebody can read them."""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ValidationError
from sqlalchemy import RowMapping, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.kafka import SourceRecord
from chassis.operations.wording import without_data
from chassis.projector import Intake, parse
from chassis.tables import QUARANTINE
from contracts.envelope import EnvelopeError

c = QUARANTINE.c


class Quarantined(BaseModel):
    id: int
    topic: str
    partition: int
    offset: int
    error: str
    bytes: int
    quarantined_at: datetime


class RawRecord(BaseModel):
    """A record as it lay in the log; key and value in base64, null where there was none."""

    id: int
    topic: str
    partition: int
    offset: int
    key: str | None
    value: str | None
    headers: list[tuple[str, str]]
    error: str


class Retried(BaseModel):
    """What became of the chosen records, by id."""

    applied: list[int]
    refused: dict[int, str]


async def quarantined(session: AsyncSession, topic: str | None, limit: int) -> list[Quarantined]:
    size = func.coalesce(func.length(c.value), 0).label("bytes")
    found = select(c.id, c.topic, c.partition, c.offset, c.error, size, c.quarantined_at).order_by(c.id).limit(limit)
    rows = await session.execute(found.where(c.topic == topic) if topic else found)
    return [Quarantined.model_validate({**row, "error": without_data(row["error"])}) for row in rows.mappings()]


async def raw_records(session: AsyncSession, ids: Sequence[int]) -> list[RawRecord]:
    rows = await session.execute(select(QUARANTINE).where(c.id.in_(ids)).order_by(c.id))
    return [
        RawRecord(
            **{name: row[name] for name in ("id", "topic", "partition", "offset", "headers", "error")},
            key=_base64(row["key"]),
            value=_base64(row["value"]),
        )
        for row in rows.mappings()
    ]


def _base64(raw: bytes | None) -> str | None:
    return None if raw is None else base64.b64encode(raw).decode()


async def retry(session: AsyncSession, intake: Intake, ids: Sequence[int]) -> Retried:
    """Hands what can be decoded by now to the consumers; the rest stays, with what is still wrong with it."""
    rows = await session.execute(select(QUARANTINE).where(c.id.in_(ids)).order_by(c.id).with_for_update())
    applied, refused = [], {}
    for row in rows.mappings().all():
        record = _record(row)
        if problem := _problem(record):
            refused[row["id"]] = problem
        else:
            await intake.effect(session, [record], one_by_one=True)
            applied.append(row["id"])
    await session.execute(delete(QUARANTINE).where(c.id.in_(applied)))
    return Retried(applied=applied, refused={**refused, **_missing(ids, [*applied, *refused])})


def _missing(ids: Sequence[int], found: Sequence[int]) -> dict[int, str]:
    return {each: "there is no such record" for each in ids if each not in found}


def _problem(record: SourceRecord) -> str:
    try:
        return "" if parse(record) else "nobody here knows its type"
    except (EnvelopeError, ValidationError) as error:
        return without_data(repr(error))


def _record(row: RowMapping) -> SourceRecord:
    headers: list[Any] = row["headers"]
    pairs = [(name, value.encode("latin-1")) for name, value in headers]
    return SourceRecord(row["topic"], row["partition"], row["offset"], row["key"], row["value"], pairs)
