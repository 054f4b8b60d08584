"""A record that comes again after a restore gets the answer of the first time, to be published as the same bytes."""

from __future__ import annotations

from models.engine import Engine
from models.partition import Partition, Taken
from schemas.event import FEEDS, LOGIN
from support.builders import DAY_MS, NOON_MS, email, login, purchase, ticket
from support.troubled import default_rules


def restored(partition: Partition) -> Partition:
    """The partition as the next worker sees it: what was written, and nothing committed."""
    partition.finish()
    again = Partition(Engine(default_rules()), dict(partition.records), epoch=2)
    again.begin(0)
    return again


def moved_to(partition: Partition, at_ms: int, offset: int) -> None:
    for build in (purchase, login, ticket, email):
        partition.take_event(build("other", at_ms), offset)


def test_late_event_is_told_with_the_boundary_it_missed_however_far_the_clock_has_moved() -> None:
    partition = Partition(Engine(default_rules()), {})
    partition.begin(0)
    moved_to(partition, NOON_MS, 0)
    first = partition.take_event(login(at_ms=NOON_MS - 30 * DAY_MS), 1)
    assert first == Taken("late", boundary=partition.state.boundary)
    moved_to(partition, NOON_MS + 5 * DAY_MS, 2)
    assert partition.state.boundary > first.boundary
    again = restored(partition).take_event(login(at_ms=NOON_MS - 30 * DAY_MS), 1)
    assert again == first._replace(is_again=True)


def test_conflict_is_told_again() -> None:
    partition = Partition(Engine(default_rules()), {})
    partition.begin(0)
    partition.take_event(login(at_ms=NOON_MS, id="same"), 0)
    first = partition.take_event(login(at_ms=NOON_MS + 1, id="same"), 1)
    assert first == Taken("dead_lettered", reason="id_conflict")
    assert restored(partition).take_event(login(at_ms=NOON_MS + 1, id="same"), 1) == first._replace(is_again=True)


def test_what_passes_while_the_limit_is_off_is_not_held_against_what_comes_after() -> None:
    lenient = Partition(Engine(default_rules()), {}, limit_dead_letters=False)
    lenient.begin(0)
    for offset in range(12_000):
        lenient.take_rejected(LOGIN, offset, "not_json")
    strict = restored(lenient)
    assert strict.take_rejected(LOGIN, 12_000, "not_json") == Taken("dead_lettered", reason="not_json")
    assert sum(strict.state.counts[FEEDS.index("login")]) == 12_001
