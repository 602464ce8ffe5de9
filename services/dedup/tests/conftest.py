import pytest

from chassis.service import Service
from dedup.service import service as dedup_service


@pytest.fixture(scope="session")
def service() -> Service:
    return dedup_service
