"""Results are a function of the set of events: arrival, frames, crashes, redelivery and scheduling leave no trace."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.calendar import Calendar
from models.customer import Customer
from models.customer_record import decode_customer, encode_customer, peek
from models.lifecycle import STAGES
from models.partition import Partition
from models.partition_record import PARTITION_KEY, TICKS, decode_state, encode_state
from models.catalogue.catalogue import Rules, build_rules
from schemas.event import Event
from support.one_partition import (
    DAY_MS,
    HOUR_MS,
    PATTERNS,
    Broker,
    Daily,
    Entry,
    Logs,
    Worker,
    by_time,
    counted,
    differences,
    logs_of,
    oracle,
    run,
    shuffled,
)
from support.troubled import FIRST_DAY, at_ms, catalogue, default_rules, make_event, rich_history

SECONDS = (0, 1, 1_800, 3_599, 3_600, 43_200, 82_800, 86_399)
quick = settings(
    max_examples=6, derandomize=True, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@st.composite
def histories(draw: st.DrawFn, zone: str = "UTC") -> list[Event]:
    """Few customers, gaps of any length, many tickets and e-mails near midnight; some events twice."""
    days = draw(st.integers(60, 250))
    calendar = Calendar(zone)
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, 3),
                st.integers(0, 2),
                st.integers(0, days - 1),
                st.sampled_from(SECONDS),
                st.integers(0, 59),
            ),
            min_size=30,
            max_size=120,
        )
    )
    events = [
        make_event(kind, f"c{who}", at_ms(FIRST_DAY + day, second, calendar), number, choice)
        for number, (kind, who, day, second, choice) in enumerate(rows)
    ]
    return events + events[: draw(st.integers(0, 5))]


def end_of(events: list[Event], days: int) -> int:
    return max(event.time_ms for event in events) + days * DAY_MS


def variant(name: str, zone: str = "UTC") -> Rules:
    """The default catalogue changed where rules are easily got wrong."""
    own: dict[str, Any] = catalogue()
    signals = own["signals"].values()
    if name == "persistence":
        for place, signal in enumerate(signals):
            if not signal.get("announced"):
                signal["persistence"] = 2 + place % 4
    elif name == "short episodes":
        for place, signal in enumerate(signals):
            signal |= {"cooldown_days": (0, 1, 3, 20)[place % 4], "expires_days": (1, 2, 10)[place % 3]}
            signal["score"]["margin"] = (0, 0.5, 1, 3)[place % 4]
    elif name == "two feeds":
        own["feeds"] = ["purchase", "ticket"]
    elif name == "a model":
        own["model"] = {"horizon_days": 20, "risk_set_days": 40, "step_days": 5}
    elif name == "silence of activity":
        own["lifecycle"]["silence"] = "activity"
    return build_rules(own, zone=zone)


# -- arrival


@quick
@given(events=histories(), chance=st.integers(0, 2**32), ahead=st.sampled_from((2, 30, 200, 450)))
def test_arrival_frames_and_crashes_leave_no_trace(events: list[Event], chance: int, ahead: int) -> None:
    rules, end = default_rules(), end_of(events, ahead)
    truth = oracle(rules, events, end, alerts_from_ms=(FIRST_DAY + 50) * DAY_MS)
    for name, pattern in PATTERNS.items():
        rng = random.Random(chance)
        found = run(
            rules, logs_of(events), pattern, rng, crashes=3, until_ms=end, alerts_from_ms=(FIRST_DAY + 50) * DAY_MS
        )
        assert differences(found, truth) == [], name
        assert counted(found.state) == [len(log) for log in logs_of(events)[:TICKS]], name


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("default", "Europe/Berlin"),
        ("default", "America/Santiago"),
        ("persistence", "Europe/Berlin"),
        ("short episodes", "America/Santiago"),
        ("two feeds", "UTC"),
        ("a model", "America/Santiago"),
        ("silence of activity", "UTC"),
    ],
)
def test_arrival_leaves_no_trace_under_other_catalogues_and_zones(name: str, zone: str) -> None:
    events = rich_history(len(name), customers=3, days=170, zone=zone, scale=0.5)
    rules, end = variant(name, zone), end_of(events, 60)
    truth = oracle(rules, events, end)
    for number, (pattern_name, pattern) in enumerate(PATTERNS.items()):
        found = run(rules, logs_of(events), pattern, random.Random(number), crashes=number % 2 * 5, until_ms=end)
        assert differences(found, truth) == [], pattern_name
    disordered = shuffled(logs_of(events), random.Random(name))
    for pattern_name in ("sorted", "mixed", "tickets first"):
        found = run(rules, disordered, PATTERNS[pattern_name], random.Random(1), crashes=3, until_ms=end)
        assert differences(found, truth, is_shuffled=True) == [], pattern_name


@quick
@given(events=histories(), chance=st.integers(0, 2**32))
def test_records_shuffled_within_a_topic_by_up_to_the_bound_leave_no_trace(events: list[Event], chance: int) -> None:
    rules, end, rng = default_rules(), end_of(events, 40), random.Random(chance)
    truth = oracle(rules, events, end)
    disordered = shuffled(logs_of(events), rng)
    for name in ("sorted", "tickets first", "mixed", "delayed"):
        found = run(rules, disordered, PATTERNS[name], rng, crashes=3, until_ms=end)
        assert differences(found, truth, is_shuffled=True) == [], name


@pytest.mark.parametrize("most", [1, 7, 1000])
def test_the_partition_into_frames_leaves_no_trace(most: int) -> None:
    events = rich_history(3, customers=4, days=100)
    rules, end = default_rules(), end_of(events, 60)
    truth = oracle(rules, events, end)
    for crashes in (0, 6):
        found = run(
            rules,
            logs_of(events),
            PATTERNS["mixed"],
            random.Random(most),
            crashes=crashes,
            max_frame=most,
            until_ms=end,
        )
        assert differences(found, truth) == []


@pytest.mark.parametrize("chance", range(2))
def test_an_id_used_again_is_judged_by_event_time_not_by_what_is_still_remembered(chance: int) -> None:
    rng = random.Random(chance)
    events = rich_history(chance, customers=3, days=90)
    for place in rng.sample(range(len(events)), len(events) // 8):
        twin = rng.choice(
            [e for e in events if (e.feed, e.customer_id) == (events[place].feed, events[place].customer_id)]
        )
        if abs(twin.time_ms - events[place].time_ms) > 2 * HOUR_MS:
            events[place] = msgspec.structs.replace(events[place], id=twin.id)
    rules, end = default_rules(), end_of(events, 20)
    truth = oracle(rules, events, end)
    assert sum(counts[4] for counts in truth.state.counts) > 0
    for name, pattern in PATTERNS.items():
        found = run(rules, logs_of(events), pattern, random.Random(chance), crashes=4, until_ms=end, max_frame=20)
        assert differences(found, truth) == [], name


# -- late events


def with_late(events: list[Event], rng: random.Random) -> tuple[Logs, list[Event], dict[str, list[int]]]:
    """Logs in which some events come days after their time, the events that count, and the truth about outcomes."""
    rows: list[tuple[int, Event]] = []
    outcome = {"applied": [0] * TICKS, "applied_late": [0] * TICKS, "late": [0] * TICKS}
    kept = []
    for event in events:
        late_by, kind = 0, "applied"
        is_seen_soon = (
            event.time_ms < (FIRST_DAY + 100) * DAY_MS
        )  # others follow, so that boundaries have passed by then
        if is_seen_soon and event.customer_id in ("c1", "c2") and rng.random() < 0.2:
            kind = rng.choice(("applied_late", "late"))
            late_by = rng.randrange(2 * DAY_MS, 6 * DAY_MS) if kind == "applied_late" else rng.randrange(9, 15) * DAY_MS
        outcome[kind][event.feed] += 1
        rows.append((event.time_ms + late_by, event))
        kept += [event] if kind != "late" else []
    logs: Logs = [[] for _ in range(TICKS + 1)]
    for arrived_ms, event in sorted(rows, key=lambda row: row[0]):
        logs[event.feed].append(Entry(arrived_ms, event))
    return logs, kept, outcome


@pytest.mark.parametrize("chance", range(2))
def test_late_events_are_counted_and_folded_and_touch_no_one_else(chance: int) -> None:
    rng = random.Random(chance)
    events = rich_history(chance, customers=8, days=120)
    events += [
        make_event(feed, "c7", (FIRST_DAY + day) * DAY_MS, 10_000 + 4 * day + feed, 4)
        for day in range(120)
        for feed in range(4)
    ]
    logs, kept, outcome = with_late(events, rng)
    rules, end = default_rules(), end_of(events, 30)
    truth = oracle(rules, kept, end)
    late_customers = {"c1", "c2"}
    for name in ("sorted", "aligned", "delayed"):
        for crashes in (0, 5)[: 1 + (name == "aligned")]:
            found = run(rules, logs, PATTERNS[name], random.Random(chance), crashes=crashes, until_ms=end, max_frame=30)
            counts = dict(
                zip(
                    ("applied", "applied_late", "duplicate", "late"),
                    zip(*found.state.counts, strict=True),
                    strict=False,
                )
            )
            assert {kind: list(counts[kind]) for kind in outcome} == outcome, name
            assert {aside[0] for aside in found.asides} == {"late"}
            assert len(found.asides) == sum(outcome["late"]), name
            facts = {state["customer_id"]: state["facts"] for state in found.states}
            assert facts == {state["customer_id"]: state["facts"] for state in truth.states}, name
            told = {key: text for key, text in found.told.items() if found.customers[key] not in late_customers}
            assert told == {key: text for key, text in truth.told.items() if truth.customers[key] not in late_customers}
            assert all(len(versions) == 1 for versions in found.told.values()), name


# -- scheduling


@quick
@given(
    events=histories(),
    ahead=st.sampled_from((1, 45, 150, 420)),
    name=st.sampled_from(("default", "persistence", "short episodes", "two feeds", "silence of activity", "a model")),
)
def test_scheduled_reviews_equal_reviewing_everybody_at_every_boundary(
    events: list[Event], ahead: int, name: str
) -> None:
    rules, end = variant(name), end_of(events, ahead)
    truth = oracle(rules, events, end)

    class EveryDay(Daily):
        first_boundary = FIRST_DAY

    found = run(rules, logs_of(events), by_time, random.Random(0), made=EveryDay, until_ms=end)
    assert differences(found, truth) == []


# -- the clock, stages, records


@quick
@given(events=histories(), chance=st.integers(0, 2**32))
def test_the_watermark_and_the_boundary_never_fall(events: list[Event], chance: int) -> None:
    seen = [-1]

    class Watched(Partition):
        def finish(self) -> Any:
            seen.append(self.watermark.value_ms or -1)
            seen_boundaries.append(self.state.boundary)
            return super().finish()

    seen_boundaries = [-1]
    run(
        default_rules(),
        shuffled(logs_of(events), random.Random(chance)),
        PATTERNS["mixed"],
        random.Random(chance),
        made=Watched,
    )
    assert seen == sorted(seen)
    assert seen_boundaries == sorted(seen_boundaries)


@quick
@given(events=histories(), ahead=st.integers(2, 300))
def test_everybody_with_activity_has_exactly_one_stage_that_joins_its_transitions(
    events: list[Event], ahead: int
) -> None:
    truth = oracle(default_rules(), events, end_of(events, ahead))
    last: dict[str, str | None] = {}
    moves = [msgspec.json.decode(next(iter(text))) for key, text in truth.told.items() if key[0] == "stage"]
    for move in sorted(moves, key=lambda move: move["at"]):
        assert move["from_stage"] == last.get(move["customer_id"])
        last[move["customer_id"]] = move["to_stage"]
    for state in truth.states:
        stage = state["verdict"]["stage"]
        has_activity = any(first >= 0 for first in state["facts"]["first"])
        assert (stage in STAGES) == has_activity
        assert stage == last.get(state["customer_id"])


@quick
@given(events=histories(), epoch=st.integers(1, 2**32 - 1))
def test_records_and_partition_records_survive_packing(events: list[Event], epoch: int) -> None:
    truth = oracle(default_rules(), events, end_of(events, 3))
    for key, packed in truth.records.items():
        if key == PARTITION_KEY:
            state = decode_state(packed)
            assert decode_state(encode_state(state, epoch)) == state
            continue
        customer = decode_customer(packed)
        again = encode_customer(customer, epoch)
        assert decode_customer(again) == customer
        header = peek(again)
        assert (header.epoch, header.due, header.stage) == (epoch, customer.due, customer.stage or "none")


def test_an_empty_record_survives_packing() -> None:
    assert decode_customer(encode_customer(Customer(), 1)) == Customer()


# -- restores


def test_a_new_catalogue_is_not_forgotten_when_the_worker_dies_before_its_first_frame() -> None:
    events = rich_history(5, customers=6, days=100)
    before, after, end = default_rules(), variant("short episodes"), end_of(events, 10)
    truth_broker, broker = Broker(logs_of(events)), Broker(logs_of(events))
    for one in (truth_broker, broker):
        worker = Worker(one, before, Partition)
        worker.take([(place, at) for place, log in enumerate(one.logs) for at in range(len(log))])
        worker.commit()
    Worker(broker, after, Partition).crash(random.Random(0))  # its claim alone is durable
    told = []
    for one in (truth_broker, broker):
        partition = Worker(one, after, Partition).partition
        partition.begin(partition.state.committed)
        partition.lift(end, [0, 1, 2, 3])
        partition.go_on()
        told.append(partition.finish().outputs)
    assert told[0] == told[1] != []


@pytest.mark.parametrize("chance", range(3))
def test_outputs_leave_the_records_once_they_are_committed(chance: int) -> None:
    events = rich_history(chance % 50, customers=4, days=60)
    rng = random.Random(chance)
    broker = Broker(logs_of(events))
    worker = Worker(broker, default_rules(), Partition)
    stream = list(PATTERNS["mixed"](broker.logs, broker.committed, rng))
    for start in range(0, len(stream), 40):
        worker.take(stream[start : start + 40])
        worker.commit()
    for _ in range(3):  # sweeping needs frames, whatever is in them
        worker.take([])
        worker.commit()
    headers = [peek(packed) for key, packed in broker.restored().items() if key != PARTITION_KEY]
    assert headers
    assert not any(header.has_outbox for header in headers)
