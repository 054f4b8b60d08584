"""Real workers as processes: started, stopped, killed, and waited for. Every one is ended by its pid in all cases."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Final, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from schemas.topics import Topics
from support.broker import Broker, set_config
from support.program import ROOT, Process, command, environment, run, start

LEAVE_WITHIN_S: Final = 12.0
"""SIGTERM ends a worker within ten seconds; the rest is for a crowded machine."""

WITH_MODEL: Final = str(ROOT / "models/catalogue/default.yaml")
RULES_ONLY: Final = str(ROOT / "deploy/catalogues/rules-only.yaml")
"""For tests that are not about the model: a worker then needs two thirds of the time."""

LOG_LINES: Final = 30
SETTLED_WITHIN_S: Final = 10.0
NOT_YET: Final = (
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
)
"""What a broker answers about topics or groups that were just made."""

Answer = TypeVar("Answer")

Place = tuple[str, int]
"""Topic and partition."""


@dataclass(frozen=True)
class Deployment:
    """Topics of one test and the settings that its workers share."""

    broker: Broker
    prefix: str
    partitions: int
    folder: Path
    more: Mapping[str, str]

    @property
    def settings(self) -> dict[str, str]:
        """`CHURN_*` without its beginning: no clock but that of the events, and alerts as `replay` prints them."""
        return {
            "bootstrap": self.broker.bootstrap,
            "prefix": self.prefix,
            "group": self.prefix,
            "partitions": str(self.partitions),
            "ticks": "false",
            "alerts_from": "1970-01-01T00:00:00Z",
            "metrics_port": "0",
            **self.more,
        }

    @property
    def topics(self) -> Topics:
        return Topics(self.prefix, self.version)

    @property
    def version(self) -> int:
        """Of the application."""
        return int(self.more.get("app_version", "1"))

    @property
    def group(self) -> str:
        """The consumer group as Kafka knows it."""
        return f"{self.prefix}-v{self.version}"


def deploy(broker: Broker, prefix: str, folder: Path, *, partitions: int = 6, **more: str) -> Deployment:
    """Create the topics with the program's own command."""
    deployment = Deployment(broker, prefix, partitions, folder, more)
    made = run("topics", "create", **deployment.settings)
    assert made.code == 0, made.err
    # What people say in a test was said as long ago as its events happened: it must be there after a kill as well.
    set_config(broker, deployment.topics.commands, retention_ms="-1")
    return deployment


class Worker:
    """A worker in a process of its own, as `program` starts it. With `instance` it is a static member."""

    def __init__(
        self, deployment: Deployment, name: str, *, instance: str | None = None, program: Sequence[str] | None = None
    ) -> None:
        self.name, self.instance = name, instance
        self._program = command("worker") if program is None else program
        self.deployment = deployment
        self._process: Process | None = None
        self._log = deployment.folder / f"{name}.log"
        self._log_start = 0

    def start(self) -> None:
        """Start the process; it is ready a few seconds later."""
        settings = self.deployment.settings
        if self.instance is not None:
            settings["instance_id"] = self.instance
        self._log_start = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            self._process = start(self._program, environment(settings), log, log)

    @property
    def process(self) -> Process:
        """The process started last."""
        assert self._process is not None, f"{self.name} was never started"
        return self._process

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def pause(self) -> None:
        """Stop it in its tracks; to the group it stays alive for the session timeout."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def kill_9(self) -> None:
        """The end without a farewell, paused or not."""
        self.process.kill()
        self.process.wait(LEAVE_WITHIN_S)

    def terminate(self, within_s: float = LEAVE_WITHIN_S) -> int:
        """Ask it to leave; returns the exit code."""
        self.process.terminate()
        return self.process.wait(within_s)

    def check(self) -> None:
        """Fail with the end of the log when it is no longer running."""
        assert self.is_running(), f"{self.name} left with {self.process.poll()}:\n{self.log_tail()}"

    def log(self) -> str:
        """What the process started last has logged."""
        return self._log.read_bytes()[self._log_start :].decode(errors="replace") if self._log.exists() else ""

    def log_tail(self) -> str:
        """The last lines it logged."""
        return "\n".join(self.log().splitlines()[-LOG_LINES:])

    def close(self) -> None:
        """End it, whatever state it is in."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(LEAVE_WITHIN_S)


@contextmanager
def workers(
    deployment: Deployment, *names: str, is_static: bool = True, program: Sequence[str] | None = None
) -> Iterator[list[Worker]]:
    """Workers to be started by the test; all are gone when the block ends."""
    made = [Worker(deployment, name, instance=name if is_static else None, program=program) for name in names]
    try:
        yield made
    finally:
        for worker in made:
            worker.close()


class Positions:
    """End offsets, committed offsets and members of the group, as the broker tells them."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._admin: AdminClient = deployment.broker.admin()
        # Asks for offsets and never joins. The admin client's own call crashes Python while a coordinator is loading.
        self._group = Consumer({"bootstrap.servers": deployment.broker.bootstrap, "group.id": deployment.group})

    def ends(self, topics: Sequence[str]) -> dict[Place, int]:
        """The next offset of every partition of some topics."""
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call] # published without types
        wanted = {TopicPartition(t, p): latest for t in topics for p in range(self._deployment.partitions)}

        def ask() -> dict[Place, int]:
            futures = self._admin.list_offsets(wanted, request_timeout=10)
            return {(tp.topic, tp.partition): future.result(10).offset for tp, future in futures.items()}

        return _settled(ask)

    def committed(self, *more: str) -> dict[Place, int]:
        """The offsets the group has committed in the event topics (and more), 0 where it has none."""
        topics = (*self._deployment.topics.events, *more)
        wanted = [TopicPartition(t, p) for t in topics for p in range(self._deployment.partitions)]

        def ask() -> dict[Place, int]:
            found = self._group.committed(wanted, timeout=10)
            return {(tp.topic, tp.partition): max(tp.offset, 0) for tp in found}

        return _settled(ask)

    def members(self) -> dict[str, set[int]]:
        """Instance id (or client id) of each member to the partition numbers it owns."""
        group = self._admin.describe_consumer_groups([self._deployment.group])[self._deployment.group].result(10)
        return {
            member.group_instance_id or member.member_id: {tp.partition for tp in member.assignment.topic_partitions}
            for member in group.members
        }

    def lag(self) -> int:
        """Events, ticks, commands and what partitions sent each other that are not committed yet."""
        topics = self._deployment.topics
        committed = self.committed(topics.ticks, topics.commands, topics.moved)
        return sum(end - committed[place] for place, end in self.ends(topics.inputs).items())


def _settled(ask: Callable[[], Answer]) -> Answer:
    """The answer to a question, asked again while the broker is not ready to answer it."""
    deadline = time.monotonic() + SETTLED_WITHIN_S
    while True:
        try:
            return ask()
        except KafkaException as error:
            if time.monotonic() > deadline or error.args[0].code() not in NOT_YET:
                raise
            time.sleep(0.1)


def wait_for_lag_zero(
    deployment: Deployment,
    running: Sequence[Worker],
    *,
    within_s: float = 120.0,
    is_after_kills: bool = False,
) -> None:
    """Wait until everything posted is committed and everybody due was judged.

    After kills no lag says that what was committed before is still read again: then the records in the partitions count
    (nothing may have been deleted). Fails with the log's end when a worker died or time is up.
    """
    positions = Positions(deployment)

    def unread() -> float:
        posted = sum(positions.ends(_counted(deployment)).values()) if is_after_kills else 0
        return posted and posted - sum(_told(worker, "churn_recorded_events", 0.0) for worker in running)

    def unjudged() -> float:
        return sum(_told(worker, "churn_reviews_waiting", 1.0) for worker in running)

    deadline = time.monotonic() + within_s
    while left := positions.lag() or int(unread()) or int(unjudged()):
        for worker in running:
            worker.check()
        late = f"{left} events not committed, or customers still to be judged, after {within_s:.0f} s"
        assert time.monotonic() < deadline, "\n".join([late, *(worker.log_tail() for worker in running)])
        time.sleep(0.2)


def _counted(deployment: Deployment) -> tuple[str, ...]:
    """The topics whose records are counted by outcome."""
    return (*deployment.topics.events, deployment.topics.commands)


def _told(worker: Worker, name: str, unknown: float) -> float:
    """What the worker's page says, 0 of one that is gone; `unknown` where it does not answer."""
    from support.pages import address_of, total

    try:
        token = worker.deployment.settings.get("metrics_token")
        moved = f'"{worker.deployment.topics.moved}"'  # of what is erased nothing is left there to be counted
        return total(address_of(worker), name, token, without=moved) if worker.is_running() else 0.0
    except (OSError, HTTPException):
        return unknown


def follower(deployment: Deployment, topics: Sequence[str]) -> Consumer:
    """A consumer of whole topics from their beginning, in no group."""
    consumer = Consumer(
        {
            "bootstrap.servers": deployment.broker.bootstrap,
            "group.id": f"{deployment.prefix}-following",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 5,
            "fetch.queue.backoff.ms": 5,
        }
    )
    consumer.assign([TopicPartition(t, p, 0) for t in topics for p in range(deployment.partitions)])
    return consumer
