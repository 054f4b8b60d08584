"""When a label is known, and what it says."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.labels import BINS, PARTS, WHOLE, Question, label, matures_after

QUESTION = Question(60, 90)


@given(horizon=st.integers(4, 365))
def test_bins_cover_the_horizon_without_gap(horizon: int) -> None:
    edges = Question(horizon, 90).edges
    assert edges[0] == 0
    assert edges[-1] == horizon
    assert all(earlier < later for earlier, later in pairwise(edges))


@given(horizon=st.integers(4, 365), until=st.one_of(st.none(), st.integers(0, 500)))
def test_the_bins_and_the_whole_horizon_say_the_same(horizon: int, until: int | None) -> None:
    question = Question(horizon, 90)
    bins = [label(question, part, until) for part in range(1, BINS + 1)]
    bought = until is not None and until < horizon
    assert label(question, WHOLE, until) is not bought
    assert bins.count(True) == bought
    place = bins.index(True) if bought else BINS
    assert bins == [False] * place + [True] * bought + [None] * (BINS - place - bought)


@given(horizon=st.integers(4, 365), until=st.integers(0, 500), part=st.sampled_from(PARTS))
def test_a_label_never_looks_beyond_the_day_it_matures(horizon: int, until: int, part: int) -> None:
    question = Question(horizon, 90)
    known = until if until < matures_after(question, part) else None
    assert label(question, part, until) == label(question, part, known)


def test_a_purchase_on_the_day_of_the_snapshot_is_after_it() -> None:
    assert [label(QUESTION, part, 0) for part in PARTS] == [True, None, None, None, False]


@pytest.mark.parametrize(("horizon", "risk_set"), [(3, 90), (366, 90), (60, 0), (60, 366)])
def test_a_question_out_of_bounds_is_refused(horizon: int, risk_set: int) -> None:
    with pytest.raises(ValueError, match="days, not"):
        Question(horizon, risk_set)
