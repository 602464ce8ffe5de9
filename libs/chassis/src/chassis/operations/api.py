"""The operators' routes, the same in every service: for admins only, and every change with a reason."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from chassis.access import OPERATION, Access, allow
from chassis.db import Reader, Session
from chassis.errors import NotFound
from chassis.http import router as house_router
from chassis.operations import audit, backlog, job_api, parked, quarantine
from chassis.operations.audit import Reason
from chassis.projector import Intake

if TYPE_CHECKING:
    from chassis.service import Runtime, Service

Reads = Annotated[Access, allow(OPERATION, "read")]
Changes = Annotated[Access, allow(OPERATION, "change")]
Limit = Annotated[int, Query(ge=1, le=1000)]
Key = Annotated[str, Field(min_length=1, max_length=200)]


class KeyChoice(BaseModel):
    """A parked key, and why; `name` is its handler or topic when several have parked it."""

    key: Key
    name: str | None = None
    reason: Reason


class KeyDrop(KeyChoice):
    whole: bool = Field(False, description="Give up every waiting event of the key, not only the first.")


class Changed(BaseModel):
    """What was changed."""

    source: parked.Source
    name: str
    key: str
    event_ids: list[str]


class RecordChoice(BaseModel):
    ids: Annotated[list[Annotated[int, Field(ge=1, lt=2**63)]], Field(min_length=1, max_length=1000)]
    reason: Reason


class AuditEntry(BaseModel):
    id: int
    at: datetime
    actor_id: str
    actor_name: str
    action: str
    object: str
    reason: str
    result: str
    details: dict[str, Any]
    correlation_id: str


def router(service: "Service") -> APIRouter:
    """GET looks, POST changes; an address names the thing, never the data of an event."""
    found = house_router(service.name)
    found.prefix += "/operations"
    found.tags = ["operations"]
    for method, path, endpoint in ROUTES:
        found.add_api_route(path, endpoint, methods=[method])
    return found


async def list_parked(
    session: Reader, access: Reads, key: Annotated[str | None, Query(max_length=200)] = None, limit: Limit = 100
) -> list[parked.ParkedKey]:
    """The keys that wait for an operator, in the inbox and in the outbox."""
    return await parked.parked_keys(session, key, limit)


async def list_events_of_key(
    session: Reader, access: Reads, key: Annotated[str, Query(min_length=1, max_length=200)], limit: Limit = 100
) -> list[parked.WaitingEvent]:
    """The unfinished events of a parked key in their order, without their data."""
    return await parked.waiting_events(session, key, limit)


async def retry_key(choice: KeyChoice, session: Session, access: Changes) -> Changed:
    """Runs the key's first event again; the later ones follow in their order."""
    found = await parked.only_parked(session, choice.key, choice.name)
    ids = [str(each) for each in await parked.retry(session, found)]
    await _note(session, access, "parked.retry", choice, found, ids)
    return Changed(source=found.source, name=found.name, key=found.key, event_ids=ids)


async def drop_key(choice: KeyDrop, session: Session, access: Changes) -> Changed:
    """Gives up the key's first event, or all that wait; what is left goes on."""
    found = await parked.only_parked(session, choice.key, choice.name)
    ids = [str(each) for each in await parked.drop(session, found, choice.reason, whole=choice.whole)]
    await _note(session, access, "parked.drop", choice, found, ids)
    return Changed(source=found.source, name=found.name, key=found.key, event_ids=ids)


async def _note(
    session: Session, access: Access, action: str, choice: KeyChoice, found: parked.ParkedKey, ids: list[str]
) -> None:
    await audit.record(
        session,
        access.principal,
        action,
        found.key,
        reason=choice.reason,
        result=f"{len(ids)} events",
        source=found.source,
        name=found.name,
        event_ids=ids,
        type=found.type,
        error=found.error,
    )


async def list_quarantined(
    session: Reader, access: Reads, topic: Annotated[str | None, Query(max_length=200)] = None, limit: Limit = 100
) -> list[quarantine.Quarantined]:
    """Records that could not be decoded."""
    return await quarantine.quarantined(session, topic, limit)


async def export_quarantined(choice: RecordChoice, session: Session, access: Changes) -> list[quarantine.RawRecord]:
    """The raw records. They may hold personal data, so this too leaves an audit row."""
    records = await quarantine.raw_records(session, choice.ids)
    if not records:
        raise NotFound("None of these records is in the quarantine.")
    places = [f"{each.topic}/{each.partition}@{each.offset}" for each in records]
    await audit.record(
        session,
        access.principal,
        "quarantine.export",
        ", ".join(places)[:1000],
        reason=choice.reason,
        result=f"{len(records)} records",
        ids=[each.id for each in records],
    )
    return records


async def retry_quarantined(
    choice: RecordChoice, request: Request, session: Session, access: Changes
) -> quarantine.Retried:
    """Hands to the consumers what can be decoded by now."""
    runtime: Runtime = request.app.state.runtime
    intake = Intake(runtime.db, runtime.service.name, runtime.service.subscriptions)
    intake.assigned()
    retried = await quarantine.retry(session, intake, choice.ids)
    await audit.record(
        session,
        access.principal,
        "quarantine.retry",
        ", ".join(map(str, choice.ids))[:1000],
        reason=choice.reason,
        result=f"{len(retried.applied)} applied, {len(retried.refused)} refused",
        applied=retried.applied,
        refused={str(each): problem for each, problem in retried.refused.items()},
    )
    return retried


async def show_outbox(session: Reader, access: Reads) -> backlog.Backlog:
    """What waits for Kafka, since when, and which relay is to send it."""
    return await backlog.backlog(session)


async def list_audit(session: Reader, access: Reads, limit: Limit = 100) -> list[AuditEntry]:
    """What operators have done here, the newest first."""
    return [AuditEntry.model_validate(each) for each in await audit.entries(session, limit)]


ROUTES = (
    ("GET", "/parked", list_parked),
    ("GET", "/parked/events", list_events_of_key),
    ("POST", "/parked/retries", retry_key),
    ("POST", "/parked/drops", drop_key),
    ("GET", "/quarantine", list_quarantined),
    ("POST", "/quarantine/exports", export_quarantined),
    ("POST", "/quarantine/retries", retry_quarantined),
    ("GET", "/outbox", show_outbox),
    ("GET", "/audit", list_audit),
    *job_api.ROUTES,
)
