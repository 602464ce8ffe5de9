"""The second lane of the tests: the official images by testcontainers, where a Docker engine has them."""

import asyncio
import os
import shutil
import subprocess
import time
from contextlib import ExitStack

from devstack import ports
from devstack.kafka import answers
from devstack.processes import ServerFailed

POSTGRES, KAFKA = "postgres:18", "apache/kafka:4.3.1"
KAFKA_LIMIT = 90.0


def wanted() -> bool:
    """Asked for by MERIDIAN_TEST_CONTAINERS=1, and a Docker engine has both images."""
    if os.environ.get("MERIDIAN_TEST_CONTAINERS") != "1" or not shutil.which("docker"):
        return False
    return subprocess.run(["docker", "image", "inspect", POSTGRES, KAFKA], capture_output=True).returncode == 0


def postgres(stack: ExitStack) -> str:
    """postgresql://… of a superuser; the container ends with the stack."""
    from testcontainers.community.postgres import PostgresContainer

    container = PostgresContainer(POSTGRES, driver=None).with_command("postgres -c max_connections=200 -c fsync=off")
    return str(stack.enter_context(container).get_connection_url())


def kafka(stack: ExitStack) -> str:
    """host:port; testcontainers' own Kafka class starts another vendor's image."""
    from testcontainers.core.container import DockerContainer

    port = ports.any_free()
    container = DockerContainer(KAFKA).with_bind_ports(9092, port)
    for name, value in _broker(port).items():
        container.with_env(f"KAFKA_{name}", value)
    stack.enter_context(container)
    bootstrap, deadline = f"127.0.0.1:{port}", time.monotonic() + KAFKA_LIMIT
    while not asyncio.run(answers(bootstrap)):
        if time.monotonic() > deadline:
            raise ServerFailed(f"{KAFKA} does not answer at {bootstrap}.")
        time.sleep(0.2)
    return bootstrap


def _broker(port: int) -> dict[str, str]:
    return {
        "NODE_ID": "1",
        "PROCESS_ROLES": "broker,controller",
        "CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "AUTO_CREATE_TOPICS_ENABLE": "false",
        "OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "OFFSETS_TOPIC_NUM_PARTITIONS": "10",
        "TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
        "SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
        "GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    }
