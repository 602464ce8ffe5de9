import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Annotated, Any, cast
from uuid import UUID

import orjson
from fastapi import Header, Request
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event

from chassis.service import Runtime
from notifications.api.feed import Read, routes
from notifications.api.hub import Hub, Listener, Message, notification_message
from notifications.api.policy import POLICY
from notifications.queries.feed import notices_after
from notifications.settings import NotificationSettings

EVENT_STREAM = "text/event-stream"
DOCUMENTED: dict[int | str, dict[str, Any]] = {
    200: {"description": "Server-sent events", "content": {EVENT_STREAM: {"schema": {"type": "string"}}}}
}
RECONNECT_MS = 2_000
LONGEST_WAIT_FOR_KAFKA = 5.0
"""Seconds; after that the stream starts all the same and the browser has the feed."""


@routes.get("/stream", response_class=StreamingResponse, responses=DOCUMENTED)
async def stream(
    request: Request, access: Read, last_id: Annotated[str | None, Header(alias="Last-Event-ID")] = None
) -> StreamingResponse:
    """Server-sent events: `notification` for the caller's own notices, `change` when a record changed that he may read.

    A notice has its id as the event's id: who comes back with `Last-Event-ID` gets what came in between.
    """
    runtime: Runtime = request.app.state.runtime
    hub = hub_of(runtime)
    listener = hub.join(access.principal)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_WAIT_FOR_KAFKA):
                await hub.listening.wait()
        missed = await _missed(runtime, access.principal.id, last_id)
    except BaseException:
        hub.leave(listener)
        raise
    settings = cast(NotificationSettings, runtime.settings)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    events = _events(hub, listener, missed, settings)
    return StreamingResponse(events, media_type=EVENT_STREAM, headers=headers)


def hub_of(runtime: Runtime) -> Hub:
    """The process's one hub, started by its first listener."""
    if "hub" not in runtime.state:
        settings = cast(NotificationSettings, runtime.settings)
        runtime.state["hub"] = Hub(runtime, POLICY, settings.stream_queue)
    hub: Hub = runtime.state["hub"]
    return hub


async def _missed(runtime: Runtime, user_id: UUID, last_id: str | None) -> list[Message]:
    try:
        last = UUID(last_id or "")
    except ValueError:
        return []
    async with runtime.db.read() as session:
        return [notification_message(each.state()) for each in await notices_after(session, user_id, last)]


async def _events(
    hub: Hub, listener: Listener, missed: Sequence[Message], settings: NotificationSettings
) -> AsyncIterator[bytes]:
    sent = {message.id for message in missed}
    ends_at = time.monotonic() + settings.stream_seconds
    try:
        yield format_sse_event(event="ready", data_str="{}", retry=RECONNECT_MS)
        for message in missed:
            yield _encoded(message)
        while time.monotonic() < ends_at:
            try:
                async with asyncio.timeout(settings.stream_heartbeat_seconds):
                    waiting = await listener.queue.get()
            except TimeoutError:
                yield b": alive\n\n"
                continue
            if waiting is None:
                break
            if waiting.id is None or waiting.id not in sent:
                yield _encoded(waiting)
    finally:
        hub.leave(listener)


def _encoded(message: Message) -> bytes:
    return format_sse_event(event=message.event, data_str=orjson.dumps(message.data).decode(), id=message.id)
