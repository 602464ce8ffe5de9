import pytest

from activities.service import service as activities_service
from chassis.service import Service


@pytest.fixture(scope="session")
def service() -> Service:
    return activities_service
