from datetime import timedelta
from typing import Protocol

from pydantic import Field, SecretStr

from chassis.settings import ServiceSettings


class IdentitySettings(ServiceSettings):
    service_clients: dict[str, SecretStr] = Field(default_factory=dict)
    """Client id to secret of every service; the table of service accounts follows it at each start."""

    admin_email: str | None = None
    admin_password: SecretStr | None = None
    """The first administrator, made when there is no user at all; ignored afterwards."""

    key_secret: SecretStr | None = None
    """Seals the signing keys in the database; the client secret does when this is not set."""

    access_token_seconds: int = 600
    """Also how long a deactivated user's last token lives on: services do not ask back."""

    session_lifetime: timedelta = timedelta(days=30)
    session_idle: timedelta = timedelta(days=7)

    # RFC 9106, second recommended option: 64 MiB, three passes.
    argon2_time_cost: int = 3
    argon2_memory_kib: int = 65_536
    argon2_lanes: int = 4
    argon2_at_once: int = 2
    """Hashes at the same time: 64 MiB each, and a burst of sign-ins must not starve the other requests."""


class HasSettings(Protocol):
    settings: ServiceSettings


def settings_of(runtime: HasSettings) -> IdentitySettings:
    if not isinstance(runtime.settings, IdentitySettings):
        raise TypeError(f"identity runs with {type(runtime.settings).__name__}")
    return runtime.settings
