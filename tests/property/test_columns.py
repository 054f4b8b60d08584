"""Columns say what the events say: late or in time, alone or among many, put away and taken up again, however wide."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.catalogue.catalogue import build_rules
from models.catalogue.rules import Rules, without_model, without_outages
from models.customers.buckets import Note
from models.customers.columns import COLUMNS
from models.customers.facts import facts_of
from models.engine.arrivals import Arrival
from models.engine.ledger import MOVED
from models.engine.partition import Partition
from models.engine.reach import windows_of
from models.engine.replay import Replay, canonical_states
from models.engine.review import Message
from models.engine.snapshot import freeze, load
from models.measures.daily import DAILY
from models.measures.windows import Window
from models.scoring.ranks import BUCKETS
from models.scoring.version import Version
from property.test_arrival import scattered
from schemas.event import FEEDS, LOGIN, PURCHASE, TICKET, Event, Login
from schemas.example import ProgressV1
from support.builders import DAY_MS, login, purchase
from support.closing import Closing
from support.examples import scorer_of
from support.one_partition import HOUR_MS, Key, Logs, by_key, by_time
from support.tries import tries
from support.troubled import FIRST_DAY, catalogue, default_rules, make_event, rich_history

RULES = default_rules()
WITHOUT_MODEL = without_outages(without_model(RULES))
BASIS, CALENDAR = RULES.basis, RULES.basis.calendar
VERSION = Version("2026-01-05-00000000", FIRST_DAY, scorer_of(8, 200), [3] * BUCKETS)
VERSIONS = [replace(VERSION, name=f"2026-01-0{number}-00000000") for number in range(1, 4)]
quick = settings(
    max_examples=tries(20),
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@st.composite
def histories(draw: st.DrawFn, days: int = 70) -> list[Event]:
    """Events of three customers within some days, any order."""
    row = st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, days - 1), st.integers(0, 59))
    return [
        make_event(kind, f"c{who}", CALENDAR.start_of(FIRST_DAY + day) + number * 1_000, number, choice)
        for number, (kind, who, day, choice) in enumerate(draw(st.lists(row, min_size=5, max_size=80)))
    ]


# -- late


def known(closing: Closing) -> dict[str, Any]:
    """Everything that conditions can read of each customer seen so far, by id."""
    customers, as_of = closing.customers, closing.as_of()
    rows = np.flatnonzero(customers.columns.first_day[: customers.size] < as_of.boundary).astype(np.int32)
    columns = [getattr(customers.columns, one.name)[rows].tolist() for one in COLUMNS if one.name != "stage_since"]
    columns += [closing.windows.sums(window)[rows].tolist() for window in sorted(closing.windows._sums)]
    columns += [values.tolist() for values in as_of.slope(rows)]
    columns.append(as_of.channels(7, rows).values.tolist())
    notes: list[tuple[int, int, Note]] = []
    flags = customers.roster.flagged(rows)
    for feed in customers.days.notes:
        notes += customers.days.notes_of(feed, flags, 0, customers.boundary)
    return {
        customers.roster.id_of(row): repr(
            ([column[place] for column in columns], [note[1:] for note in notes if note[0] == row])
        )
        for place, row in enumerate(rows.tolist())
    }


@pytest.mark.parametrize("feeds", [BASIS.feeds, (PURCHASE, TICKET), (LOGIN, TICKET)], ids=str)
@quick
@given(events=histories(), chance=st.integers(0, 2**32), share=st.sampled_from((0.1, 0.4, 0.9)))
def test_what_comes_late_is_as_if_in_time_from_the_next_boundary_on(
    feeds: tuple[int, ...], events: list[Event], chance: int, share: float
) -> None:
    dice, basis = random.Random(chance), replace(BASIS, feeds=feeds)
    late = [(event, dice.randrange(1, 8)) for event in events if dice.random() < share]
    names = {event.id for event, _ in late}
    in_time = [event for event in events if event.id not in names]
    windows = windows_of(WITHOUT_MODEL)
    truth, found = Closing(basis, events, (), windows), Closing(basis, in_time, late, windows)
    truth.first = found.first = FIRST_DAY
    missing = {CALENDAR.day_of(event.time_ms): 0 for event, _ in late}
    for event, after in late:
        day = CALENDAR.day_of(event.time_ms)
        missing[day] = max(missing[day], day + after + 1)
    end = FIRST_DAY + 90
    compared = 0
    for boundary, again in zip(truth.until(end), found.until(end), strict=True):
        assert boundary == again
        if any(day < boundary < until for day, until in missing.items()) or (boundary % 3 and boundary < end - 7):
            continue
        assert known(truth) == known(found)
        compared += 1
    assert compared > 0
    facts = []
    for customers in (truth.customers, found.customers):
        of_all = facts_of(customers, np.arange(customers.size, dtype=np.int32))
        facts.append(dict(zip(customers.roster.ids, of_all, strict=True)))
    assert facts[0] == facts[1]


# -- alone and among others


def told_of(rules: Rules, events: Iterable[Event], until_ms: int) -> tuple[dict[Key, set[bytes]], dict[Key, str], Any]:
    replay = Replay(rules, 1)
    for event in sorted(events, key=lambda event: (event.time_ms, event.feed)):
        replay.take(event)
    replay.until(until_ms)
    return *by_key(replay.drain()), {state["customer_id"]: state for state in replay.states()}


@pytest.mark.parametrize("seed", range(tries(4)))
def test_a_customer_alone_is_judged_as_among_thousands(seed: int) -> None:
    dice = random.Random(seed)
    ours = rich_history(seed, customers=5, days=80)
    crowd = [
        make_event(dice.choice((0, 1, 1, 2, 3)), f"m{dice.randrange(1_500)}",
                   FIRST_DAY * DAY_MS + dice.randrange(90 * DAY_MS), 100_000 + number, dice.randrange(60))
        for number in range(4_000)
    ]  # fmt: skip
    end = (FIRST_DAY + 130) * DAY_MS
    together, customers, states = told_of(WITHOUT_MODEL, [*crowd, *ours], end)
    for customer in sorted({event.customer_id for event in ours}):
        alone, _, own = told_of(WITHOUT_MODEL, [event for event in ours if event.customer_id == customer], end)
        assert alone == {key: told for key, told in together.items() if customers[key] == customer}
        assert own[customer] == states[customer]


# -- put away, and judged in parts


def frames_of(logs: Logs, dice: random.Random, most: int = 40) -> list[list[Arrival]]:
    """Everything in the order of arrival, in frames of any size."""
    arrivals = [Arrival(feed, at, logs[feed][at].content) for feed, at in by_time(logs, [0] * (MOVED + 1), dice)]
    cuts = sorted({0, len(arrivals), *(dice.randrange(len(arrivals)) for _ in range(2 * len(arrivals) // most))})
    return [arrivals[first:last] for first, last in pairwise(cuts)]


def troubled_rules(seed: int) -> Rules:
    own = catalogue()
    if seed % 2:
        for place, signal in enumerate(own["signals"].values()):
            signal |= {"cooldown_days": (0, 1, 3, 20)[place % 4], "expires_days": (1, 2, 10)[place % 3]}
            if not signal.get("announced"):
                signal["persistence"] = 1 + place % 4
    return build_rules(own)


def new_partition(rules: Rules) -> Partition:
    partition = Partition(rules, limit_dead_letters=False)
    partition.versions = lambda boundary: VERSIONS[boundary % len(VERSIONS)]
    return partition


def ended(partition: Partition, told: Sequence[Message]) -> object:
    partition.lift((FIRST_DAY + 100) * DAY_MS, range(len(FEEDS)))
    partition.go_on()
    told = [*told, *partition.drain()]
    progress = [one for one in told if isinstance(one, ProgressV1)]
    return by_key(told), progress, list(canonical_states(partition)), partition.ledger


@pytest.mark.parametrize("seed", range(4))
def test_a_partition_put_away_at_any_moment_goes_on_as_if_it_had_not_been(seed: int) -> None:
    dice, rules = random.Random(seed), troubled_rules(seed)
    frames = frames_of(scattered(rich_history(seed, customers=10, days=70), dice, 0.1), dice)
    undisturbed, told = new_partition(rules), []
    for frame in frames:
        undisturbed.observe(frame)
        told += undisturbed.drain()
    truth = ended(undisturbed, told)
    seen = {"open": 0, "late": 0, "waiting": 0, "early": 0}
    partition, told = new_partition(rules), []
    for frame in frames:
        partition.observe(frame)
        told += partition.drain()
        if dice.random() < 0.6:
            days, of_early = partition.customers.days, [of.early for of in partition.review.alerts]
            for name, has in (("open", days.open), ("late", days.late), ("waiting", partition.early.waiting),
                              ("early", any(of_early))):  # fmt: skip
                seen[name] += bool(has)
            partition = load(freeze(partition).to_bytes(), rules, limit_dead_letters=False)
            partition.versions = lambda boundary: VERSIONS[boundary % len(VERSIONS)]
    assert ended(partition, told) == truth
    assert min(seen.values()) > 0, seen


@pytest.mark.parametrize("seed", range(tries(8)))
def test_a_boundary_is_judged_in_parts_as_it_is_all_at_once(seed: int) -> None:
    dice, rules = random.Random(seed), troubled_rules(seed)
    frames = frames_of(scattered(rich_history(seed, customers=12, days=60), dice, 0.15), dice, 15)
    found = []
    for most in (None, 1, 7, 1 << 60):
        partition = new_partition(rules)
        partition.spreads = most is not None
        told: list[Message] = []
        for frame in frames:
            partition.observe(frame)
            partition.go_on(most or 0)
            told += partition.drain()
        found.append(ended(partition, told))
    assert found[1:] == found[:1] * 3


# -- how wide


def test_numbers_of_a_wholesale_customer_are_exact_however_large() -> None:
    first = CALENDAR.start_of(FIRST_DAY)
    days = (0, 1, 2)
    bought = [
        purchase("big", first + day * DAY_MS + number, 30_000_000.0, currency="USD", items=200, id=f"p{day}-{number}")
        for day in days
        for number in range(300)
    ]
    seen = [login("big", first + DAY_MS + number, id=f"l{number}") for number in range(70_000)]
    others = [login(f"c{number}", first + number * HOUR_MS, id=f"c{number}") for number in range(9)]
    windows = [Window(name, length) for name in ("purchases", "spend", "items", "logins") for length in (1, 2, 30)]
    closing = Closing(BASIS, [*bought, *seen, *others], (), windows)
    *_, boundary = closing.until(FIRST_DAY + 40)
    assert boundary == FIRST_DAY + 40
    closing = Closing(BASIS, [*bought, *seen, *others], (), windows)
    (row,) = closing.customers.roster.rows_of(["big"]).tolist()
    for boundary in closing.until(FIRST_DAY + 40):
        for window in windows:
            inside = range(max(FIRST_DAY, boundary - window.length), boundary)
            per_day = {"purchases": 300, "spend": 300 * 3_000_000_000, "items": 60_000}
            if window.measure == "logins":
                expected = 70_000 * (FIRST_DAY + 1 in inside)
            else:
                expected = per_day[window.measure] * sum(FIRST_DAY + day in inside for day in days)
            assert closing.windows.sums(window)[row] == expected, (boundary, window)
    columns = closing.customers.columns
    assert (columns.purchases_total[row], columns.spend_total[row]) == (900, 900 * 3_000_000_000)
    (facts,) = facts_of(closing.customers, np.array([row], np.int32))
    assert facts["logins"] == {str(FIRST_DAY + 1): 70_000}
    assert facts["purchases"][str(FIRST_DAY)] == [300, 300 * 3_000_000_000, 60_000]


@pytest.mark.parametrize(("before", "late"), [(250, 10), (254, 1), (255, 1), (65_000, 1_000), (32_767, 1), (0, 300)])
def test_counts_that_grow_by_late_events_are_exact(before: int, late: int) -> None:
    at = CALENDAR.start_of(FIRST_DAY)
    logins = [login("c1", at + number, id=f"l{number}") for number in range(before + late)]
    beside = [login(f"b{number}", at, id=f"b{number}") for number in range(3)]
    window = Window("logins", 30)
    closing = Closing(BASIS, [*beside, *logins[:before]], [(one, 2) for one in logins[before:]], [window])
    for boundary in closing.until(FIRST_DAY + 5):
        expected = {FIRST_DAY + 1: before, FIRST_DAY + 2: before}.get(boundary, before + late)
        row = closing.customers.roster.row_of("c1")
        assert (0 if row is None else closing.windows.sums(window)[row]) == expected
        assert closing.windows.sums(window)[closing.customers.roster.rows_of(["b1"])] == [1]


def test_wide_columns_survive_a_snapshot() -> None:
    at = CALENDAR.start_of(FIRST_DAY)
    partition = Partition(WITHOUT_MODEL)
    events = [login("c1", at + number, id=f"l{number}") for number in range(300)]
    events += [purchase("c1", at + n, 40_000_000.0, currency="USD", id=f"p{n}", items=400) for n in range(3)]
    offsets = [0] * len(FEEDS)
    arrivals = []
    for event in events:
        arrivals.append(Arrival(event.feed, offsets[event.feed], event))
        offsets[event.feed] += 1
    partition.observe(arrivals)
    partition.lift(at + 3 * DAY_MS, range(len(FEEDS)))
    again = load(freeze(partition).to_bytes(), WITHOUT_MODEL)
    assert list(canonical_states(again)) == list(canonical_states(partition))
    for window in windows_of(WITHOUT_MODEL):
        assert again.review.windows.sums(window)[0] == partition.review.windows.sums(window)[0]
    logs = {name: measure.log(again.customers.days) for name, measure in DAILY.items()}
    assert DAILY["spend"].values(logs["spend"], slice(None)).tolist() == [3 * 4_000_000_000]
    assert isinstance(events[0].data, Login)
