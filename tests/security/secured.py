"""A Kafka with TLS, SCRAM and access lists, as `python -m chassis.security` makes them from the catalogue."""

import datetime
import ipaddress
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chassis.kafka import Bus, Security
from chassis.security.acls import MIGRATOR, grants_of, services
from chassis.service import Service
from chassis.settings import ServiceSettings
from contracts.catalogue import TOPICS
from devstack.secured import Certificate, SecuredKafka

ALL = [name for topic in TOPICS for name in ([topic.name, topic.state_name] if topic.has_state else [topic.name])]
PRINCIPALS = (*services(), MIGRATOR)


def certificate() -> Certificate:
    """For 127.0.0.1, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM).decode()
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()
    return Certificate(public, private + public)


@dataclass(frozen=True)
class Secured:
    """The broker, and how one signs in there."""

    server: SecuredKafka
    ca: Path

    def environment(self, name: str, password: str = "") -> dict[str, str]:
        return {
            "MERIDIAN_KAFKA": self.server.bootstrap,
            "MERIDIAN_KAFKA_USERNAME": name,
            "MERIDIAN_KAFKA_PASSWORD": password or f"secret-of-{name}",
            "MERIDIAN_KAFKA_TLS": "true",
            "MERIDIAN_KAFKA_CA": str(self.ca),
            "MERIDIAN_PARTITIONS": "1",
        }

    def config(self, name: str, **changes: Any) -> dict[str, Any]:
        """For confluent-kafka."""
        return {
            "bootstrap.servers": self.server.bootstrap,
            "security.protocol": "sasl_ssl",
            "ssl.ca.location": str(self.ca),
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": name,
            "sasl.password": f"secret-of-{name}",
            "logger": logging.getLogger("broker"),
            **changes,
        }

    def settings(self, service: Service, name: str, **more: Any) -> ServiceSettings:
        environment = self.environment(name).items()
        given: dict[str, Any] = {key.removeprefix("MERIDIAN_").lower(): value for key, value in environment}
        return service.settings(**given, **more)

    def bus(self, name: str, client: Any) -> Bus:
        security = Security(name, f"secret-of-{name}", True, str(self.ca))
        return Bus(self.server.bootstrap, name, 10.0, security=security, client=client)


def topics_with(principal: str, operation: str) -> list[str]:
    return sorted(g.name for g in grants_of(principal) if (g.resource, g.operation) == ("TOPIC", operation))
