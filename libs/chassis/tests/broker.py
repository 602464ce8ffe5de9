"""A broker that may be tormented: its own process, short session time-outs, and a second way in through a proxy."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from devstack import ports
from devstack.kafka import KafkaServer

PRODUCE = b"\x00\x00"
"""The api key of a produce request, after the four bytes of its length."""


class Broker(KafkaServer):
    """`bootstrap` leads to it, `proxied` to the same broker through `proxy`."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir)
        self.proxy = Proxy(ports.any_free(), ports.any_free())

    @property
    def proxied(self) -> str:
        return f"127.0.0.1:{self.proxy.port}"

    def _configure(self) -> None:
        super()._configure()
        path = self._home / "server.properties"
        text = path.read_text(encoding="utf-8")
        text = text.replace(",CONTROLLER://", f",PROXIED://127.0.0.1:{self.proxy.target},CONTROLLER://", 1)
        text = text.replace(
            f"advertised.listeners=PLAINTEXT://{self.bootstrap}",
            f"advertised.listeners=PLAINTEXT://{self.bootstrap},PROXIED://{self.proxied}\n"
            # A member that died is missed after two seconds instead of six.
            "group.min.session.timeout.ms=1000",
        )
        path.write_text(text.replace("PLAINTEXT:PLAINTEXT", "PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT", 1))

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Its connections stay open and nothing is answered."""
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)

    async def restart(self) -> None:
        """Stopped and started as for an upgrade."""
        await asyncio.to_thread(self.stop, 20)
        self.launch()
        await self._answers()


class Proxy:
    """Passes bytes on; `lose_answer()` lets the next produce request through and cuts the line before its answer."""

    def __init__(self, port: int, target: int) -> None:
        self.port, self.target = port, target
        self._is_armed = False
        self._lines: set[asyncio.StreamWriter] = set()
        self.lost = 0
        self._server: asyncio.Server

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def close(self) -> None:
        self._server.close()
        for line in self._lines:
            line.transport.abort()
        await self._server.wait_closed()

    @asynccontextmanager
    async def closed(self) -> AsyncIterator[None]:
        """Every line is cut and new ones are refused, as when the broker has died."""
        await self.close()
        try:
            yield
        finally:
            await self.open()

    def lose_answer(self) -> None:
        self._is_armed, self.lost = True, 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        doomed = asyncio.Event()
        self._lines.add(writer)
        with suppress(OSError):
            answers, requests = await asyncio.open_connection("127.0.0.1", self.target)
            await asyncio.wait(
                [
                    asyncio.create_task(self._requests(reader, requests, doomed)),
                    asyncio.create_task(self._answers(answers, writer, doomed)),
                ],
                return_when=asyncio.FIRST_COMPLETED,
            )
            requests.close()
        self._lines.discard(writer)
        writer.close()

    async def _requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, doomed: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                if self._is_armed and data[4:6] == PRODUCE:
                    self._is_armed = False
                    doomed.set()
                writer.write(data)
                await writer.drain()

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, doomed: asyncio.Event) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                if doomed.is_set():
                    self.lost += 1
                    return
                writer.write(data)
                await writer.drain()
