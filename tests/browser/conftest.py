"""A real Chromium on the whole system; every page that a test opened must have stayed without a word of complaint."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    StorageState,
    async_playwright,
    expect,
)

from devstack import discovery, web
from devstack.scratch import System

from .chromium import NoBrowser, fetched
from .office import ANNA, PASSWORD, Office, furnished

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
PATIENCE = 20_000
"""Milliseconds; a busy machine is no failure."""
FIRST_TIME = 900
ABORTED = "net::ERR_ABORTED"

Open = Callable[..., Awaitable[Page]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first of them may have to download the browser and build the application."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(FIRST_TIME))


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    try:
        found = await asyncio.to_thread(fetched)
    except NoBrowser as problem:
        pytest.fail(f"There is no browser to test with, so the pages were not tested: {problem}")
    expect.set_options(timeout=PATIENCE)
    async with async_playwright() as playwright:
        environment: dict[str, str | float | bool] = {**os.environ, **found.environment}
        browser = await playwright.chromium.launch(executable_path=found.path, args=FLAGS, env=environment)
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
async def office(system: System) -> Office:
    """Everything is there to be looked at: the application too, or the reason why not is the failure."""
    try:
        await asyncio.to_thread(web.build, discovery.checkout(), lambda _: None)
    except web.WebNotBuilt as problem:
        pytest.fail(f"There is no application to test, so the pages were not tested: {problem}")
    return await furnished(system)


class Watch:
    """What went wrong in pages: words in the console, errors, requests without a good answer or to somebody else."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.seen: list[str] = []
        self.expected: set[str] = set()

    def expect(self, *answers: str) -> None:
        """Bad answers that belong to the test: `412 PATCH`."""
        self.expected |= set(answers)

    def look_at(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", lambda error: self.seen.append(f"error: {error.error}"))
        context.on("request", self._request)
        context.on("response", self._response)
        context.on("requestfailed", self._failed)

    @property
    def complaints(self) -> list[str]:
        return [each for each in self.seen if " ".join(each.split()[:2]) not in self.expected]

    def _console(self, message: ConsoleMessage) -> None:
        # A bad answer is counted as such, with its method and path.
        if not message.text.startswith("Failed to load resource"):
            self.seen.append(f"console {message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        if urlsplit(request.url).scheme in ("http", "https") and not request.url.startswith(self.address):
            self.seen.append(f"request to {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.seen.append(f"{response.status} {response.request.method} {urlsplit(response.url).path}")

    def _failed(self, request: Request) -> None:
        # A page that is left, or a word typed on, takes its questions back.
        if request.failure != ABORTED:
            self.seen.append(f"{request.failure} {request.method} {urlsplit(request.url).path}")


@pytest.fixture
async def watch(office: Office) -> AsyncIterator[Watch]:
    watch = Watch(office.system.address)
    yield watch
    assert watch.complaints == []


@pytest.fixture
async def visit(chromium: Browser, office: Office, watch: Watch) -> AsyncIterator[Open]:
    """Opens a path in a browser of its own, signed in as one of the colleagues, or as nobody."""
    contexts: list[BrowserContext] = []

    async def visit(path: str, name: str | None = ANNA, *, width: int = 1440, height: int = 900) -> Page:
        context = await chromium.new_context(
            base_url=office.system.address,
            viewport={"width": width, "height": height},
            reduced_motion="reduce",
            locale="en-GB",
            storage_state=_remembered(office.system.address) if name else None,
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        watch.look_at(context)
        if name is not None:
            await _sign_in(context, office, name)
        page = await context.new_page()
        await page.goto(path)
        return page

    yield visit
    for context in contexts:
        await context.close()


def _remembered(address: str) -> StorageState:
    """A browser that somebody has signed in with."""
    return {"origins": [{"origin": address, "localStorage": [{"name": "meridian.signed_in", "value": "1"}]}]}


async def _sign_in(context: BrowserContext, office: Office, name: str) -> None:
    body = {"email": office.people[name].email, "password": PASSWORD}
    answer = await context.request.post("/session", data=body, headers={"Origin": office.system.address})
    assert answer.status == 201, await answer.text()
