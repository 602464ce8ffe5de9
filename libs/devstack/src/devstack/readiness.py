"""Asking a local process whether it is ready, without a client library."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress


async def http_ok(port: int, path: str = "/readyz", limit: float = 2.0) -> bool:
    """Does GET `path` on the loopback answer 200 within `limit` seconds?"""
    with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
        async with asyncio.timeout(limit):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
                return (await reader.readuntil(b"\r\n")).split()[1:2] == [b"200"]
            finally:
                writer.close()
    return False


async def together(*parts: Awaitable[object]) -> None:
    """Waits for all; when one fails the others are cancelled and its own exception is raised."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition: Callable[[], Awaitable[bool]], limit: float, every: float = 0.1) -> bool:
    """Waits for the condition, at most `limit` seconds; False when the time is over."""
    with suppress(TimeoutError):
        async with asyncio.timeout(limit):
            while not await condition():  # noqa: ASYNC110 - another process changes it, nobody could set an event
                await asyncio.sleep(every)
            return True
    return False
