"""Another catalogue is taken up at a boundary, by worker and replay alike.

The boundary and all days from it on are the new one's: their reviews, and what is fired early on them. What is
decided of the days before stays the earlier one's. The partition goes on as it would from a snapshot of that moment.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from models.catalogue.rules import Rules
from models.engine.arrivals import Passed
from models.engine.judging import Coming
from models.engine.partition import Partition
from models.engine.snapshot import freeze, load_into

NOTHING_DECIDED: Final = 0
"""The first free boundary of a partition that has taken nothing in: another catalogue takes it over as it is."""


def plan(partition: Partition, coming: Iterable[tuple[int, Rules]]) -> None:
    """Have catalogues taken up, each at the boundary given with it: in order, and none that was passed."""
    partition.will_take_up([Coming(boundary, partial(take_up, partition, rules)) for boundary, rules in coming])


def on_record(
    partition: Partition, passed: Iterable[Passed], rules_of: Callable[[str], Rules]
) -> list[tuple[int, Rules]]:
    """The catalogues that took over at boundaries on record, which are passed again: each where it did."""
    found, judging = [], partition.rules.hash
    for one in passed:
        if one.boundary > partition.boundary and one.catalogue:
            rules = rules_of(one.catalogue)
            if rules.hash != judging:
                found.append((one.boundary, rules))
                judging = rules.hash
    return found


def first_free(partition: Partition, passed: Iterable[Passed], fired: Iterable[int]) -> int:
    """The first boundary at which another catalogue may take over: nothing was decided as of it, or of its day.

    `passed`: boundaries on record; `fired`: days of which anything was fired early. No clock may have reached the day,
    since what an earlier life has fired, or would have, stays decided.
    """
    clock_ms = max(partition.watermark.highs)
    clock: list[int] = [partition.basis.calendar.day_of(clock_ms)] if clock_ms >= 0 else []
    return 1 + max([partition.boundary, *(one.boundary for one in passed), *clock, *fired])


def take_up(partition: Partition, rules: Rules) -> None:
    """Go on by other rules. Nobody may wait to be judged."""
    ledger, decided = partition.ledger, partition.review.follow_up.decided
    load_into(partition, freeze(partition).to_bytes(), rules)
    partition.ledger, partition.review.follow_up.decided = ledger, decided
    partition.will_take_up(partition.coming)
