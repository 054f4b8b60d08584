"""Results are a function of the set of events: arrival, frames, crashes and spread reviews leave no trace."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from models.calendar import Calendar
from models.catalogue.catalogue import build_rules
from models.catalogue.rules import Rules
from models.customers.columns import STAGES
from models.engine.arrivals import Arrival, Fate
from models.engine.ledger import MOVED, OUTCOMES, TICKS
from models.engine.partition import Partition
from models.engine.snapshot import freeze, load
from schemas.errors import RejectedError
from schemas.event import Event
from schemas.stage import decode_stage_change
from support.one_partition import (
    DAY_MS,
    HOUR_MS,
    PATTERNS,
    Aside,
    Entry,
    Kind,
    Logs,
    Outcome,
    counted,
    differences,
    logs_of,
    oracle,
    run,
    shuffled,
    tick_at,
    told_again,
    without_forsaken,
)
from support.tries import tries
from support.troubled import FIRST_DAY, at_ms, catalogue, default_rules, make_event, rich_history

SECONDS = (0, 1, 1_800, 3_599, 3_600, 43_200, 82_800, 86_399)
quick = settings(
    max_examples=tries(12),
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking runs of a whole worker takes many minutes
)
SOME = ("sorted", "e-mails to purchases", "aligned", "mixed")
"""Patterns enough for a single catalogue."""


@st.composite
def histories(draw: st.DrawFn, zone: str = "UTC") -> list[Event]:
    """Few customers, gaps of any length, many tickets and e-mails near midnight; some events twice."""
    days = draw(st.integers(30, 110))
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
            max_size=80,
        )
    )
    events = [
        make_event(kind, f"c{who}", at_ms(FIRST_DAY + day, second, calendar), number, choice)
        for number, (kind, who, day, second, choice) in enumerate(rows)
    ]
    return events + events[: draw(st.integers(0, 5))]


def end_of(events: list[Event], days: int) -> int:
    return max(event.time_ms for event in events) + days * DAY_MS


KEYS: Final[dict[str, dict[str, Any]]] = {
    "two feeds": {"feeds": ["purchase", "ticket"]},
    "a model": {"model": {"horizon_days": 20, "risk_set_days": 40, "step_days": 5}},
}


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
    elif name == "other owners":
        for signal in signals:
            signal["owner"] += " two"
    elif name == "nothing announced":
        own["signals"] = {id_: one for id_, one in own["signals"].items() if not one.get("announced")}
    elif name == "silence of activity":
        own["lifecycle"]["silence"] = "activity"
    own |= KEYS.get(name, {})
    return build_rules(own, zone=zone)


# -- arrival


@quick
@given(events=histories(), chance=st.integers(0, 2**32), ahead=st.sampled_from((2, 30, 150)))
def test_arrival_frames_and_crashes_leave_no_trace(
    is_full: bool,  # noqa: FBT001 - a fixture
    events: list[Event],
    chance: int,
    ahead: int,
) -> None:
    rules, end = default_rules(), end_of(events, ahead)
    truth = oracle(rules, events, end, alerts_from_ms=(FIRST_DAY + 50) * DAY_MS)
    for name in PATTERNS if is_full else SOME:
        rng = random.Random(chance)
        found = run(
            rules,
            logs_of(events),
            PATTERNS[name],
            rng,
            crashes=3,
            until_ms=end,
            alerts_from_ms=(FIRST_DAY + 50) * DAY_MS,
        )
        assert differences(found, truth) == [], name
        assert counted(found) == [len(log) for log in logs_of(events)[:TICKS]], name


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("default", "America/Santiago"),
        ("persistence", "Europe/Berlin"),
        ("short episodes", "America/Santiago"),
        ("two feeds", "UTC"),
        ("a model", "America/Santiago"),
        ("silence of activity", "UTC"),
    ],
)
def test_arrival_leaves_no_trace_under_other_catalogues_and_zones(name: str, zone: str) -> None:
    events = rich_history(len(name), customers=5, days=80, zone=zone, scale=0.7)
    rules, end = variant(name, zone), end_of(events, 45)
    truth = oracle(rules, events, end)
    in_any_step = "mixed" if len(rules.basis.feeds) == TICKS else "sorted"  # the clock waits for declared feeds alone
    for pattern_name in ("aligned", in_any_step):
        found = run(rules, logs_of(events), PATTERNS[pattern_name], random.Random(name), crashes=3, until_ms=end)
        assert differences(found, truth) == [], pattern_name
    disordered = shuffled(logs_of(events), random.Random(name))
    found = run(rules, disordered, PATTERNS[in_any_step], random.Random(1), crashes=3, until_ms=end)
    assert differences(found, truth, is_shuffled=True) == []


@quick
@given(events=histories(), chance=st.integers(0, 2**32))
def test_records_shuffled_within_a_topic_by_up_to_the_bound_leave_no_trace(events: list[Event], chance: int) -> None:
    rules, end, rng = default_rules(), end_of(events, 40), random.Random(chance)
    truth = oracle(rules, events, end)
    disordered = shuffled(logs_of(events), rng)
    for name in ("tickets first", "mixed", "delayed"):
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


@pytest.mark.parametrize("chance", range(tries(4)))
def test_an_id_used_again_is_judged_by_event_time_not_by_what_is_still_remembered(chance: int) -> None:
    rng = random.Random(chance)
    events = rich_history(chance, customers=3, days=70)
    for place in rng.sample(range(len(events)), len(events) // 8):
        twin = rng.choice(
            [e for e in events if (e.feed, e.customer_id) == (events[place].feed, events[place].customer_id)]
        )
        if abs(twin.time_ms - events[place].time_ms) > 2 * HOUR_MS:
            events[place] = msgspec.structs.replace(events[place], id=twin.id)
    rules, end = default_rules(), end_of(events, 20)
    truth = oracle(rules, events, end)
    assert sum(counts["dead_lettered"] for counts in truth.counts) > 0
    for name in SOME:
        found = run(
            rules, logs_of(events), PATTERNS[name], random.Random(chance), crashes=4, until_ms=end, max_frame=20
        )
        assert differences(found, truth) == [], name


@pytest.mark.parametrize("chance", range(tries(4)))
def test_refused_records_and_ticks_between_the_events_leave_no_trace_in_a_crash(chance: int) -> None:
    rng = random.Random(chance)
    events = rich_history(chance, customers=5, days=70)
    logs, end = logs_of(events), end_of(events, 30)
    for log in logs[:TICKS]:
        for place in sorted(rng.sample(range(len(log)), 5), reverse=True):
            log.insert(place, Entry(log[place].arrived_ms, RejectedError("not_json", "no")))
    logs[TICKS] = [
        Entry(now_ms, tick_at(now_ms, logs)) for now_ms in range(FIRST_DAY * DAY_MS, end - 2 * HOUR_MS, 5 * HOUR_MS)
    ]
    truth = oracle(default_rules(), events, end)
    for name in ("sorted", "aligned", "delayed"):
        found = run(default_rules(), logs, PATTERNS[name], random.Random(chance), crashes=5, until_ms=end)
        refused = {Aside("dead_lettered", feed, at) for feed, log in enumerate(logs) for at, one in enumerate(log)
                   if isinstance(one.content, RejectedError)}  # fmt: skip
        assert found.asides == refused, name
        assert found.told == truth.told, name
        assert found.states == truth.states, name


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
    logs: Logs = [[] for _ in range(MOVED + 1)]
    for arrived_ms, event in sorted(rows, key=lambda row: row[0]):
        logs[event.feed].append(Entry(arrived_ms, event))
    return logs, kept, outcome


@pytest.mark.parametrize("chance", range(tries(4)))
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
    for name in ("aligned", "delayed"):
        for crashes in (0, 5)[: 1 + (name == "aligned")]:
            found = run(rules, logs, PATTERNS[name], random.Random(chance), crashes=crashes, until_ms=end, max_frame=30)
            counts = {kind: [of_feed[kind] for of_feed in found.counts] for kind in OUTCOMES}
            assert {kind: counts[kind] for kind in outcome} == outcome, name
            assert {aside.outcome for aside in found.asides} == {"late"}
            assert len(found.asides) == sum(outcome["late"]), name
            facts = {state["customer_id"]: state["facts"] for state in found.states}
            assert facts == {state["customer_id"]: state["facts"] for state in truth.states}, name
            told = {key: text for key, text in found.told.items() if found.customers[key] not in late_customers}
            assert told == {key: text for key, text in truth.told.items() if truth.customers[key] not in late_customers}
            assert all(len(versions) == 1 for versions in found.told.values()), name


def scattered(events: Sequence[Event], rng: random.Random, share: float) -> Logs:
    """Logs in which some events come hours or days after their time, some of them too late."""
    rows = [
        (event.time_ms + (rng.choice((2, 20, 30, 60, 100, 160, 250)) * HOUR_MS if rng.random() < share else 0), event)
        for event in events
    ]
    logs: Logs = [[] for _ in range(MOVED + 1)]
    for arrived_ms, event in sorted(rows, key=lambda row: row[0]):
        logs[event.feed].append(Entry(arrived_ms, event))
    return logs


IN_STEP = ("sorted", "aligned", "delayed")
"""Patterns as a worker reads topics."""


def of_one_mind(rules: Rules, logs: Logs, found: Outcome, pattern: str) -> list[str]:
    """How what was published over several lives differs from what one life says that passes the same boundaries."""
    truth = told_again(rules, logs, found)
    return differences(found if pattern in IN_STEP else without_forsaken(found, truth), truth)


@quick
@given(events=histories(), chance=st.integers(0, 2**32), share=st.sampled_from((0.05, 0.3)))
def test_what_was_published_before_a_crash_and_what_is_decided_after_it_agree_about_late_events(
    events: list[Event], chance: int, share: float
) -> None:
    logs = scattered(events, random.Random(chance), share)
    for name in ("sorted", "aligned", "mixed", "tickets first"):
        found = run(default_rules(), logs, PATTERNS[name], random.Random(chance), crashes=5, max_frame=30)
        assert of_one_mind(default_rules(), logs, found, name) == [], name


@pytest.mark.parametrize("chance", range(4))
def test_lives_agree_about_late_events_of_busy_customers(chance: int) -> None:
    rules = variant(("default", "short episodes", "a model", "two feeds")[chance])
    logs = scattered(rich_history(chance, customers=4, days=60), random.Random(chance), 0.15)
    for name in ("aligned", "mixed", "delayed"):
        found = run(rules, logs, PATTERNS[name], random.Random(chance), crashes=6, max_frame=25)
        assert sum(of_feed["applied_late"] for of_feed in found.counts) > 0
        assert of_one_mind(rules, logs, found, name) == [], name


# -- the clock, stages


class Watched(Partition):
    """Notes where the clock stands after each frame."""

    seen: list[tuple[int, int]]

    def observe(self, arrivals: Sequence[Arrival]) -> list[Fate]:
        fates = super().observe(arrivals)
        self.seen.append((self.watermark.value_ms or -1, self.boundary))
        return fates


@quick
@given(events=histories(), chance=st.integers(0, 2**32))
def test_the_watermark_and_the_boundary_never_fall(events: list[Event], chance: int) -> None:
    class Noted(Watched):
        seen: list[tuple[int, int]] = []  # noqa: RUF012 - of this run

    run(
        default_rules(),
        shuffled(logs_of(events), random.Random(chance)),
        PATTERNS["mixed"],
        random.Random(chance),
        kind=Kind(Noted),
    )
    assert len(Noted.seen) > 1
    for values in zip(*Noted.seen, strict=True):
        assert list(values) == sorted(values)


@quick
@given(events=histories(), ahead=st.integers(2, 150))
def test_everybody_with_activity_has_exactly_one_stage_that_joins_its_transitions(
    events: list[Event], ahead: int
) -> None:
    truth = oracle(default_rules(), events, end_of(events, ahead))
    last: dict[str, str | None] = {}
    moves = [decode_stage_change(next(iter(text))) for key, text in truth.told.items() if key[0] == "stage"]
    for move in sorted(moves, key=lambda move: move.at):
        assert move.from_stage == last.get(move.customer_id)
        last[move.customer_id] = move.to_stage
    for state in truth.states:
        stage = state["verdict"]["stage"]
        has_activity = any(first >= 0 for first in state["facts"]["first"])
        assert (stage in STAGES) == has_activity
        assert stage == last.get(state["customer_id"])


# -- restores


@pytest.mark.parametrize("name", ["short episodes", "other owners", "nothing announced"])
def test_a_new_catalogue_is_not_forgotten_when_the_worker_dies_before_its_first_boundary(name: str) -> None:
    events = rich_history(5, customers=6, days=100)
    before, after, end = default_rules(), variant(name), end_of(events, 10)
    partition = oracle(before, events).partition
    snapshot = freeze(partition).to_bytes()
    told = []
    for lives in (1, 3):
        restored = load(snapshot, after)
        for _ in range(lives - 1):  # dies, and had no time to judge anybody by the new catalogue
            restored = load(freeze(restored).to_bytes(), after)
        restored.lift(end, range(TICKS))
        told.append(restored.drain())
    assert told[0] == told[1] != []


def test_what_waits_to_be_fired_is_forgotten_when_the_new_catalogue_announces_nothing() -> None:
    """The first bound of disorder of a day, a ticket that waits for the clock, and then a deployment."""
    utc = Calendar("UTC")
    events = [make_event(kind, "c0", at_ms(FIRST_DAY, 43_200 + kind, utc), kind, 0) for kind in range(4)]
    for choice in range(6):
        events += [
            make_event(kind, "c0", at_ms(FIRST_DAY + 1, 60 + kind, utc), 10 * choice + kind, choice) for kind in (2, 3)
        ]
    partition = oracle(default_rules(), events).partition
    assert partition.early.waiting
    restored = load(freeze(partition).to_bytes(), variant("nothing announced"))
    restored.lift(at_ms(FIRST_DAY + 3, 0, utc), range(TICKS))
    assert not restored.early.waiting
