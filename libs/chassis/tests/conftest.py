"""The chassis is tested through a small service; its package lies beside the tests."""

import sys
from pathlib import Path

import pytest

from chassis.service import Service

sys.path.insert(0, str(Path(__file__).parent / "sample"))


@pytest.fixture(scope="session")
def service() -> Service:
    from workshop.service import service

    return service
