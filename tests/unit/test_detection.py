"""Detection: hand-made truths and alerts, and the numbers that must come of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.detection.findings import CURVE_DAYS, Detection, SignalScore
from models.detection.proportion import Share, quartiles, rate, wilson
from models.detection.scores import Firing, Move, Observed, Watched, detect
from models.detection.targets import Target, judge
from models.detection.truth import Sign, Truth, What
from support.builders import DAY_MS

DAYS = 365
WATCHED = [Watched("usage_drop", "negative"), Watched("unsubscribed", "negative"), Watched("reactivated", "positive")]


def sign(signal: str, day: float, within: float, *, expected: bool = True, what: What = "leaves") -> Sign:
    return Sign(signal, int(day * DAY_MS), int((day + within) * DAY_MS), expected, what)


def truth(
    customer: str = "c1",
    *signs: Sign,
    kind: str = "fading",
    leaves: int | None = None,
    begins: int = 0,
    active: int = 0,
) -> Truth:
    turns = min((one.from_ms for one in signs), default=None)
    leaves_ms = None if leaves is None else leaves * DAY_MS
    return Truth(customer, kind, begins * DAY_MS, turns, leaves_ms, 10, active, signs)


def alert(day: float, signal: str = "usage_drop", customer: str = "c1") -> Firing:
    return Firing(customer, signal, int(day * DAY_MS))


def measured(truths: list[Truth], firings: list[Firing], *moves: Move, days: int = DAYS) -> Detection:
    return detect(Observed(truths, firings, moves, 0, days * DAY_MS), WATCHED)


def of(detection: Detection, signal: str = "usage_drop") -> SignalScore:
    return next(score for score in detection.signals if score.signal == signal)


def hits(share: Share | None) -> tuple[int, int] | None:
    return None if share is None else (share.hits, share.of)


@pytest.mark.parametrize(
    ("day", "is_right"), [(99.9, False), (100, True), (130, True), (160, True), (160.1, False), (300, False)]
)
def test_only_an_alert_within_the_interval_is_right_and_finds(day: float, is_right: bool) -> None:  # noqa: FBT001 - a table
    score = of(measured([truth("c1", sign("usage_drop", 100, 60))], [alert(day)]))
    assert hits(score.precision) == (int(is_right), 1)
    assert hits(score.recall) == (int(is_right), 1)


def test_several_alerts_of_one_change_are_each_right_and_the_change_is_found_once_at_the_first() -> None:
    score = of(measured([truth("c1", sign("usage_drop", 100, 60))], [alert(150), alert(110), alert(90)]))
    assert hits(score.precision) == (2, 3)
    assert hits(score.recall) == (1, 1)
    assert score.delay == quartiles([10.0])


def test_alert_of_another_signal_finds_nothing() -> None:
    found = measured([truth("c1", sign("usage_drop", 100, 60))], [alert(110, "unsubscribed")])
    assert hits(of(found).recall) == (0, 1)
    assert of(found).precision is None
    assert hits(of(found, "unsubscribed").precision) == (0, 1)


def test_interval_cut_off_by_the_end_of_the_data_counts_for_precision_alone() -> None:
    truths = [truth("c1", sign("usage_drop", 310, 60)), truth("c2", sign("usage_drop", 305, 60))]
    score = of(measured(truths, [alert(320)]))
    assert hits(score.precision) == (1, 1)
    assert hits(score.recall) == (0, 1)
    assert score.open_ended == 1


def test_customer_in_whom_it_is_not_expected_counts_for_precision_and_coverage_not_for_recall() -> None:
    truths = [truth("c1", sign("usage_drop", 100, 60, expected=False)), truth("c2", sign("usage_drop", 100, 60))]
    score = of(measured(truths, [alert(120)]))
    assert hits(score.precision) == (1, 1)
    assert hits(score.recall) == (0, 1)
    assert hits(score.coverage) == (1, 2)


def test_seasonal_customers_are_left_out_of_the_precision_that_says_so() -> None:
    truths = [truth("c1", sign("usage_drop", 100, 60)), truth("c2", kind="seasonal")]
    score = of(measured(truths, [alert(120), alert(50, customer="c2"), alert(90, customer="c2")]))
    assert hits(score.precision) == (1, 3)
    assert hits(score.precision_steady) == (1, 1)


def test_lead_is_from_the_first_right_alert_to_the_stages_reached_after_leaving() -> None:
    gone = truth("c1", sign("usage_drop", 100, 60), leaves=100)
    moves = [Move("c1", stage, day * DAY_MS) for stage, day in (("dormant", 40), ("dormant", 155), ("churned", 216))]
    found = measured([gone], [alert(20), alert(125), alert(158)], *moves)
    assert of(found).lead.dormant == quartiles([30.0])
    assert of(found).lead.churned == quartiles([91.0])
    (kind,) = found.kinds
    assert kind.lead == of(found).lead
    assert (kind.found_by_day[24], kind.found_by_day[25]) == (0.0, 1.0)
    assert (kind.dormant_by_day[54], kind.dormant_by_day[55]) == (0.0, 1.0)


def test_who_stays_has_no_lead() -> None:
    stays = truth("c1", sign("usage_drop", 100, 60))
    assert of(measured([stays], [alert(125)], Move("c1", "dormant", 155 * DAY_MS))).lead.dormant is None


def test_kind_is_found_only_by_right_negative_alerts_in_time_among_those_followed_long_enough() -> None:
    late = DAYS - CURVE_DAYS + 1
    truths = [
        truth("c1", sign("usage_drop", 100, 60), sign("reactivated", 100, 30)),
        truth("c2", sign("usage_drop", 100, 60)),
        truth("c3", sign("usage_drop", 100, 200)),
        truth("c4", sign("usage_drop", late, 60)),
    ]
    firings = [alert(101, "reactivated"), alert(120), alert(90, customer="c2"), alert(195, customer="c3")]
    (kind,) = measured(truths, firings).kinds
    assert hits(kind.found) == (1, 3)
    assert kind.delay == quartiles([20.0])


def test_load_is_by_the_weeks_each_customer_was_known() -> None:
    truths = [truth("c1", begins=0), truth("c2", begins=350)]
    found = measured(truths, [alert(30), alert(60)], days=364)
    assert of(found).weekly == pytest.approx(1000 * 2 / (52 + 2), abs=0.001)
    assert of(found).kinds["fading"].alerts == 2
    assert found.years == pytest.approx((364 + 14) / 365, abs=0.01)


def test_loyal_share_is_the_worst_of_all_spans_of_sixty_days() -> None:
    truths = [truth(f"c{number}", kind="loyal", active=number * 100) for number in range(4)]
    firings = [
        alert(70, customer="c0"),
        alert(129, customer="c1"),
        alert(131, customer="c2"),
        alert(140, customer="c2"),
    ]
    loyal = measured(truths, firings).loyal
    assert hits(loyal.worst) == (2, 4)
    assert hits(loyal.ever) == (3, 4)
    assert hits(loyal.worst_regular) == (2, 3)
    assert loyal.mean == pytest.approx((0 + 1 + 2 + 0 + 0 + 0) / 4 / 6, abs=1e-4)
    assert len(loyal.spans) == DAYS - 60 + 1
    assert loyal.negative_a_year is not None
    assert loyal.negative_a_year.mean == pytest.approx(1.0)
    assert loyal.by_signal == {"usage_drop": 1.0}


def test_good_news_does_not_burden_loyal_customers() -> None:
    loyal = measured([truth("c1", kind="loyal"), truth("c2", kind="loyal")], [alert(70, "reactivated")]).loyal
    assert loyal.negative_a_year is not None
    assert loyal.negative_a_year.mean == 0.0


def test_data_shorter_than_a_span_say_nothing_about_spans() -> None:
    loyal = measured([truth("c1", kind="loyal")], [alert(20)], days=59).loyal
    assert (loyal.worst, loyal.mean, loyal.spans) == (None, None, ())


def test_alert_about_an_unknown_customer_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing is known, c9"):
        measured([truth()], [alert(1, customer="c9")])


def test_nobody_is_no_division_by_zero() -> None:
    found = measured([], [])
    assert (found.customers, found.kinds, of(found).precision, of(found).weekly) == (0, (), None, 0.0)


def targets(detection: Detection) -> dict[str, Target]:
    return {target.name: target for target in judge(detection)}


def test_targets_are_missed_met_or_not_judged() -> None:
    loyals = [truth(f"c{number}", kind="loyal") for number in range(100)]
    drops = [alert(100, customer=f"c{number}") for number in range(6)]
    drop = "loyal: usage_drop in any 60 days"
    assert targets(measured(loyals, drops))[drop].is_met is False
    assert targets(measured(loyals, drops[:5]))[drop].is_met is True
    assert targets(measured(loyals[:49], drops[:5]))[drop].is_met is None
    assert targets(measured(loyals, drops))["loyal: negative alerts a year"].is_met is True
    assert targets(measured(loyals, drops * 40))["loyal: negative alerts a year"].is_met is False


def test_floor_of_a_signal_is_judged_where_there_are_cases() -> None:
    turned = [truth(f"c{number}", sign("usage_drop", 100, 60)) for number in range(60)]
    found = targets(measured(turned, [alert(120, customer=f"c{number}") for number in range(50)]))
    assert found["usage_drop: precision"].is_met is True
    assert found["usage_drop: recall"].is_met is False
    assert found["unsubscribed: recall"].is_met is None


def test_wilson_equals_the_published_example() -> None:
    """Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611."""
    assert wilson(81, 263) == Share(81, 263, 0.308, 0.2553, 0.3662)
    assert wilson(0, 20) == Share(0, 20, 0.0, 0.0, 0.1611)
    assert wilson(20, 20) == Share(20, 20, 1.0, 0.8389, 1.0)


def test_rate_allows_for_a_few_who_have_most() -> None:
    even, uneven = rate([1] * 100, [1.0] * 100), rate([100] + [0] * 99, [1.0] * 100)
    assert even is not None
    assert uneven is not None
    assert even.mean == uneven.mean == 1.0
    assert even.high - even.low == 0.0
    assert uneven.high > 2.9


days = st.floats(0, DAYS, allow_nan=False).map(lambda day: round(day, 2))


@given(st.lists(st.tuples(st.integers(0, 5), days), max_size=20), st.lists(days, min_size=6, max_size=6))
def test_numbers_hang_together_whatever_was_said(said: list[tuple[int, float]], turns: list[float]) -> None:
    truths = [truth(f"c{number}", sign("usage_drop", day, 60)) for number, day in enumerate(turns)]
    firings = [alert(day, customer=f"c{number}") for number, day in said]
    found = measured(truths, firings)
    score = of(found)
    assert score.alerts == len(firings) == sum(load.alerts for load in score.kinds.values())
    assert (score.precision is None) == (not firings)
    if score.precision is not None:
        assert score.precision.hits == sum(load.right for load in score.kinds.values())
        assert score.precision.low <= score.precision.share <= score.precision.high
    assert (0 if score.recall is None else score.recall.of) + score.open_ended == len(truths)
    assert measured(truths[::-1], firings[::-1]) == found
    (kind,) = found.kinds
    assert list(kind.found_by_day) == sorted(kind.found_by_day)


@given(st.integers(1, 2000), st.data())
def test_wilson_holds_its_share_and_narrows_with_more(of_many: int, data: st.DataObject) -> None:
    some = data.draw(st.integers(0, of_many))
    once, ten_times = wilson(some, of_many), wilson(10 * some, 10 * of_many)
    assert once is not None
    assert ten_times is not None
    assert 0 <= once.low <= once.share <= once.high <= 1
    assert ten_times.high - ten_times.low <= once.high - once.low
