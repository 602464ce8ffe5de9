import pytest

from chassis.service import Service


@pytest.fixture(scope="session")
def service() -> Service:
    from accounts.service import service

    return service
