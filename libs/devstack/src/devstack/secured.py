"""A broker as production has it: TLS, SCRAM-SHA-512 and StandardAuthorizer, which refuses what no list allows."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from devstack import account
from devstack.kafka import KafkaServer, answers
from devstack.processes import complete

ADMIN = "admin"

SECURITY = """
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:{admin}
listeners=SASL_SSL://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=SASL_SSL://127.0.0.1:{port}
listener.security.protocol.map=CONTROLLER:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
security.inter.broker.protocol=SASL_SSL
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required username="{admin}" password="{password}";
# The controllers know no SCRAM user before they have the log that names them.
sasl.mechanism.controller.protocol=PLAIN
listener.name.controller.sasl.enabled.mechanisms=PLAIN
listener.name.controller.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required username="{admin}" password="{password}" \
user_{admin}="{password}";
ssl.keystore.type=PEM
ssl.keystore.location={home}/server.pem
ssl.truststore.type=PEM
ssl.truststore.location={home}/ca.pem
"""


@dataclass(frozen=True)
class Certificate:
    """PEM texts: the authority, and the server's key with its certificate for 127.0.0.1."""

    authority: str
    server: str


class SecuredKafka(KafkaServer):
    """One broker whose only user at first is `admin`, for whom no list is asked."""

    def __init__(self, data_dir: Path, password: str, certificate: Certificate) -> None:
        super().__init__(data_dir)
        self.password = password
        self.certificate = certificate

    def _configure(self) -> None:
        super()._configure()
        properties = self._home / "server.properties"
        lines = [line for line in properties.read_text().splitlines() if not line.startswith("#")]
        kept = dict(line.split("=", 1) for line in lines if "=" in line)
        controller = kept["controller.quorum.bootstrap.servers"].rpartition(":")[2]
        values = {"admin": ADMIN, "password": self.password, "port": self.port, "controller": controller}
        added = SECURITY.format(**values, home=self._home)
        changed = {line.split("=", 1)[0] for line in added.splitlines() if "=" in line}
        rest = [f"{name}={value}" for name, value in kept.items() if name not in changed]
        self._write("server.properties", "\n".join(rest) + added)
        self._write("server.pem", self.certificate.server)
        self._write("ca.pem", self.certificate.authority)

    def _write(self, name: str, text: str) -> None:
        (self._home / name).write_text(text, encoding="utf-8")
        (self._home / name).chmod(0o644)

    def _format(self) -> None:
        subprocess.run(["rm", "-rf", str(self._home / "data")], check=True)
        command = [*self._java, self._logging, "kafka.tools.StorageTool", "format", "--standalone"]
        command += ["-t", "MeridianSecuredTests00", "-c", str(self._home / "server.properties")]
        command += ["--add-scram", f"SCRAM-SHA-512=[name={ADMIN},password={self.password}]"]
        complete(command, f"Kafka could not format {self._home}.", **account.credentials())

    async def is_ready(self) -> bool:
        return await answers(
            self.bootstrap,
            security_protocol="SASL_SSL",
            ssl_context=ssl.create_default_context(cadata=self.certificate.authority),
            sasl_mechanism="SCRAM-SHA-512",
            sasl_plain_username=ADMIN,
            sasl_plain_password=self.password,
        )
