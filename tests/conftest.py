"""The whole system as `make up` runs it, once per session, on free ports in a folder of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from devstack import discovery, web
from devstack.scratch import System, scratch, started


@pytest.fixture(scope="session")
async def system(request: pytest.FixtureRequest) -> AsyncIterator[System]:
    """With the web application when a test in a browser is among them; those say why it cannot be built."""
    if any("office" in getattr(item, "fixturenames", ()) for item in request.session.items):
        with suppress(web.WebNotBuilt):
            await asyncio.to_thread(web.build, discovery.checkout(), lambda _: None)
    async with scratch() as local, started(local) as running:
        yield running
