"""One customer with more events than all others: an event costs the same, and the state does not grow with them."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.alerts import early
from models.customers.entries import FOLD, MAX_SUM, Entries
from models.engine.arrivals import Arrival
from models.engine.partition import Partition
from models.engine.replay import canonical_states
from models.engine.snapshot import freeze, load
from schemas.event import FEEDS, Event
from support.builders import DAY_MS, email, login, purchase, ticket
from support.troubled import FIRST_DAY, default_rules

FRAME: Final = 4_000
SIZES: Final = {False: 2 * FOLD, True: 1_000_000}
MAKE: Final[dict[str, Callable[[int, int], Event]]] = {
    "purchase": lambda at_ms, number: purchase("bot", at_ms, currency="USD", id=f"e{number}"),
    "login": lambda at_ms, number: login("bot", at_ms, id=f"e{number}"),
    "ticket": lambda at_ms, number: ticket("bot", at_ms, id=f"e{number}", channel=f"web{number}"),
    "email": lambda at_ms, number: email("bot", at_ms, "unsubscribed", id=f"e{number}"),
}
ID_BYTES: Final = 16
"""What an event costs for as long as its id is compared, whoever's it is."""
BESIDE_IDS: Final = 4_500_000
"""Bytes of a snapshot besides: of entries not added up yet at most."""


def events_of(feed: str, count: int, days: int) -> list[Event]:
    """So many of one customer, spread over days on which somebody else does something in each feed."""
    start_ms = FIRST_DAY * DAY_MS
    found = [MAKE[feed](start_ms + number * days * DAY_MS // count, number) for number in range(count)]
    for day in range(days):
        at_ms = start_ms + day * DAY_MS
        others = [purchase("other", at_ms, currency="USD"), login("other", at_ms), email("other", at_ms)]
        found += [*others, ticket("other", at_ms, "resolved", ticket_id=f"t{day}")]
    return sorted(found, key=lambda event: event.time_ms)


def run(events: list[Event]) -> tuple[Partition, list[float]]:
    """A partition that took them, and the CPU seconds of each eighth of the way."""
    partition, offsets, seconds = Partition(default_rules()), [0] * len(FEEDS), []
    began, eighth = process_time(), len(events) // 8
    for first in range(0, len(events), FRAME):
        arrivals = []
        for event in events[first : first + FRAME]:
            arrivals.append(Arrival(event.feed, offsets[event.feed], event))
            offsets[event.feed] += 1
        partition.observe(arrivals)
        partition.drain()
        if first // eighth != (first + FRAME) // eighth:
            seconds.append(process_time() - began)
            began = process_time()
    return partition, seconds


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize(("feed", "days"), [*((feed, 1) for feed in FEEDS), ("login", 365), ("ticket", 365)])
def test_state_is_bounded_and_nothing_is_miscounted(feed: str, days: int, *, is_full: bool) -> None:
    count = SIZES[is_full] if feed in {"purchase", "login"} or is_full else SIZES[is_full] // 20
    count = count if is_full or days == 1 else count // 20
    partition, seconds = run(events_of(feed, count, days))
    data = freeze(partition).to_bytes()
    assert len(data) < count * ID_BYTES + BESIDE_IDS
    again = load(data, default_rules(), limit_dead_letters=True)
    assert list(canonical_states(again)) == list(canonical_states(partition))
    assert partition.ledger.counts[FEEDS.index(feed)]["applied"] == count + days
    if is_full:
        costs = [round(one / count * 8e6, 2) for one in seconds]
        print(f"{count:,} {feed} events in {days} days: {costs} us an event by eighth; snapshot {len(data):,} bytes")
        assert costs[-1] < 4 * costs[3]


@pytest.mark.parametrize("days", [20, 80])
def test_days_that_no_review_has_seen_are_gone_through_once(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    """While another feed is silent all days stay open, and each ticket went through all of them."""
    asked, begin = [], early.beginning

    def counting(*given: Any) -> Any:
        asked.append(given)
        return begin(*given)

    monkeypatch.setattr(early, "beginning", counting)
    partition, count = Partition(default_rules()), 10 * days
    made = [MAKE["ticket"]((FIRST_DAY * 10 + number) * DAY_MS // 10, number) for number in range(count)]
    partition.observe([Arrival(event.feed, offset, event) for offset, event in enumerate(made)])
    assert len(partition.customers.days.open) == days
    signals = sum(of.signal.announced_feed == made[0].feed for of in partition.review.alerts)
    assert 0 < len(asked) <= 2 * signals * count


def test_entries_are_added_up_again_no_more_often_than_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at, close = [], Entries.close

    def counting(entries: Entries) -> object:
        looked_at.append(len(entries))
        return close(entries)

    monkeypatch.setattr(Entries, "close", counting)
    rows, entries = np.arange(5_000, dtype=np.int32) % 700, Entries(["logins"])
    for number in range(1_000):
        entries.add(rows, np.full(5_000, number), {"logins": [1] * 5_000})
    assert len(entries) <= FOLD + 5_000
    assert sum(looked_at) < 1.1 * 1_000 * 5_000
    assert close(entries).columns["logins"].sum() == 1_000 * 5_000


amounts = st.integers(0, 100) | st.sampled_from([MAX_SUM, MAX_SUM - 1, MAX_SUM // 2, 1 << 32, (1 << 32) - 1])
parts = st.lists(st.lists(st.tuples(st.integers(0, 3), amounts), min_size=1, max_size=2_000), min_size=1, max_size=4)


@given(parts, st.integers(0, 3_000))
def test_sums_stop_at_the_most_in_any_order_and_however_they_are_added_up(
    frames: list[list[tuple[int, int]]], more: int
) -> None:
    entries, truth = Entries(["minor"]), dict.fromkeys(range(4), 0)
    for frame in [*frames, [(0, MAX_SUM)] * more]:
        rows = np.array([row for row, _ in frame], np.int32)
        entries.add(rows, np.zeros(len(frame), np.int64), {"minor": [amount for _, amount in frame]})
        entries._fold() if len(entries) else None
        for row, amount in frame:
            truth[row] += amount
    cells = entries.close()
    told = dict(zip(cells.rows.tolist(), cells.columns["minor"].tolist(), strict=True))
    assert told == {row: min(truth[row], MAX_SUM) for row in told}
