"""A record that comes again after a restart changes nothing if it was covered, or gets the answer of the first time."""

from __future__ import annotations

from models.engine.ledger import TICKS
from models.engine.partition import AGAIN, CONFLICT, Arrival, Fate, Partition, Passed
from models.engine.snapshot import freeze, load
from schemas.errors import RejectedError
from schemas.event import FEEDS, LOGIN, Event
from support.builders import DAY_MS, NOON_MS, email, login, purchase, ticket
from support.troubled import default_rules


def taken(partition: Partition, offset: int, event: Event) -> Fate:
    (fate,) = partition.observe([Arrival(event.feed, offset, event)])
    return fate


def moved_to(partition: Partition, at_ms: int, offset: int) -> None:
    for build in (purchase, login, ticket, email):
        taken(partition, offset, build("other", at_ms))


def restored(data: bytes, passed: list[Passed]) -> Partition:
    """The partition as the next worker sees it."""
    again = load(data, default_rules())
    again.expect(passed)
    return again


def test_late_event_is_told_with_the_boundary_it_missed_however_far_the_clock_has_moved() -> None:
    partition = Partition(default_rules())
    snapshot = freeze(partition).to_bytes()
    late = login(at_ms=NOON_MS - 30 * DAY_MS)
    moved_to(partition, NOON_MS, 0)
    first = taken(partition, 1, late)
    assert first == Fate("late", boundary=partition.boundary)
    moved_to(partition, NOON_MS + 5 * DAY_MS, 2)
    assert partition.boundary > first.boundary
    again = restored(snapshot, partition.passed)
    moved_to(again, NOON_MS, 0)
    assert taken(again, 1, late) == first
    moved_to(again, NOON_MS + 5 * DAY_MS, 2)
    assert again.passed == partition.passed


def test_an_event_that_was_in_time_is_in_time_again_though_its_feed_is_read_last() -> None:
    partition = Partition(default_rules())
    snapshot = freeze(partition).to_bytes()
    early = login(at_ms=NOON_MS - 30 * DAY_MS)
    assert taken(partition, 0, early).outcome == "applied"
    for build in (purchase, ticket, email, login):
        taken(partition, 1, build("other", NOON_MS))
    again = restored(snapshot, partition.passed)
    for build in (purchase, ticket, email):
        taken(again, 1, build("other", NOON_MS))
    assert again.boundary == -1
    assert not again.is_beyond(LOGIN, 0)
    assert taken(again, 0, early).outcome == "applied"
    taken(again, 1, login("other", NOON_MS))
    assert again.passed == partition.passed != []


def test_what_was_read_behind_a_boundary_waits_until_it_was_passed() -> None:
    partition = Partition(default_rules())
    snapshot = freeze(partition).to_bytes()
    moved_to(partition, NOON_MS, 0)
    again = restored(snapshot, partition.passed)
    assert again.is_beyond(LOGIN, 1)
    for build in (purchase, ticket, email):
        taken(again, 0, build("other", NOON_MS))
    assert not again.is_beyond(LOGIN, 1), "its feed was read that far: nothing lies between"
    assert again.boundary == partition.boundary
    assert not again.is_beyond(TICKS, 7)


def test_conflict_is_told_again_and_what_is_covered_is_not_counted_twice() -> None:
    partition = Partition(default_rules())
    taken(partition, 0, login(at_ms=NOON_MS, id="same"))
    snapshot = freeze(partition).to_bytes()
    assert taken(partition, 1, login(at_ms=NOON_MS + 1, id="same")) == CONFLICT
    again = restored(snapshot, [])
    assert taken(again, 0, login(at_ms=NOON_MS, id="same")) == AGAIN
    assert taken(again, 1, login(at_ms=NOON_MS + 1, id="same")) == CONFLICT
    assert again.ledger == partition.ledger


def test_what_passes_while_the_limit_is_off_is_not_held_against_what_comes_after() -> None:
    refused = RejectedError("not_json", "no")
    lenient = Partition(default_rules(), limit_dead_letters=False)
    lenient.observe([Arrival(LOGIN, offset, refused) for offset in range(12_000)])
    strict = load(freeze(lenient).to_bytes(), default_rules())
    assert strict.observe([Arrival(LOGIN, 12_000, refused)]) == [Fate("dead_lettered", reason="not_json")]
    assert sum(strict.ledger.counts[FEEDS.index("login")].values()) == 12_001
