"""The broker's configuration: one combined node, made for quick starts and quick rebalances, loopback only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Security = Literal["PLAINTEXT", "SASL_PLAINTEXT", "SASL_SSL"]

QUICK: Mapping[str, str] = {
    # A restart after kill -9 waits until the dead broker's session ends: 10.8 s with the defaults.
    "broker.session.timeout.ms": "1000",
    "broker.heartbeat.interval.ms": "200",
    # The proof that nothing happened, twice a second, is a quarter of what an idle broker costs.
    "metadata.max.idle.interval.ms": "0",
    # Tests want members that die to be missed within a second or two.
    "group.min.session.timeout.ms": "1000",
    "group.initial.rebalance.delay.ms": "0",
    "group.consumer.min.session.timeout.ms": "1000",
    "group.consumer.session.timeout.ms": "2000",
    "group.consumer.min.heartbeat.interval.ms": "100",
    "group.consumer.heartbeat.interval.ms": "500",
    # A missing topic must be seen as missing, not be made by the first producer that mistypes it.
    "auto.create.topics.enable": "false",
    "offsets.topic.num.partitions": "5",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "default.replication.factor": "1",
    "log.cleaner.dedupe.buffer.size": "2097152",
    "log.cleaner.backoff.ms": "500",
    "log.initial.task.delay.ms": "100",
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """A SCRAM user of the broker."""

    username: str
    password: str


ADMIN = Credentials("admin", "admin-secret")
"""The broker's own user; tests take another."""


def server_properties(
    *,
    folder: Path,
    port: int,
    controller_port: int,
    security: Security,
    keystore: Path | None,
    truststore: Path | None,
    extra: Mapping[str, str],
) -> str:
    """Return the text of `server.properties`; `extra` wins over everything here."""
    lines = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": f"{security}://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"{security}://127.0.0.1:{port}",
        "listener.security.protocol.map": f"{security}:{security},CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": security,
        "log.dirs": str(folder / "data"),
        **QUICK,
    }
    if security != "PLAINTEXT":
        login = f'required username="{ADMIN.username}" password="{ADMIN.password}";'
        jaas = f"org.apache.kafka.common.security.scram.ScramLoginModule {login}"
        lines |= {
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
            f"listener.name.{security.lower()}.scram-sha-512.sasl.jaas.config": jaas,
        }
    if keystore is not None and truststore is not None:
        lines |= {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(keystore),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(truststore),
        }
    lines |= extra
    return "".join(f"{name}={value}\n" for name, value in lines.items())


LOG4J = """\
status = error
name = devkafka
appender.file.type = File
appender.file.name = FILE
appender.file.fileName = ${sys:devkafka.log}
appender.file.append = true
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{HH:mm:ss.SSS} %-5p %c{1} - %m%n
rootLogger.level = info
rootLogger.appenderRef.file.ref = FILE
"""
"""Everything goes to one file: the start is recognised by a line of it."""
