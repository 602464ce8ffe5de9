import pytest

from chassis.service import Service


@pytest.fixture(scope="session")
def service() -> Service:
    from identity.service import service

    return service


@pytest.fixture
def settings_overrides() -> dict[str, object]:
    """Hashing that costs nothing, one service account and a first administrator."""
    return {
        "argon2_time_cost": 1,
        "argon2_memory_kib": 64,
        "argon2_lanes": 1,
        "service_clients": {"leads": "leads-secret"},
        "admin_email": "Admin@Example.com",
        "admin_password": "first-password",
    }
