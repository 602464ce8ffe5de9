"""What every process reads from its environment, with the prefix MERIDIAN_."""

from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

DEVELOPMENT_SECRET = "development-only"  # noqa: S105 - refused outside development


class ServiceSettings(BaseSettings):
    """Services subclass it with their own knobs; nested values (SERVICE_URLS) are JSON.

    Outside `environment=development` a default secret stops the start.
    """

    model_config = SettingsConfigDict(env_prefix="MERIDIAN_", extra="ignore", frozen=True)

    environment: Literal["development", "production"] = "development"
    database_url: str = Field(
        "", repr=False, description="postgresql+asyncpg://user:password@host:port/name; empty: no database"
    )
    relay_database_url: str = Field(
        "", repr=False, description="the same database for a role that may only relay; empty: as database_url"
    )
    kafka: str = Field("127.0.0.1:9092", description="host:port, comma separated")
    kafka_client: Literal["aiokafka", "confluent"] = Field("aiokafka", description="confluent needs its extra")
    kafka_username: str = Field("", description="signs in by SCRAM-SHA-512; empty: nobody signs in")
    kafka_password: SecretStr = SecretStr("")
    kafka_tls: bool = False
    kafka_ca: str = Field("", description="PEM file of the authority that signed the brokers; empty: the system's")
    smtp_url: str = Field("smtp://127.0.0.1:1025", repr=False)
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    service_urls: dict[str, str] = Field(default_factory=dict, description="service name -> http://host:port")
    client_secret: SecretStr = SecretStr(DEVELOPMENT_SECRET)
    partitions: int = Field(24, ge=1)
    replication: int = Field(1, ge=1)
    log: Literal["console", "json"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    pool_size: int = Field(10, ge=1, description="most database connections for writing, and as many for reading")
    relay_poll: float = Field(0.025, gt=0, description="seconds between two looks of an idle relay at the outbox")
    outbox_limit: int = Field(1_000_000, ge=1, description="events that may wait for Kafka before changes are refused")
    member_timeout: float = Field(30.0, ge=6, description="seconds until a silent consumer's work is given to others")
    linger: float = Field(
        0.0, ge=0, description="seconds to gather more while batches of relay and consumers follow each other"
    )
    shutdown_seconds: float = Field(10.0, gt=0, description="how long requests and workers may take to finish")

    @model_validator(mode="after")
    def _no_default_secret_in_production(self) -> Self:
        if self.environment == "production":
            weak = [name for name in type(self).model_fields if _is_default_secret(getattr(self, name))]
            if weak:
                raise ValueError(f"set {', '.join(f'MERIDIAN_{name.upper()}' for name in weak)}: no default secrets")
        return self


def _is_default_secret(value: object) -> bool:
    return isinstance(value, SecretStr) and value.get_secret_value().startswith("development")
