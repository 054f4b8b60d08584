"""Features are those of the record as it was at the boundary, and what their names say."""

from __future__ import annotations

from array import array
from dataclasses import replace
from itertools import pairwise
from math import exp, log, log1p, sqrt

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models.activity import fold, forget
from models.customer import Customer
from models.learning.features import Past
from models.signals.measures import View

from models.scoring.features import GAP_PRIOR, MEANINGS, NARROW, feature_names
from property.test_measures import BASIS, CALENDAR, pasts, quick, record_of
from schemas.event import Event
from support.troubled import FIRST_DAY


def values_at(customer: Customer, boundary: int) -> dict[str, float]:
    return dict(zip(feature_names(BASIS.feeds), Past(customer, BASIS).vector(boundary), strict=True))


def is_scored(customer: Customer, boundary: int) -> bool:
    return Past(customer, BASIS).silent_days(boundary) is not None


@quick
@given(events=pasts(), ahead=st.integers(1, 130), keep_days=st.sampled_from((40, 90, 400)))
def test_later_days_and_forgotten_days_change_no_bit(events: list[Event], ahead: int, keep_days: int) -> None:
    boundary = FIRST_DAY + ahead
    basis = replace(BASIS, keep_days=keep_days)
    whole = Past(record_of(events), basis)
    known = [event for event in events if CALENDAR.day_of(event.time_ms) < boundary]
    then = Customer()
    for event in known:
        day = CALENDAR.day_of(event.time_ms)
        fold(then, event, day, BASIS.rates)
    forget(then, boundary - keep_days)
    stored = Past(msgspec.msgpack.decode(msgspec.msgpack.encode(then), type=Customer), basis)
    assert whole.silent_days(boundary) == stored.silent_days(boundary)
    if stored.silent_days(boundary) is not None:
        assert whole.vector(boundary) == stored.vector(boundary)


@quick
@given(events=pasts(), ahead=st.integers(1, 130))
def test_features_equal_the_measures_of_the_signals(events: list[Event], ahead: int) -> None:
    boundary = FIRST_DAY + ahead
    customer = record_of(events)
    if not is_scored(customer, boundary):
        return
    found, view = values_at(customer, boundary), View(customer, boundary, BASIS)
    since = {name: float(view.scalar(f"days_since_{name}")[0] or 0) + 1 for name in ("purchase", "first")}
    assert found["recency"] == pytest.approx(log1p(since["purchase"]), rel=1e-6)
    assert found["tenure"] == pytest.approx(log1p(since["first"]), rel=1e-6)
    assert found["purchases"] == pytest.approx(log1p(float(view.scalar("purchases_total")[0] or 0)), rel=1e-6)
    measures = [("purchases", 7), ("purchases", 30), ("purchases", 90), ("spend", 30), ("spend", 90), ("logins", 30)]
    for name, days in measures:
        count = view.count(name, days, 0)[0]
        assert isinstance(count, int | float)
        assert found[f"{name}_{days}d"] == pytest.approx(log1p(count), rel=1e-6), name
    troubles = sum(float(view.count(name, 30, 0)[0] or 0) for name in ("tickets", "unsubscribes"))
    assert found["troubles_30d"] == pytest.approx(log1p(troubles), rel=1e-6)
    assert found["slope"] == pytest.approx(float(view.scalar("slope_z")[0] or 0), rel=1e-6, abs=1e-6)
    assert found["only_one"] == (view.scalar("purchases_total")[0] == 1)


@quick
@given(events=pasts(), ahead=st.integers(1, 130))
def test_a_feature_survives_storage_in_four_bytes(events: list[Event], ahead: int) -> None:
    customer = record_of(events)
    if is_scored(customer, FIRST_DAY + ahead):
        vector = Past(customer, BASIS).vector(FIRST_DAY + ahead)
        assert array("f", array("f", vector).tobytes()).tolist() == vector


@quick
@given(events=pasts(), snapshot=st.integers(0, 130), ahead=st.integers(0, 130))
def test_days_until_the_next_purchase_look_no_further_than_the_boundary(
    events: list[Event], snapshot: int, ahead: int
) -> None:
    first, boundary = FIRST_DAY + snapshot, FIRST_DAY + snapshot + ahead
    days = sorted(CALENDAR.day_of(event.time_ms) for event in events if event.feed == 0)
    inside = [day - first for day in days if first <= day < boundary]
    past = Past(record_of(events), BASIS)
    assert past.days_until_purchase(first, boundary) == (inside[0] if inside else None)
    assert past.bought(first, boundary)[0] == len(inside)


@quick
@given(events=pasts(), ahead=st.integers(1, 130))
def test_the_rhythm_equals_a_recount_of_the_gaps(events: list[Event], ahead: int) -> None:
    boundary = FIRST_DAY + ahead
    customer = record_of(events)
    if not is_scored(customer, boundary):
        return
    found = values_at(customer, boundary)
    days = sorted(day for day in customer.purchases if day < boundary)
    silence, gaps = boundary - days[-1], [later - earlier for earlier, later in pairwise(days)]
    mean = sum(gaps) / len(gaps) if gaps else Past(customer, BASIS).tenure(boundary)
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
