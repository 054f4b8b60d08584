"""Alerts restated as of the last boundary: the same alerts, in the numbers of that day; and what came since."""

from __future__ import annotations

import re

import pytest

from models.calendar import DAY_MS
from models.customers.since_boundary import since_boundary
from models.engine.replay import Replay
from models.engine.restatement import restated
from schemas.alert import AlertV1
from schemas.event import Login, Purchase, Ticket
from schemas.instant import from_rfc3339
from support.tries import tries
from support.troubled import default_rules, rich_history

SILENT = re.compile(r"silent for ([\d,]+) days?")


def replayed(seed: int, days_after: int) -> tuple[Replay, dict[str, AlertV1]]:
    events = sorted(rich_history(seed, customers=8, days=140), key=lambda event: event.time_ms)
    replay = Replay(default_rules(), 1)
    for event in events:
        replay.take(event)
    replay.until(events[-1].time_ms + days_after * DAY_MS)
    newest = {one.alert_id: one for one in replay.drain() if isinstance(one, AlertV1)}
    return replay, {name: one for name, one in newest.items() if one.is_open}


@pytest.mark.parametrize("seed", range(tries(8)))
def test_open_alerts_are_the_same_alerts_in_the_numbers_of_the_last_boundary(seed: int) -> None:
    replay, published = replayed(seed, days_after=20)
    (partition,) = replay.partitions
    told = restated(partition, [*published.values()])
    boundary_ms = partition.basis.calendar.start_of(partition.judged_boundary)
    assert len(told) > 3
    silences = 0
    for before, now in zip(published.values(), told, strict=True):
        assert (now.alert_id, now.revision, now.case_id, now.due_at) == (
            before.alert_id, before.revision, before.case_id, before.due_at,
        )  # fmt: skip
        row = partition.customers.roster.row_of(now.customer_id)
        assert row is not None
        if silent := SILENT.search(now.summary):
            last = int(partition.customers.columns.last_purchase[row])
            assert int(silent[1]) == partition.judged_boundary - 1 - last
            silences += before.summary != now.summary
        if before.status == "firing" and from_rfc3339(before.observed_at) == boundary_ms:
            assert now == before
    assert silences


@pytest.mark.parametrize("seed", range(tries(8)))
def test_what_came_since_is_what_happened_on_days_that_are_not_closed(seed: int) -> None:
    events = sorted(rich_history(seed, customers=8, days=60), key=lambda event: event.time_ms)
    replay = Replay(default_rules(), 1)
    for event in events:
        replay.take(event)
    replay.until(events[-1].time_ms)
    (partition,) = replay.partitions
    closed_before = partition.customers.boundary * DAY_MS
    total = 0
    for row in range(partition.customers.size):
        customer = partition.customers.roster.id_of(row)
        mine = [one for one in events if one.customer_id == customer and one.time_ms >= closed_before]
        found = since_boundary(partition.customers, row)
        assert list(found) == sorted(found)
        for day, counts in found.items():
            that_day = [one for one in mine if one.time_ms // DAY_MS == day]
            assert counts.get("purchases", 0) == sum(isinstance(one.data, Purchase) for one in that_day)
            assert counts.get("logins", 0) == sum(isinstance(one.data, Login) for one in that_day)
            tickets = [one for one in that_day if isinstance(one.data, Ticket)]
            kinds = ("complaint", "billing", "delivery", "return", "other", "reopened", "resolved")
            assert sum(counts.get(kind, 0) for kind in kinds) == len(tickets)
        assert {one.time_ms // DAY_MS for one in mine} == set(found)
        total += len(mine)
    assert total
