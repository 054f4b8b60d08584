"""What the demo runs on: a broker, topics and a worker. All of it is gone when the block ends, however it ends."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import KafkaException

from demo.errors import DemoError
from kafka.cluster import Cluster
from schemas.instant import to_rfc3339
from streams.kafka.connection import connect
from streams.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
HOW_TO_CONNECT = (
    "SECURITY_PROTOCOL", "SASL_MECHANISM", "SASL_USERNAME", "SASL_PASSWORD", "SASL_PASSWORD_FILE", "SSL_CA",
    "SSL_CERTIFICATE", "SSL_KEY", "ALLOW_PLAINTEXT", "REPLICATION",
)  # fmt: skip
"""Settings taken over beside CHURN_BOOTSTRAP when it names a cluster; all others are the demo's own."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the demo takes place: the settings of its processes, as values and as their environment."""

    settings: Settings
    environ: Mapping[str, str]
    folder: Path

    def program(self, *arguments: str) -> list[str]:
        """The command line of the product."""
        return [sys.executable, "-m", "streams", *arguments]

    def run(self, step: str, *arguments: str) -> str:
        """Run a command of the product to its end; returns what it printed. Raises DemoError."""
        done = subprocess.run(
            self.program(*arguments), cwd=ROOT, env=self.environ, check=False, capture_output=True, text=True
        )
        if done.returncode:
            raise DemoError(step, f"exit code {done.returncode}", (done.stderr or done.stdout).strip())
        return done.stdout


@contextmanager
def surroundings(own: Mapping[str, str], alerts_from_ms: int) -> Iterator[Place]:
    """A broker with the demo's topics: of our own, or the one CHURN_BOOTSTRAP names, under a prefix of our own."""
    named = os.environ.get("CHURN_BOOTSTRAP")
    with tempfile.TemporaryDirectory(prefix="churn-demo-") as folder, _broker(named) as bootstrap:
        prefix = f"demo-{secrets.token_hex(4)}" if named else "demo"
        taken = {name: f"CHURN_{name}" for name in HOW_TO_CONNECT if named and f"CHURN_{name}" in os.environ}
        settings = {
            "BOOTSTRAP": bootstrap,
            "PREFIX": prefix,
            "GROUP": prefix,
            "TICKS": "false",
            "METRICS_PORT": "0",
            "ALERTS_FROM": to_rfc3339(alerts_from_ms),
            **{name: os.environ[variable] for name, variable in taken.items()},
            **own,
        }
        environ = {name: value for name, value in os.environ.items() if not name.startswith("CHURN_")}
        environ |= {f"CHURN_{name}": value for name, value in settings.items()}
        place = Place(load_settings(environ), environ, Path(folder))
        try:
            place.run("topics", "topics", "create")
            yield place
        finally:
            if named:
                _delete(place.settings)


@contextmanager
def _broker(named: str | None) -> Iterator[str]:
    if named:
        yield named
        return
    cluster = Cluster()
    try:  # not `with`: Ctrl-C while it starts must end it too
        cluster.start()
        yield cluster.bootstrap
    finally:
        cluster.stop()


def _delete(settings: Settings) -> None:
    """Take the demo's topics and its group off somebody else's cluster."""
    admin, cluster = connect(settings)
    topics = [name for name in cluster.topics if name.startswith(f"{settings.prefix}.")]
    if topics:
        _done(admin.delete_topics(topics))
    _done(admin.delete_consumer_groups([f"{settings.group}-v{settings.app_version}"]))


def _done(futures: Mapping[str, Future[None]]) -> None:
    for future in futures.values():
        with suppress(KafkaException):  # gone already
            future.result(10)
