"""A record that comes again is recognised by its offset: it changes nothing and is not counted."""

from __future__ import annotations

import pytest

from models.engine.arrivals import AGAIN, Arrival, Fate
from models.engine.ledger import REJECTIONS_IN_A_ROW, DeadLetterLimitError
from models.engine.partition import Partition
from models.engine.snapshot import freeze, load
from schemas.errors import RejectedError
from schemas.event import EMAIL, LOGIN, PURCHASE, TICKET
from support.builders import DAY_MS, NOON_MS, email, login, purchase, ticket
from support.troubled import default_rules


def moved_to(partition: Partition, at_ms: int, offset: int) -> None:
    built = ((PURCHASE, purchase), (LOGIN, login), (TICKET, ticket), (EMAIL, email))
    partition.observe([Arrival(feed, offset, build("other", at_ms)) for feed, build in built])


def test_a_late_event_is_told_with_the_boundary_it_missed() -> None:
    partition = Partition(default_rules())
    moved_to(partition, NOON_MS, 0)
    late = Arrival(LOGIN, 1, login(at_ms=NOON_MS - 30 * DAY_MS))
    assert partition.observe([late]) == [Fate("late", boundary=partition.boundary)]
    before = partition.ledger.counts[LOGIN]["late"]
    assert partition.observe([late]) == [AGAIN]
    assert partition.ledger.counts[LOGIN]["late"] == before == 1


def test_a_conflict_is_told_once() -> None:
    partition = Partition(default_rules())
    conflict = Arrival(LOGIN, 1, login(at_ms=NOON_MS + 1, id="same"))
    partition.observe([Arrival(LOGIN, 0, login(at_ms=NOON_MS, id="same"))])
    assert partition.observe([conflict]) == [Fate("dead_lettered", reason="id_conflict")]
    assert partition.observe([conflict]) == [AGAIN]


def test_what_passes_while_the_limit_is_off_is_not_held_against_what_comes_after() -> None:
    lenient = Partition(default_rules(), limit_dead_letters=False)
    refused = RejectedError("not_json", "no")
    lenient.observe([Arrival(LOGIN, offset, refused) for offset in range(12_000)])
    strict = load(freeze(lenient).to_bytes(), default_rules())
    assert strict.observe([Arrival(LOGIN, 12_000, refused)]) == [Fate("dead_lettered", reason="not_json")]
    assert sum(strict.ledger.counts[LOGIN].values()) == 12_001
    with pytest.raises(DeadLetterLimitError):
        strict.observe([Arrival(LOGIN, 12_001 + place, refused) for place in range(REJECTIONS_IN_A_ROW)])
