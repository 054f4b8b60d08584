"""Several alerts for one trouble are one case: by customer and cause, from its first alert until its last has ended."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.calendar import DAY_MS
from models.engine.replay import Replay
from schemas.alert import AlertV1, case_id
from schemas.instant import from_rfc3339
from support.tries import tries
from support.troubled import default_rules, rich_history


def revisions(seed: int) -> list[AlertV1]:
    events = sorted(rich_history(seed, customers=6, days=160), key=lambda event: event.time_ms)
    replay = Replay(default_rules(), 2)
    for event in events:
        replay.take(event)
    replay.until(events[-1].time_ms + 40 * DAY_MS)
    return [one for one in replay.drain() if isinstance(one, AlertV1)]


@pytest.mark.parametrize("seed", range(tries(8)))
def test_alerts_open_together_for_one_cause_share_a_case_and_others_do_not(seed: int) -> None:
    causes = {signal.id: signal.cause for signal in default_rules().signals}
    newest = {one.alert_id: one for one in revisions(seed)}
    reviewed = [one for one in newest.values() if one.case_id is not None]
    assert len(reviewed) > 20
    spans: dict[tuple[str, str], dict[str, list[AlertV1]]] = defaultdict(lambda: defaultdict(list))
    for one in reviewed:
        spans[one.customer_id, causes[one.signal]][one.case_id or ""].append(one)
    for (customer, cause), cases in spans.items():
        for name, alerts in cases.items():
            first = min(one.starts_at for one in alerts)
            assert name == case_id(customer, cause, first[:10])
        ends = [(_begin(alerts), _end(alerts)) for alerts in cases.values()]
        ends.sort()
        assert all(earlier[1] <= later[0] for earlier, later in pairwise(ends))
    assert any(len(alerts) > 1 for cases in spans.values() for alerts in cases.values())


def _begin(alerts: list[AlertV1]) -> int:
    """The boundary at which the first of them was decided, to the day."""
    return min(from_rfc3339(one.observed_at) for one in alerts) // DAY_MS


def _end(alerts: list[AlertV1]) -> float:
    ends = [one.ends_at for one in alerts]
    return float("inf") if None in ends else max(from_rfc3339(end) for end in ends if end) // DAY_MS


@settings(max_examples=tries(12), derandomize=True)
@given(st.integers(0, 1_000))
def test_an_alert_keeps_its_case_through_all_its_revisions(seed: int) -> None:
    cases = defaultdict(set)
    for one in revisions(seed):
        if one.case_id is not None:
            cases[one.alert_id].add(one.case_id)
        else:
            assert one.stage is None or one.status == "retracted"
    assert cases
    assert all(len(found) == 1 for found in cases.values())
