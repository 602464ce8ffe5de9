"""A TCP proxy that can be made to misbehave: one link per kind of client and server."""

import asyncio
import socket
import struct
from collections.abc import Coroutine
from contextlib import suppress

MODES = ("delay", "black hole", "one way", "reset", "half open", "slices")
CHUNK, SLICE = 65_536, 50


class Link:
    """Listens on a free port of the loopback and passes everything on to `target`, unless a fault is on.

    `delay`: every piece waits. `black hole`: nothing passes in either direction, connections stay. `one way`: answers
    do not pass. `reset`: every connection ends with RST, new ones too. `half open`: the server's side is closed and the
    client is not told, ever. `slices`: bytes arrive in pieces of up to 50.
    """

    def __init__(self, name: str, target: int) -> None:
        self.name, self.target = name, target
        self.mode = ""
        self._seconds = 0.0
        self._flows = asyncio.Event()
        self._answers = asyncio.Event()
        self._open: set[Connection] = set()
        self.heal()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        self.heal()
        for connection in list(self._open):
            connection.reset()

    def break_(self, mode: str, seconds: float = 0.2) -> None:
        """Begins a fault; `seconds` is the delay of each piece in the mode `delay`."""
        self.heal()
        self.mode, self._seconds = mode, seconds
        if mode == "black hole":
            self._flows.clear()
        if mode in ("black hole", "one way"):
            self._answers.clear()
        for connection in list(self._open):
            if mode == "reset":
                connection.reset()
            elif mode == "half open":
                connection.forget_server()

    def heal(self, *, by_reset: bool = False) -> None:
        """What was held back passes on, or `by_reset` its connections end instead."""
        if by_reset and self.mode in ("black hole", "one way"):
            for connection in list(self._open):
                connection.reset()
        self.mode = ""
        self._flows.set()
        self._answers.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(writer)
        if self.mode == "reset":
            connection.reset()
            return
        self._open.add(connection)
        try:
            answers, connection.server = await asyncio.open_connection("127.0.0.1", self.target)
            await _first_of(self._requests(connection, reader), self._replies(connection, answers))
        except (OSError, asyncio.CancelledError):
            connection.reset()
        finally:
            self._open.discard(connection)
            connection.close()

    async def _requests(self, connection: "Connection", reader: asyncio.StreamReader) -> None:
        while data := await reader.read(CHUNK):
            await self._flows.wait()
            if connection.server is not None and not connection.is_half_open:
                await self._pass(connection.server, data)

    async def _replies(self, connection: "Connection", reader: asyncio.StreamReader) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._answers.wait()
                await self._pass(connection.client, data)
        if connection.is_half_open:
            await asyncio.Event().wait()  # the client talks to nobody, until it gives up

    async def _pass(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        if self.mode == "delay":
            await asyncio.sleep(self._seconds)
        size = SLICE if self.mode == "slices" else len(data)
        for start in range(0, len(data), size):
            writer.write(data[start : start + size])
            await writer.drain()


async def _first_of(*directions: Coroutine[None, None, None]) -> None:
    """Until one direction ends; the other then ends too."""
    tasks = [asyncio.create_task(direction) for direction in directions]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Connection:
    """Both sides of one connection."""

    def __init__(self, client: asyncio.StreamWriter) -> None:
        self.client = client
        self.server: asyncio.StreamWriter | None = None
        self.is_half_open = False

    def forget_server(self) -> None:
        self.is_half_open = True
        if self.server is not None:
            _abort(self.server)

    def reset(self) -> None:
        for writer in (self.client, self.server):
            if writer is not None:
                _abort(writer)

    def close(self) -> None:
        for writer in (self.client, self.server):
            if writer is not None:
                writer.close()


def _abort(writer: asyncio.StreamWriter) -> None:
    """Ends with RST instead of FIN: an unsent rest is thrown away."""
    sock = writer.get_extra_info("socket")
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
