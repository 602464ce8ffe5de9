"""How a client signs in: SCRAM-SHA-512, and TLS where the brokers have certificates."""

import ssl
from dataclasses import dataclass, field
from typing import Any

MECHANISM = "SCRAM-SHA-512"


@dataclass(frozen=True)
class Security:
    """Without a username nobody signs in. `ca` is a PEM file with the authority to trust; empty: the system's."""

    username: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    ca: str = ""

    @property
    def protocol(self) -> str:
        """Kafka's name for the combination."""
        if self.username:
            return "SASL_SSL" if self.tls else "SASL_PLAINTEXT"
        return "SSL" if self.tls else "PLAINTEXT"


def for_aiokafka(security: Security) -> dict[str, Any]:
    """Arguments of aiokafka's clients. Raises OSError for a `ca` that cannot be read."""
    options: dict[str, Any] = {"security_protocol": security.protocol}
    if security.tls:
        options["ssl_context"] = ssl.create_default_context(cafile=security.ca or None)
    if security.username:
        options |= {"sasl_mechanism": MECHANISM, "sasl_plain_username": security.username}
        options["sasl_plain_password"] = security.password
    return options


def for_librdkafka(security: Security) -> dict[str, str]:
    """Settings of confluent-kafka's clients."""
    options = {"security.protocol": security.protocol.lower()}
    if security.tls and security.ca:
        options["ssl.ca.location"] = security.ca
    if security.username:
        options |= {"sasl.mechanism": MECHANISM, "sasl.username": security.username}
        options["sasl.password"] = security.password
    return options
