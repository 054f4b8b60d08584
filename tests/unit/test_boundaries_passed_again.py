"""After a restart boundaries on record are passed again where they were, and what else is due there right behind."""

from __future__ import annotations

from models.engine.arrivals import Arrival
from models.engine.ledger import TICKS
from models.engine.partition import Partition
from schemas.event import FEEDS, LOGIN
from schemas.tick import Tick
from support.builders import DAY_MS, NOON_MS, login
from support.troubled import default_rules

ARRIVALS = (
    Arrival(LOGIN, 0, login(at_ms=NOON_MS)),
    Arrival(TICKS, 0, Tick(NOON_MS + DAY_MS, dict.fromkeys(FEEDS[:3], 0) | {"login": 1})),
    Arrival(TICKS, 1, Tick(NOON_MS + 4 * DAY_MS, dict.fromkeys(FEEDS, 0) | {"login": 1})),
    Arrival(TICKS, 2, Tick(NOON_MS + 4 * DAY_MS, dict.fromkeys(FEEDS, 0) | {"login": 1})),
)


def test_a_boundary_that_did_not_get_on_record_is_passed_behind_the_one_that_did() -> None:
    """Both were passed at one place, and the clock does not move any more: a tick tells the same time again."""
    truth = Partition(default_rules())
    truth.observe([*ARRIVALS[:1], *ARRIVALS[2:]])
    alone = Partition(default_rules())
    alone.observe(ARRIVALS[:3])
    first, *others = alone.passed
    assert others == []
    assert first.boundary == truth.boundary
    again = Partition(default_rules())
    again.expect([first._replace(boundary=first.boundary - 2)])
    again.observe(ARRIVALS)
    assert [one.boundary for one in again.passed] == [first.boundary - 2, first.boundary]
