"""Hit rates in a world of thirty customers, where each number is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from models.alerts.episode import STILL_OPEN
from models.customers.day_history import DayHistory
from models.customers.stages import ACTIVE, DORMANT
from models.hit_rate.following import AlertSpans, Followed, Moves
from models.hit_rate.rates import HitRates, SignalHits, hit_rates, not_judged
from support.histories import Size, history
from support.troubled import default_rules
from unit.test_hit_rate import followed_of

HORIZON = 30


Pairs = Sequence[tuple[int, int]]


def of(found: HitRates, signal: str) -> SignalHits:
    return next(one for one in found.signals if one.signal == signal)


def small(alerts: AlertSpans, *, bought: Pairs, dormant: Pairs = ()) -> HitRates:
    """A world of 30 customers, active on day 90, in which `loyal_gone_silent` fired so."""
    everybody = np.arange(30)
    rows, days = np.array(bought, np.int64).reshape(-1, 2).T
    gone, at = np.array(dormant, np.int64).reshape(-1, 2).T
    followed = Followed(
        basis=default_rules().basis,
        customers=30,
        first_day=90,
        boundary=300,
        active=DayHistory(everybody, np.full(30, 90)),
        bought=DayHistory(rows, days),
        moves=Moves(
            np.concatenate((everybody, gone)),
            np.concatenate((np.full(30, 91), at)),
            np.concatenate((np.full(30, ACTIVE), np.full(len(at), DORMANT))),
        ),
        begun={"loyal_gone_silent": alerts},
    )
    return hit_rates(followed, default_rules(), HORIZON)


def begun(*alerts: tuple[int, int, int]) -> AlertSpans:
    rows, begins, ends = np.array(alerts, np.int64).reshape(-1, 3).T
    return AlertSpans(rows, begins, ends)


def test_an_alert_counts_when_its_horizon_is_over_and_a_purchase_on_its_day_is_a_return() -> None:
    alerts = begun((0, 100, 110), (1, 100, STILL_OPEN), (2, 271, STILL_OPEN), (3, 270, STILL_OPEN))
    found = of(small(alerts, bought=[(0, 100), (1, 130), (3, 299), (4, 120)]), "loyal_gone_silent")
    assert (found.alerts, found.waiting) == (4, 1)
    assert found.came_back is not None
    assert (found.came_back.hits, found.came_back.of) == (2, 3)  # day 130 is a day too late for customer 1
    assert found.verdict == "too few"


def test_nobody_is_alike_who_has_the_alert_or_another_stage() -> None:
    alerts = begun((0, 100, 110), (1, 95, 200))
    dormant = [(row, 96) for row in range(2, 29)]
    found = of(small(alerts, bought=[(29, 105)], dormant=dormant), "loyal_gone_silent")
    assert found.compared is not None
    assert (found.compared.alerts, found.alone) == (2, 0)
    assert found.compared.alike == pytest.approx((1.0 + 1 / 29) / 2, abs=1e-4)  # 29 alone on day 100; all others on 95
    nobody = of(small(begun(*((row, 100, 110) for row in range(30))), bought=[]), "loyal_gone_silent")
    assert (nobody.verdict, nobody.compared, nobody.alone) == ("nobody alike", None, 30)


def test_leaving_is_dormancy_before_a_return_and_its_time_is_asked_of_alerts_followed_for_long() -> None:
    alerts = begun((0, 100, 110), (1, 100, 110), (2, 100, 110), (3, 250, 260), (4, 100, 110))
    dormant = [(0, 120), (1, 120), (4, 99)]
    found = of(small(alerts, bought=[(1, 110), (4, 128)], dormant=dormant), "loyal_gone_silent")
    assert found.left is not None
    assert (found.left.hits, found.left.of) == (1, 5)  # customer 1 came back first, customer 4 within the horizon
    times = found.dormant
    assert (times.followed, times.already, times.reached, times.came_back, times.elsewhere) == (4, 1, 1, 1, 1)
    assert times.cut_off == 1
    assert times.days is not None
    assert times.days.median == 20


def test_none_that_came_back_leaves_room_above() -> None:
    """With no return at all the variance alone would be nothing."""
    found = of(small(begun(*((row, 100, 110) for row in range(20))), bought=[]), "loyal_gone_silent")
    assert found.compared is not None
    assert found.compared.low == 0.0
    assert 0.1 < found.compared.high < 0.25
    assert found.verdict == "no difference"


def test_what_cannot_be_judged_says_why() -> None:
    signals = {signal.id: signal for signal in default_rules().signals}
    assert {name for name, one in signals.items() if not_judged(one, "activity")} == {
        "support_spike", "repeated_complaints", "channel_friction", "unsubscribed",
    }  # fmt: skip
    assert not any(not_judged(one, "purchase") for one in signals.values())


def test_good_news_foretells_that_more_come_back() -> None:
    found = hit_rates(followed_of(history(Size(1_100, 70, 140), 3), default_rules()), default_rules(), HORIZON)
    assert {one.foretells for one in found.signals if one.polarity == "positive"} == {"more"}
    excess = [one.excess.alerts for one in found.signals if one.excess is not None and one.verdict != "too few"]
    assert excess == sorted(excess, reverse=True)


def test_a_history_without_a_midnight_has_no_rates() -> None:
    found = hit_rates(followed_of([], default_rules()), default_rules(), HORIZON)
    assert (found.boundary, found.alerts, found.customers) == (None, 0, 0)
    assert {one.verdict for one in found.signals} == {"no alerts"}
