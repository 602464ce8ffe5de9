"""The caller's body on its way in: counted, never kept, and gone when the caller is."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress

from starlette.types import Message, Receive

from chassis.errors import Malformed, TooLarge

SMALL = 64 * 1024
DRAIN_SECONDS = 5.0
DRAIN_BYTES = 64 * 1024 * 1024


class CallerLeft(Exception):
    """The connection closed before the body was complete; nobody is there to be told."""


def declared_length(headers: Mapping[bytes, bytes], limit: int) -> int | None:
    """Bytes by Content-Length; 0 without a body, None when only the end will tell. Raises TooLarge (413)."""
    declared = headers.get(b"content-length")
    if declared is None:
        return None if b"transfer-encoding" in headers else 0
    if not declared.isdigit():
        raise Malformed("The header Content-Length is not a number.")
    if int(declared) > limit:
        raise too_large(limit)
    return int(declared)


async def drain(receive: Receive) -> None:
    """Reads away what a refused caller still sends: closing at once would take the answer away from them as well."""
    drained = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while drained < DRAIN_BYTES:
                message = await receive()
                drained += len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return


def too_large(limit: int) -> TooLarge:
    return TooLarge(f"At most {limit} bytes are accepted here.", headers={"Connection": "close"}, limit=limit)


class Upload:
    """`failure` keeps why it ended early, since the client library tells only that it did."""

    def __init__(self, receive: Receive, limit: int, progress: asyncio.Timeout, patience: float) -> None:
        self._receive = receive
        self._limit = limit
        self._progress = progress
        self._patience = patience
        self._received = 0
        self.failure: Exception | None = None

    async def chunks(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await self._receive()
            self._count(message)
            yield message.get("body", b"")
            more = message.get("more_body", False)

    async def whole(self) -> bytes:
        return b"".join([chunk async for chunk in self.chunks()])

    def _count(self, message: Message) -> None:
        self._received += len(message.get("body", b""))
        if message["type"] == "http.disconnect":
            self.failure = CallerLeft()
        elif self._received > self._limit:
            self.failure = too_large(self._limit)
        if self.failure is not None:
            raise self.failure
        self._progress.reschedule(asyncio.get_running_loop().time() + self._patience)
