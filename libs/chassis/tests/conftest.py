"""The chassis is tested through a small service; its package lies beside the tests."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chassis.service import Service
from libs.chassis.tests.broker import Broker

sys.path.insert(0, str(Path(__file__).parent / "sample"))


@pytest.fixture(scope="session")
def service() -> Service:
    from workshop.service import service

    return service


@pytest.fixture(scope="session")
async def broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Broker]:
    """A real broker that may be stopped, frozen and cut off."""
    folder = tmp_path_factory.mktemp("broker")
    folder.chmod(0o711)
    folder.parent.chmod(0o711)
    made = Broker(folder / "kafka")
    await asyncio.to_thread(made.start)
    await made.proxy.open()
    yield made
    await made.proxy.close()
    await asyncio.to_thread(made.stop)
