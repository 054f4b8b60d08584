"""Synthetic customers: the same every time, of the kinds they are said to be, and within the contract."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from models.detection.truth import Truth
from schemas.codec import decode_line, encode_event
from schemas.event import FEEDS, PURCHASE, TICKET, Event, Ticket
from streams.files.history import read_history
from streams.simulation.around import simulate_around
from streams.simulation.kinds import KINDS
from streams.simulation.population import World, simulate
from support.builders import DAY_MS, NOON_MS, line, purchase

START_MS = NOON_MS // DAY_MS * DAY_MS
DAYS = 180
Lived = tuple[list[Event], list[Truth]]


@pytest.fixture(scope="module")
def world() -> Lived:
    return simulate(World(400, DAYS, 7, START_MS))


def by_customer(events: list[Event]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        found[event.customer_id].append(event)
    return found


def test_same_seed_gives_the_same_customers_and_another_seed_others(world: Lived) -> None:
    assert simulate(World(400, DAYS, 7, START_MS)) == world
    assert simulate(World(400, DAYS, 8, START_MS))[0] != world[0]


def test_more_customers_change_nothing_about_the_first(world: Lived) -> None:
    fewer, _ = simulate(World(100, DAYS, 7, START_MS))
    chosen = {f"sim-{number:06d}" for number in range(100)}
    assert [event for event in world[0] if event.customer_id in chosen] == fewer


def test_events_are_in_order_in_time_unique_and_keep_the_contract(world: Lived) -> None:
    events, _ = world
    assert [(event.time_ms, event.feed) for event in events] == sorted((event.time_ms, event.feed) for event in events)
    assert all(START_MS <= event.time_ms < START_MS + DAYS * DAY_MS for event in events)
    assert len({event.id for event in events}) == len(events)
    assert {event.feed for event in events} == set(range(len(FEEDS)))
    for event in events[::10]:
        assert decode_line(encode_event(event)) == event


def test_every_kind_is_there_and_the_truth_counts_each_event_once(world: Lived) -> None:
    events, truths = world
    assert {truth.kind for truth in truths} == set(KINDS)
    assert Counter(event.customer_id for event in events) == {truth.customer_id: truth.events for truth in truths}


def test_kinds_behave_as_they_are_called(world: Lived) -> None:
    events, truths = world
    of = by_customer(events)
    for truth in truths:
        lived = of[truth.customer_id]
        bought = [event for event in lived if event.feed == PURCHASE]
        turn_ms = truth.turns_at_ms or 0
        if truth.kind == "one_off":
            assert len(bought) == 1
        if truth.kind == "fading":
            assert not [event for event in bought if event.time_ms > turn_ms + DAY_MS]
        if truth.kind == "returning":
            assert not [event for event in bought if turn_ms - 60 * DAY_MS < event.time_ms < turn_ms - DAY_MS]
        tickets = [event.data for event in lived if event.feed == TICKET]
        opened = [one for one in tickets if isinstance(one, Ticket) and one.action == "opened"]
        if truth.kind == "complaining":
            assert len(opened) >= 3
        if truth.kind == "channel_hopping":
            assert len({one.channel for one in opened}) >= 2


def test_kind_does_not_show_in_the_events(world: Lived) -> None:
    assert not [event for event in world[0] if any(kind in line(event).decode() for kind in KINDS)]


def test_feeds_made_up_around_a_file_belong_to_its_customers_and_days(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    customers = [f"c{number}" for number in range(50)] + ["x" * 64]
    bought = [
        purchase(customer, START_MS + (number % 7 * 11 + week * 20) * DAY_MS, order_id=f"{number}-{week}")
        for number, customer in enumerate(customers)
        for week in range(number % 5 + 1)
    ]
    file.write_bytes(b"\n".join(map(line, bought)))
    history = read_history([file])
    made = simulate_around(history, seed=3)
    assert made == simulate_around(history, seed=3)
    assert {event.customer_id for event in made} == set(customers)
    assert {FEEDS[event.feed] for event in made} == {"login", "ticket", "email"}
    assert {event.source for event in made} == {"simulated"}
    last_day = max(event.time_ms for event in bought) // DAY_MS
    assert max(event.time_ms for event in made) // DAY_MS <= last_day
    for event in made:
        assert decode_line(encode_event(event)) == event
    assert simulate_around(read_history([]), seed=3) == []
