"""A broker that is away: the worker is not ready and says why, twice an outage; floods stay out of the log."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from itertools import pairwise

import pytest
from confluent_kafka import KafkaException
from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.connection import answered
from streams.log_rate import LONGEST_GAP_S, RateLimit
from streams.transport.contact import Contact
from streams.transport.status import Status


def line(text: str, *arguments: object, name: str = "aiokafka.client", level: int = logging.ERROR) -> logging.LogRecord:
    return logging.LogRecord(name, level, "file.py", 1, text, arguments, None)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def owning(clock: Clock) -> Status:
    return Status(
        assigned=frozenset({0}), is_restoring=False, is_rebalancing=False, confirmed_at=clock(), session_s=6.0
    )


@given(st.lists(st.floats(0, 30), max_size=200))
def test_clients_say_at_most_a_line_a_second_and_every_line_left_out_is_counted(pauses: list[float]) -> None:
    clock = Clock()
    limit, heard, counted = RateLimit(clock), [], 0
    for number, pause in enumerate([*pauses, 100.0]):
        clock.now += pause
        record = line("attempt %d", number, name=("aiokafka", "mode.services", "faust")[number % 3])
        if limit.filter(record):
            heard.append(clock.now)
            text = record.getMessage()
            counted += 1 + (int(text.split("(")[1].split()[0].replace(",", "")) if "(" in text else 0)
    assert all(later - earlier > 0.999 for earlier, later in pairwise(heard))
    assert counted == len(pauses) + 1


def test_a_flood_is_heard_more_and_more_rarely() -> None:
    clock, heard = Clock(), 0
    limit = RateLimit(clock)
    for _ in range(60_000):  # ten minutes of a hundred lines a second
        clock.now += 0.01
        heard += limit.filter(line("no broker"))
    assert 5 <= heard <= 6 + 600 / LONGEST_GAP_S


def test_our_own_lines_pass_unless_a_warning_says_the_very_same_again() -> None:
    limit = RateLimit(Clock())
    assert all(limit.filter(line("partition %d saved", n, name="churn", level=logging.INFO)) for n in range(50))
    assert [limit.filter(line("commit postponed", name="streams.x")) for _ in range(3)] == [True, False, False]
    assert limit.filter(line("commit refused", name="streams.x"))


def test_a_worker_that_no_broker_confirms_is_not_ready_and_says_for_how_long() -> None:
    clock = Clock()
    status = owning(clock)
    assert status.unready(clock()) is None
    assert status.unready(clock() + 9.0) == (
        "no broker has confirmed this member of the group for 9 s: another may own its partitions"
    )
    status.is_restoring = True
    assert status.unready(clock()) == "restoring the state of its partitions"


def test_an_outage_is_two_lines_however_long_it_takes(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    status, contact = owning(clock), Contact("kafka:9092")
    with caplog.at_level(logging.WARNING, "churn"):
        for second in range(100):
            if not 20 <= second < 80:
                status.confirmed_at = clock()
            contact.look(status, clock())
            clock.now += 1.0
    lost, found = (record.getMessage() for record in caplog.records)
    assert lost.startswith("no broker at kafka:9092 has confirmed this member")
    assert "unknown here, not none" in lost
    assert found == "the brokers confirm this member of the group again, after 61 s"


def test_a_broker_that_does_not_answer_in_time_is_what_a_broker_that_is_away_is() -> None:
    with pytest.raises(KafkaException) as caught:
        answered(Future[int](), 0.01)
    assert "no broker answered within 0 s" in caught.value.args[0].str()
