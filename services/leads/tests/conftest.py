import pytest

from chassis.service import Service
from leads.service import service as leads_service


@pytest.fixture(scope="session")
def service() -> Service:
    return leads_service
