"""The chassis is tested through a small service; its package lies beside the tests."""

import asyncio
import multiprocessing
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chassis.service import Service
from libs.chassis.tests.broker import Broker

SAMPLE = str(Path(__file__).parent / "sample")
sys.path.insert(0, SAMPLE)


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


@pytest.fixture(scope="session")
def forks() -> None:
    """Processes of tests are forked from one that has the imports, so that a death costs no seconds of start."""
    os.environ["PYTHONPATH"] = SAMPLE
    # What is lost with a dead process is missed soon.
    os.environ["BOOKINGS_PATIENCE"] = "3"
    multiprocessing.get_context("forkserver").set_forkserver_preload(["counting", "bookings.process"])
