"""How a worker leaves: by SIGTERM at any moment, or by the watchdog when nothing moves; and what its pages tell."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from confluent_kafka import Producer

from kafka.cluster import Cluster
from schemas.event import Event
from streams.transport.watchdog import STUCK
from support.arrivals import merged
from support.broker import Broker, delete_topics, fresh_prefix
from support.builders import DAY_MS, NOON_MS, email, line, login, purchase, ticket
from support.histories import Size, history, write_history
from support.oracles import compare, replay
from support.pages import address_of, get, samples, total, wait_until_ready
from support.posting import post
from support.prometheus import check_page
from support.recorded import outcomes_of
from support.workers import RULES_ONLY, Deployment, Worker, deploy, wait_for_lag_zero, workers

PARTITIONS: Final = 4
LEAVES_WITHIN_S: Final = 10.0
WATCHDOG_S: Final = 4
MOST_SERIES: Final = 640
CROWD: Final = {False: 1_000, True: 20_000}


def leave(worker: Worker) -> float:
    """Ask a worker to leave; fails unless it does so with 0 and in time; returns the seconds it took."""
    started = time.monotonic()
    code = worker.terminate()
    took = time.monotonic() - started
    assert code == 0, f"left with {code}:\n{worker.log_tail()}"
    assert took <= LEAVES_WITHIN_S, f"took {took:.1f} s to leave"
    return took


@contextmanager
def standing_still(cluster: Cluster) -> Iterator[None]:
    """The broker answers nothing while the block runs."""
    os.kill(cluster.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(cluster.pid, signal.SIGCONT)


@pytest.mark.slow
def test_sigterm_under_load_and_at_any_moment_of_a_start_leaves_with_0_and_costs_nothing(
    broker: Broker, prefix: str, tmp_path: Path
) -> None:
    deployment = deploy(broker, prefix, tmp_path, partitions=PARTITIONS, catalogue=RULES_ONLY)
    events = history(Size(4_500, 300, 60))
    post(deployment, merged(events))
    took = []
    with workers(deployment, "main") as (main,):
        for after_s in (0.0, 0.05, 0.15):  # joining, restoring, resuming, the first frames
            main.start()
            address_of(main)
            time.sleep(after_s)
            took.append(leave(main))
        main.start()
        address = wait_until_ready(main)
        seen = total(address, "churn_recorded_events")
        took.append(leave(main))
        main.start()
        wait_for_lag_zero(deployment, [main])
        took.append(leave(main))
    waits = ", ".join(f"{seconds:.1f}" for seconds in took)
    print(f"\nleft after {waits} s; {seen:.0f} of {len(events)} events were read when the last but one left")
    file = write_history(events, tmp_path / "events.jsonl")
    findings = compare(deployment, replay(file, tmp_path, partitions=PARTITIONS, catalogue=RULES_ONLY))
    assert findings.codes == (0, 0, 0, 0), str(findings)


def test_sigterm_ends_a_join_that_members_who_were_killed_hold_up(broker: Broker, prefix: str, tmp_path: Path) -> None:
    deployment = deploy(broker, prefix, tmp_path, partitions=1, catalogue=RULES_ONLY)
    with workers(deployment, "main", is_static=False) as (main,):
        main.start()
        wait_until_ready(main)
        for _ in range(2):  # the group waits for the first life, and then for the second one as well
            main.kill_9()
            main.start()
            address_of(main)
            time.sleep(0.3)  # it joins
        leave(main)


@pytest.mark.slow
def test_watchdog_ends_a_worker_that_stands_still_and_leaves_an_idle_one_alone(tmp_path: Path) -> None:
    """The broker stops answering: once while records are left to read, once while the worker joins."""
    count = 20_000
    with Cluster() as cluster:
        broker = Broker(cluster.bootstrap)
        deployment = deploy(broker, fresh_prefix(), tmp_path, partitions=1, watchdog_s=str(WATCHDOG_S))
        post(deployment, merged([login(f"c{number % 500}", NOON_MS + number * 100) for number in range(count)]))
        with workers(deployment, "main") as (main,):
            main.start()
            address = wait_until_ready(main)
            wait_for_frames(address)
            with standing_still(cluster):
                ends_by_watchdog(main)

            main.start()
            address = address_of(main)
            with standing_still(cluster):
                assert get(address, "/readyz")[0] == 503
                assert get(address, "/livez")[0] == 200, "a broker that is away does not make the worker dead"
                ends_by_watchdog(main)

            main.start()
            address = wait_until_ready(main)
            wait_for_lag_zero(deployment, [main])
            time.sleep(2 * WATCHDOG_S + 1)
            main.check()  # idle is not stuck
            assert get(address, "/livez")[0] == get(address, "/readyz")[0] == 200
            leave(main)
        (outcomes,) = (found for found in outcomes_of(deployment).values() if any(found.values()))
        assert outcomes["applied"] == sum(outcomes.values()) == count


def wait_for_frames(address: tuple[str, int]) -> None:
    """Wait until the first frame is processed."""
    while not total(address, "churn_recorded_events"):
        time.sleep(0.005)


def ends_by_watchdog(worker: Worker) -> None:
    """Within the watchdog's limit, its own second and what a crowded machine needs, the worker is gone with 70."""
    assert worker.process.wait(WATCHDOG_S + 8) == STUCK, worker.log_tail()
    assert f"nothing moved for {WATCHDOG_S} s" in worker.log_tail()


@pytest.mark.slow
def test_an_idle_worker_is_left_alone_behind_a_transaction(broker: Broker, prefix: str, tmp_path: Path) -> None:
    """A transaction ends with a marker that is no record: what lies before the end offset may be nothing to read."""
    deployment = deploy(broker, prefix, tmp_path, partitions=1, watchdog_s=str(WATCHDOG_S))
    producer = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": prefix, "linger.ms": 0})
    producer.init_transactions(30)
    producer.begin_transaction()
    one = login()
    producer.produce(deployment.topics.event(one.feed), line(one), one.customer_id.encode(), timestamp=one.time_ms)
    producer.commit_transaction(30)
    with workers(deployment, "main") as (main,):
        main.start()
        address = wait_until_ready(main)
        wait_for_frames(address)
        time.sleep(2 * WATCHDOG_S + 1)
        main.check()
        assert total(address, "churn_consumer_lag_messages") == 0
        leave(main)


def crowd(customers: int) -> list[Event]:
    """Customers who all do the same: buy, complain twice, unsubscribe, and are not heard of for a month."""
    who = [f"customer-{number}" for number in range(customers)]
    late_ms = NOON_MS + 30 * DAY_MS
    return [
        *(purchase(name, NOON_MS, id=f"p-{name}") for name in who),
        *(ticket(name, NOON_MS + number, id=f"t{number}-{name}") for name in who for number in range(2)),
        *(email(name, NOON_MS + DAY_MS, "unsubscribed", id=f"e-{name}") for name in who),
        *(
            build(f"last-{number}", late_ms)
            for build in (purchase, login, ticket, email)
            for number in range(10 * PARTITIONS)
        ),
    ]


def pages_of(deployment: Deployment, events: Sequence[Event]) -> tuple[str, list[int]]:
    """The metrics page of a worker that has read everything, and what /readyz said from its start on."""
    post(deployment, merged(sorted(events, key=lambda event: (event.time_ms, event.feed))))
    with workers(deployment, "main") as (main,):
        main.start()
        address = address_of(main)
        readiness = [get(address, "/readyz")[0]]
        wait_until_ready(main)
        readiness.append(get(address, "/readyz")[0])
        wait_for_lag_zero(deployment, [main])
        status, text = get(address, "/metrics")
        # The broker tells of an empty topic last, and customers are counted in a small part of the time.
        while text.count("churn_consumer_lag_messages{") < 5 * PARTITIONS or "\nchurn_boundary_timestamp_" not in text:
            time.sleep(0.1)
            status, text = get(address, "/metrics")
        assert status == 200
        assert get(address, "/livez")[0] == 200
        assert get(address, "/nothing")[0] == 404
        leave(main)
    return text, readiness


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_pages_are_well_formed_and_their_number_of_series_does_not_grow_with_customers(
    broker: Broker,
    tmp_path: Path,
    is_full: bool,  # noqa: FBT001 - a fixture
) -> None:
    series = []
    for customers in (100, CROWD[is_full]):
        prefix = fresh_prefix()
        (folder := tmp_path / prefix).mkdir()
        text, readiness = pages_of(deploy(broker, prefix, folder, partitions=PARTITIONS), crowd(customers))
        delete_topics(broker, prefix)
        assert readiness == [503, 200]
        check_page(text)
        assert "customer-" not in text
        series.append({(name, tuple(prefix_free(labels, prefix))) for name, labels in samples(text)})
    assert series[0] == series[1]
    assert len(series[1]) <= MOST_SERIES
    print(f"\n{len(series[1])} series")


def prefix_free(labels: Sequence[tuple[str, str]], prefix: str) -> list[tuple[str, str]]:
    """Labels without the prefix of the topics."""
    return [(name, value.replace(prefix, "churn")) for name, value in labels]
