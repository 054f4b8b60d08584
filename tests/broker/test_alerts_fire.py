"""A stopped worker, a silent feed, a poisoned topic and a broken source each raise the right alert and no other.

A real Prometheus reads four real workers by the committed configuration; every duration in it is divided by 30.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest
from confluent_kafka import Producer

from schemas.event import FEEDS, LOGIN
from support.broker import Broker, delete_topics, fresh_prefix
from support.builders import email, line, login, purchase, ticket
from support.pages import wait_until_ready
from support.prometheus_server import TOKEN, Server, configure, serving
from support.waiting import wait_until
from support.workers import Deployment, Worker, deploy, workers

FACTOR: Final = 30
"""An alert `for: 1m` needs 2 s, a window of 10 minutes 20 s, a scrape each 15 s half a second."""
STORIES: Final = ("killed", "silent", "poisoned", "flooded")
WANTED: Final = {
    ("ChurnWorkerDown", "churn-signals-killed"),
    ("ChurnFeedSilent", "churn-signals-silent"),
    ("ChurnDeadLetters", "churn-signals-poisoned"),
    ("ChurnDeadLetterStop", "churn-signals-flooded"),
}
EACH_S: Final = 0.1
LOGINS: Final = {"silent": 30}
"""Logins in each moment, 5 unless said here: of those that will be missed there must be many."""
BAD_SHARE: Final = 0.05
KNOWN_LOGINS: Final = 4_000
"""So many before the silence lets the mean of a day (48 min here) expect 27 in 20 s; 14 are asked for."""
FIRES_WITHIN_S: Final = 60.0


@pytest.mark.slow
def test_each_trouble_raises_its_alert_and_no_other(broker: Broker, tmp_path: Path) -> None:
    with ExitStack() as stack:
        deployments = {story: stack.enter_context(deployed(broker, tmp_path, story)) for story in STORIES}
        running = {
            story: stack.enter_context(workers(deployment, story))[0] for story, deployment in deployments.items()
        }
        for worker in running.values():
            worker.start()
        targets = {f"churn-signals-{story}": wait_until_ready(worker) for story, worker in running.items()}
        config = configure(tmp_path / "prometheus", targets, FACTOR)
        server = stack.enter_context(serving(config, FACTOR))
        troubles = stack.enter_context(feeding(broker, deployments))
        wait_for_logins(server)
        assert server.firing() == set()
        running["killed"].kill_9()
        troubles.set()
        seen = watch(server, running["flooded"])
    print("\n" + ", ".join(f"{alert} after {after:.0f} s" for (alert, _), after in seen.items()))
    assert seen.keys() == WANTED


def wait_for_logins(server: Server) -> None:
    """Wait until the feed that will be silent has a past."""
    expr = f'sum(churn_events_total{{job="churn-signals-silent"}}) > {KNOWN_LOGINS}'
    wait_until(
        lambda: bool(server.now(expr)), FIRES_WITHIN_S, lambda: str(server.now("sum by (job) (churn_events_total)"))
    )


@contextmanager
def deployed(broker: Broker, folder: Path, story: str) -> Iterator[Deployment]:
    """Topics for one story."""
    prefix = fresh_prefix()
    (own := folder / story).mkdir()
    yield deploy(broker, prefix, own, partitions=1, metrics_token=TOKEN)
    delete_topics(broker, prefix)


def watch(server: Server, flooded: Worker) -> Mapping[tuple[str, str], float]:
    """Every alert that fires, with the seconds after which it did, until all that is wanted does and some time more."""
    started = time.monotonic()
    seen: dict[tuple[str, str], float] = {}
    until = started + FIRES_WITHIN_S
    while time.monotonic() < until:
        for found in server.firing() - seen.keys():
            seen[found] = time.monotonic() - started
            if seen.keys() >= WANTED:
                until = time.monotonic() + 3
        time.sleep(0.2)
    assert flooded.process.wait(30) == 3, flooded.log_tail()
    return seen


@contextmanager
def feeding(broker: Broker, deployments: Mapping[str, Deployment]) -> Iterator[threading.Event]:
    """Post what happens now to every deployment while the block runs; once the event is set, the stories' troubles."""
    troubles, ending = threading.Event(), threading.Event()
    producer = Producer({"bootstrap.servers": broker.bootstrap, "partitioner": "murmur2_random", "linger.ms": 5})

    def work() -> None:
        dice, is_flooded = random.Random(1), False
        while not ending.wait(EACH_S):
            for story, deployment in deployments.items():
                for feed, value in happening(story, dice, is_troubled=troubles.is_set()):
                    producer.produce(deployment.topics.event(feed), value, b"c1")
            if troubles.is_set() and not is_flooded:  # what is refused is refused in a row
                is_flooded = True
                for _ in range(3_000):
                    producer.produce(deployments["flooded"].topics.event(LOGIN), b"<xml/>", b"c1")
            producer.poll(0)
        producer.flush(10)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield troubles
    finally:
        ending.set()
        thread.join()


def happening(story: str, dice: random.Random, *, is_troubled: bool) -> Iterator[tuple[int, bytes]]:
    """What happens in one moment: logins, and one event of each other feed."""
    now_ms = int(time.time() * 1000)
    for build in (purchase, email):
        yield FEEDS.index(build.__name__), line(build("c1", now_ms, id=f"{dice.getrandbits(64):x}"))
    yield FEEDS.index("ticket"), line(ticket("c1", now_ms, "resolved", id=f"{dice.getrandbits(64):x}"))
    if is_troubled and story == "silent":
        return
    for _ in range(LOGINS.get(story, 5)):
        is_bad = is_troubled and story == "poisoned" and dice.random() < BAD_SHARE
        yield LOGIN, b"{}" if is_bad else line(login("c1", now_ms, id=f"{dice.getrandbits(64):x}"))
