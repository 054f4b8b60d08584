"""Whatever is in the topics: a record is applied or has its reason, nothing stops, and all of it adds up."""

from __future__ import annotations

from collections import Counter
from time import process_time

import numpy as np
import pytest

from models.catalogue.catalogue import build_rules
from models.catalogue.rules import Rules
from models.customers.facts import facts_of
from models.engine.arrivals import Arrival
from models.engine.ledger import total_counts
from models.engine.partition import Partition
from models.engine.population import population_of
from models.engine.replay import canonical_states
from models.engine.review import Message
from models.engine.snapshot import freeze, load
from schemas.alert import AlertV1, decode_alert, encode_alert
from schemas.codec import decode_event, decode_line, encode_event
from schemas.dead_letter import PREFIX, to_dead_letter
from schemas.errors import REASONS, RejectedError
from schemas.event import FEEDS, Event
from schemas.example import LessonV1, ProgressV1, encode_lesson
from schemas.outcome import OutcomeV1, decode_outcome, encode_outcome
from schemas.reviewed import ReviewedV1, decode_told, encode_reviewed
from schemas.stage import StageChangeV1, encode_stage_change
from schemas.suppressed import SuppressedV1, decode_suppressed, encode_suppressed
from streams.agents.owned import OwnedPartition
from streams.console.alert_text import what_to_do
from streams.console.cases import measure_of
from streams.transport.records import Record
from support.agents import TOPICS, Life
from support.fuzzing import Fuzzer, Made
from support.troubled import catalogue

FRAME = 500
SIZES = {False: 15_000, True: 1_000_000}
SAVED_EVERY = {False: 8, True: 200}
"""Frames after which the partition goes on from its own snapshot."""


def rules_at_the_limit() -> Rules:
    return build_rules(catalogue() | {"currency": "EUR", "rates": {"USD": 1e9, "EUR": 1.0}}, zone="America/New_York")


class Run:
    """A partition that takes records as a worker does, and is saved and loaded on the way."""

    def __init__(self, saved_every: int) -> None:
        self.partition = Partition(rules_at_the_limit(), limit_dead_letters=False)
        self.reasons: Counter[str] = Counter()
        self.outputs: Counter[str] = Counter()
        self._offsets = [0] * len(FEEDS)
        self._saved_every, self._frames = saved_every, 0

    def take(self, frame: list[Made]) -> None:
        self.partition.observe([self._arrival(made) for made in frame])
        for message in self.partition.drain():
            self.outputs[type(message).__name__] += 1
            publish(message)
        self._frames += 1
        if self._frames % self._saved_every == 0:
            self._save()

    def _arrival(self, made: Made) -> Arrival:
        offset = self._offsets[made.feed]
        self._offsets[made.feed] += 1
        try:
            event = decode_event(made.feed, made.key, made.value, made.headers, made.at_ms)
        except RejectedError as error:
            self.reasons[error.reason] += 1
            return Arrival(made.feed, offset, error)
        check(event)
        return Arrival(made.feed, offset, event)

    def _save(self) -> None:
        data = freeze(self.partition).to_bytes()
        self.partition = load(data, rules_at_the_limit(), limit_dead_letters=False)


def check(event: Event) -> None:
    """What is accepted can be written, and then is the same from a file."""
    if event.time_ms % 50 == 0:
        written = encode_event(event)
        assert decode_event(event.feed, event.customer_id.encode(), written, None, event.time_ms) == event
        assert decode_line(written) == event


def publish(message: Message) -> None:
    """Encode an output, and an alert into the words of the terminal as well."""
    if isinstance(message, AlertV1):
        assert decode_alert(encode_alert(message)) == message
        assert what_to_do(message, "UTC", 0, measure_of([message]))
    elif isinstance(message, StageChangeV1):
        assert encode_stage_change(message)
    elif isinstance(message, SuppressedV1):
        assert decode_suppressed(encode_suppressed(message)) == message
    elif isinstance(message, OutcomeV1):
        assert decode_outcome(encode_outcome(message)) == message
    elif isinstance(message, ReviewedV1):
        assert decode_told(encode_reviewed(message)) == message
    else:
        assert isinstance(message, LessonV1 | ProgressV1)
        assert encode_lesson(message)


@pytest.mark.timeout(3_600)
def test_no_record_stops_a_partition_and_each_is_counted(*, is_full: bool) -> None:
    count = SIZES[is_full]
    run, seconds, frame = Run(SAVED_EVERY[is_full]), [], []
    began = process_time()
    for number, made in enumerate(Fuzzer(7).records(count), start=1):
        frame.append(made)
        if len(frame) == FRAME or number == count:
            run.take(frame)
            frame = []
        if number % (count // 4) == 0:
            seconds.append(process_time() - began)
            began = process_time()
    told = total_counts([run.partition.ledger])
    outcomes = Counter({name: sum(of[name] for of in told.values()) for name in next(iter(told.values()))})
    assert outcomes.total() == count
    assert outcomes["dead_lettered"] == run.reasons.total() + run.partition.ledger.reasons.get("id_conflict", 0)
    assert min(outcomes[name] for name in ("applied", "applied_late", "duplicate", "late")) > 0
    assert set(run.reasons) <= set(REASONS)
    assert len(run.reasons) >= 20
    assert run.outputs["AlertV1"] > 100
    states = list(canonical_states(run.partition))
    assert population_of(run.partition).spend_capped > 0
    rows = np.arange(run.partition.customers.size, dtype=np.int32)
    assert len(states) == len(facts_of(run.partition.customers, rows))
    if is_full:
        print(f"{count:,} records: {outcomes}, {run.outputs}, {run.reasons}; CPU by quarter {seconds}")
        assert seconds[3] < 3 * seconds[1]


def test_a_worker_sets_aside_what_it_refuses_in_a_record_that_a_broker_takes() -> None:
    rules, made = rules_at_the_limit(), list(Fuzzer(11).records(4_000))
    partition = Partition(rules, limit_dead_letters=False)
    life = Life(rules, now_ms=made[-1].at_ms, own=OwnedPartition(0, partition, epoch=3))
    offsets: Counter[str] = Counter()
    for first in range(0, len(made), FRAME):
        life.take([_record(one, offsets) for one in made[first : first + FRAME]])
    life.wait_for_all()
    letters, late = life.sent.on(TOPICS.dead_letters), life.sent.on(TOPICS.late)
    told = total_counts([partition.ledger]).values()
    ticks = sum(dict(letter.headers)[PREFIX + "topic"] == TOPICS.ticks.encode() for letter in letters)
    assert len(letters) - ticks == sum(of["dead_lettered"] for of in told) > 0
    assert len(late) == sum(of["late"] for of in told) > 0
    assert ticks > 0
    for sent in life.sent.records:
        weight = sum(len(name.encode()) + len(content or b"") for name, content in sent.headers)
        assert len(sent.key or b"") + len(sent.value or b"") + weight < 1_000_000
    for letter in letters:
        assert to_dead_letter(letter.key, letter.value, list(letter.headers)).reason in REASONS


def _record(made: Made, offsets: Counter[str]) -> Record:
    """Now and then one comes to the topic of ticks instead."""
    is_tick = made.at_ms % 7 == 0
    topic = TOPICS.ticks if is_tick else TOPICS.event(made.feed)
    value = b'{"now":"1970-01-01T00:00:00Z","idle":{"login":2.0}' + (made.value or b"")[:1] if is_tick else made.value
    offsets[topic] += 1
    return Record(topic, made.key, value, offsets[topic], made.at_ms * 1_000, tuple(made.headers))
