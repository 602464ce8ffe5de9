import pytest

from chassis.service import Service
from notifications.service import service as notifications_service


@pytest.fixture(scope="session")
def service() -> Service:
    return notifications_service
