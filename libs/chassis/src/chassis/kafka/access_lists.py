"""Brings a broker's access lists and passwords to what the catalogue says. Needs the extra `confluent`."""

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from chassis.kafka.confluent_errors import configuration
from chassis.kafka.port import Connection
from chassis.security.acls import CLUSTER, Grant

LIMIT = 15.0
"""Seconds for one question to the broker."""
ITERATIONS = 8192
"""Of SCRAM's key derivation; Kafka accepts 4,096 to 16,384."""

RESOURCES = {"TOPIC": ResourceType.TOPIC, "GROUP": ResourceType.GROUP, "CLUSTER": ResourceType.BROKER}


def admin(connection: Connection) -> AdminClient:
    """A client for the two functions below."""
    return AdminClient(configuration(connection))


def set_passwords(client: AdminClient, passwords: Mapping[str, str]) -> None:
    """SCRAM-SHA-512 credentials by principal; raises KafkaException."""
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS)
    wanted: list[UserScramCredentialAlteration] = [
        UserScramCredentialUpsertion(name, info, word.encode()) for name, word in passwords.items()
    ]
    _all(client.alter_user_scram_credentials(wanted, request_timeout=LIMIT))


def set_acls(client: AdminClient, wanted: list[Grant]) -> tuple[int, int]:
    """Adds what is missing and removes what these principals have besides; (added, removed).

    Lists of principals that are not named in `wanted` stay as they are. Raises KafkaException.
    """
    bindings = {_binding(grant) for grant in wanted}
    principals = {binding.principal for binding in bindings}
    found = {binding for name in principals for binding in _present(client, name)}
    missing, extra = bindings - found, found - bindings
    if missing:
        _all(client.create_acls(list(missing), request_timeout=LIMIT))
    if extra:
        _all(client.delete_acls([_exactly(binding) for binding in extra], request_timeout=LIMIT))
    return len(missing), len(extra)


def _present(client: AdminClient, principal: str) -> list[AclBinding]:
    whatever: Any = None  # a name or host that is not asked for; the stubs want a string
    anything = AclBindingFilter(
        ResourceType.ANY,
        whatever,
        ResourcePatternType.ANY,
        principal,
        whatever,
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    return list(client.describe_acls(anything, request_timeout=LIMIT).result())


def _binding(grant: Grant) -> AclBinding:
    name = CLUSTER if grant.resource == "CLUSTER" else grant.name
    pattern, operation = ResourcePatternType[grant.pattern], AclOperation[grant.operation]
    principal = f"User:{grant.principal}"
    return AclBinding(RESOURCES[grant.resource], name, pattern, principal, "*", operation, AclPermissionType.ALLOW)


def _exactly(binding: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        binding.restype,
        binding.name,
        binding.resource_pattern_type,
        binding.principal,
        binding.host,
        binding.operation,
        binding.permission_type,
    )


def _all(futures: Mapping[Any, "Future[Any]"]) -> None:
    for future in futures.values():
        future.result(LIMIT)
