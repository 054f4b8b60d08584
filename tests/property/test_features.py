"""Features are those of the closed days before the boundary, and what their names say."""

from __future__ import annotations

from array import array
from dataclasses import replace
from itertools import pairwise
from math import exp, log, log1p, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.config import Learning
from models.labels import Question
from models.scoring.features import GAP_PRIOR, MEANINGS, NARROW, feature_names, features
from models.scoring.snapshots import is_in_risk_set
from property.test_measures import BASIS, CALENDAR, pasts, quick
from schemas.event import PURCHASE, Event
from support.standing import Standing
from support.troubled import FIRST_DAY, make_event

EVERYBODY = Learning(Question(60, 365))


def vector_of(standing: Standing) -> list[float] | None:
    """The features of the customer; None of who is not asked about."""
    customers, rows = standing.closing.customers, np.array([standing.row], np.int32)
    if not is_in_risk_set(customers, rows, EVERYBODY.question)[0]:
        return None
    found: list[float] = features(customers, rows, standing.boundary)[0].tolist()
    return found


def values_at(standing: Standing) -> dict[str, float] | None:
    vector = vector_of(standing)
    return None if vector is None else dict(zip(feature_names(BASIS.feeds), vector, strict=True))


@quick
@given(events=pasts(), ahead=st.integers(1, 130))
def test_later_days_change_no_bit(events: list[Event], ahead: int) -> None:
    boundary = FIRST_DAY + ahead
    known = [event for event in events if CALENDAR.day_of(event.time_ms) < boundary]
    assert vector_of(Standing(BASIS, events, boundary)) == vector_of(Standing(BASIS, known, boundary))


@quick
@given(events=pasts(), ahead=st.integers(90, 190))
def test_forgotten_days_change_no_bit(events: list[Event], ahead: int) -> None:
    """Days that are not kept any more are dropped at once, or later where they are few among many others."""
    boundary = FIRST_DAY + ahead
    basis = replace(BASIS, keep_days=95, engagement=replace(BASIS.engagement, history_days=84))
    crowd = [
        make_event(number % 4, f"m{number % 50}", CALENDAR.start_of(boundary - 1 - number % 5), 1_000 + number, 1)
        for number in range(400)
    ]
    alone, among = Standing(basis, events, boundary), Standing(basis, [*events, *crowd], boundary)
    assert vector_of(alone) == vector_of(among)


@quick
@given(events=pasts(), ahead=st.integers(1, 130))
def test_features_equal_the_measures_of_the_signals(events: list[Event], ahead: int) -> None:
    standing = Standing(BASIS, events, FIRST_DAY + ahead)
    found = values_at(standing)
    if found is None:
        return

    def measured(text: str) -> float:
        value = standing.value(text)
        assert not isinstance(value, str)
        return float(value or 0)

    assert found["recency"] == pytest.approx(log1p(measured("days_since_purchase") + 1), rel=1e-6)
    assert found["tenure"] == pytest.approx(log1p(measured("days_since_first") + 1), rel=1e-6)
    assert found["purchases"] == pytest.approx(log1p(measured("purchases_total")), rel=1e-6)
    measures = [("purchases", 7), ("purchases", 30), ("purchases", 90), ("spend", 30), ("spend", 90), ("logins", 30)]
    for name, days in measures:
        assert found[f"{name}_{days}d"] == pytest.approx(log1p(measured(f"{name}({days}d)")), rel=1e-6), name
    troubles = sum(measured(f"{name}(30d)") for name in ("tickets", "unsubscribes"))
    assert found["troubles_30d"] == pytest.approx(log1p(troubles), rel=1e-6)
    assert found["slope"] == pytest.approx(measured("slope_z"), rel=1e-6, abs=1e-4)
    assert found["only_one"] == (measured("purchases_total") == 1)


@quick
@given(events=pasts(), ahead=st.integers(1, 130))
def test_a_feature_survives_storage_in_four_bytes(events: list[Event], ahead: int) -> None:
    vector = vector_of(Standing(BASIS, events, FIRST_DAY + ahead))
    if vector is not None:
        assert array("f", array("f", vector).tobytes()).tolist() == vector


@quick
@given(events=pasts(), ahead=st.integers(1, 130))
def test_the_rhythm_equals_a_recount_of_the_gaps(events: list[Event], ahead: int) -> None:
    boundary = FIRST_DAY + ahead
    standing = Standing(BASIS, events, boundary)
    found = values_at(standing)
    if found is None:
        return
    all_days = {CALENDAR.day_of(event.time_ms) for event in events if event.feed == PURCHASE}
    days = sorted(day for day in all_days if day < boundary)
    silence, gaps = boundary - days[-1], [later - earlier for earlier, later in pairwise(days)]
    since_first = standing.value("days_since_first")
    assert isinstance(since_first, int)
    mean = sum(gaps) / len(gaps) if gaps else since_first + 1
    spread = sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) / mean if gaps else 0.0
    known = len(gaps) + GAP_PRIOR
    expected = {
        "gap": log1p(mean),
        "overdue": log(silence / mean),
        "late": log(max(1.0, silence / mean)),
        "outlasted": (sum(gap >= silence for gap in gaps) + GAP_PRIOR * exp(-silence / mean)) / known,
        "irregularity": (len(gaps) * spread + GAP_PRIOR) / known,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_logins_are_a_feature_only_where_their_feed_is_declared() -> None:
    assert feature_names((0, 1, 2, 3)) == tuple(MEANINGS)
    assert feature_names((0, 2)) == tuple(name for name in MEANINGS if name != "logins_30d")
    assert set(NARROW) < set(feature_names((0,)))
