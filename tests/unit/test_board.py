"""The board's numbers: summed over workers, idempotent under repeats, and unknown rather than zero."""

from __future__ import annotations

from dataclasses import replace as replace_field
from typing import Any

import pytest
from msgspec.structs import replace

from models.alerts.partitions import outage_id
from models.calendar import Calendar, date_of
from schemas.alert import STATUS_OF_END, AlertV1, EndReason
from schemas.instant import to_rfc3339
from streams.board.board import Deployment, Past, make_board
from streams.board.ledger import OutputLedger
from streams.text.wording import written_date
from support.boards import DEPLOYMENT, NOW_MS, TODAY, UTC, alert, board, change, drawn, instant, look, page, past_of

FIRST = page(
    'churn_customers{stage="active"} 10',
    'churn_customers{stage="churned"} 4',
    'churn_customers_at_risk{stage="active"} 2',
    'churn_customers_at_risk_by_signal{signal="usage_drop"} 2',
    'churn_spend_at_risk{currency="USD",stage="active"} 30.5',
    'churn_alerts_past_due{owner="Retention"} 1',
    'churn_consumer_lag_messages{topic="acme.events.purchase",partition="0"} 7',
    'churn_events_total{topic="acme.events.purchase",outcome="applied"} 1000',
    partitions=4,
)
SECOND = page(
    'churn_customers{stage="active"} 5',
    'churn_customers{stage="lapsed"} 6',
    'churn_customers_at_risk{stage="active"} 1',
    'churn_customers_at_risk{stage="lapsed"} 3',
    'churn_customers_at_risk_by_signal{signal="loyal_gone_silent"} 3',
    'churn_customers_at_risk_by_signal{signal="usage_drop"} 2',
    'churn_spend_at_risk{currency="USD",stage="lapsed"} 9.5',
    'churn_spend_at_risk{currency="EUR",stage="lapsed"} 1',
    'churn_alerts_past_due{owner="Retention"} 2',
    'churn_alerts_past_due{owner="Support"} 0',
    'churn_consumer_lag_messages{topic="acme.events.login",partition="3"} 5',
    'churn_events_total{topic="acme.events.login",outcome="applied"} 400',
    partitions=2,
)


def test_two_workers_are_summed() -> None:
    shown = board(look(FIRST, SECOND))
    assert (shown.at_risk, shown.base, shown.customers) == (6, 21, 25)
    assert shown.share == pytest.approx(6 / 21)
    assert shown.spend_at_risk == {"USD": 40.0, "EUR": 1.0}
    assert shown.by_signal == {"usage_drop": 4, "loyal_gone_silent": 3}
    assert shown.past_due == {"Retention": 3}
    assert (shown.lag, shown.workers, shown.partitions_owned, shown.problems) == (12, 2, 6, ())
    assert {row.feed: row.lag for row in shown.feeds} == {"purchase": 7, "login": 5}


def test_worker_away_is_said_and_the_rest_is_called_partial() -> None:
    shown = board(look(FIRST, away={"http://w2": "Connection refused"}))
    assert shown.at_risk == 2
    assert shown.problems == (
        "worker http://w2 tells nothing: Connection refused",
        "4 of 6 partitions counted: the numbers are of those alone",
    )


def test_events_that_came_too_late_are_counted_over_workers_and_feeds() -> None:
    late = 'churn_recorded_events{topic="acme.events.%s",outcome="%s"} %d'
    more = page(
        late % ("login", "late", 3), late % ("email", "late", 1_200), late % ("email", "applied", 9), partitions=0
    )
    assert board(look(FIRST, SECOND, more)).problems == (
        "too late since the first start, so counted nowhere: 1,203 (dead-letters list --late)",
    )


def of_feed(partition: int, day: int, **more: Any) -> AlertV1:
    """An alert of the login feed in a partition, silent since `day`."""
    told = alert("feed:login", "feed_outage", day=day, **more)
    return replace(told, alert_id=outage_id("feed:login", partition, date_of(day)))


def test_a_feed_that_is_down_is_named_first_with_its_partitions_since_when_and_what_is_held() -> None:
    deployment = replace_field(DEPLOYMENT, held_by={"login": 5})
    past = past_of(of_feed(1, TODAY - 3), of_feed(4, TODAY - 2, acknowledged_at=instant(TODAY)))
    both = page('churn_feed_down{feed="login"} 2', 'churn_feed_down{feed="purchase"} 0')
    told = (
        f"login is down in 2 partitions since {written_date(instant(TODAY - 3), 'UTC')}: alerts of 5 signals are held"
    )
    for found in (look(both), look(page()), look(away={"http://w1": "timed out"})):
        shown = make_board(found, None, past, deployment, NOW_MS)
        assert shown.problems[0] == told
        assert drawn(shown, 80, 24)[1] == f"! {told}"
        assert shown.trend is not None
        assert shown.trend[-1] == 0  # a feed is no customer at risk
    assert "the login feed" in "\n".join(drawn(shown, 80, 40))


def test_a_feed_is_down_since_nobody_knows_where_no_topic_tells_and_not_down_once_its_alert_is_over() -> None:
    down = look(page('churn_feed_down{feed="login"} 1'))
    assert board(down, Past()).problems[0] == "login is down in 1 partition: no alert is held for it"
    over = past_of(of_feed(1, TODAY - 3), of_feed(1, TODAY - 3, ends=TODAY))
    assert board(look(page('churn_feed_down{feed="login"} 0')), over).problems == ()


def test_without_any_worker_numbers_are_unknown_and_not_zero() -> None:
    shown = board(look(away={"http://w1": "timed out"}), past_of(change("c1", TODAY, None, "new"), alert()))
    assert (shown.at_risk, shown.stages, shown.by_signal, shown.past_due, shown.spend_at_risk) == (None,) * 5
    assert (shown.lag, shown.per_second) == (None, None)
    assert shown.boundary == instant(TODAY)  # the topics still tell it
    assert shown.trend is not None
    assert shown.trend[-1] == 1
    assert "no worker answers: what is at risk now is unknown. Start one with: churn-signals worker" in shown.problems


@pytest.mark.parametrize("boundary", ["", f"churn_boundary_timestamp_seconds {UTC.start_of(TODAY) / 1000}\n"])
def test_a_worker_that_no_broker_confirms_counts_nobody_and_nothing_of_it_is_zero(boundary: str) -> None:
    cut_off = (
        "churn_assigned_partitions 6\nchurn_counted_partitions 0\nchurn_group_member 0\nchurn_recovering 0\n"
        f'churn_consumer_lag_messages{{topic="acme.events.purchase",partition="0"}} 0\n{boundary}'
    )
    past = Past(problem="alerts and history unknown: no broker answers")
    shown = make_board(look(cut_off), None, past, DEPLOYMENT, NOW_MS)
    unknown = (shown.at_risk, shown.stages, shown.base, shown.by_signal, shown.past_due, shown.spend_at_risk, shown.lag)
    assert unknown == (None,) * 7
    assert {row.lag for row in shown.feeds} == {None}
    assert "no broker confirms worker w1: what it owns may be another's, and is not counted" in shown.problems
    assert "0 of 6 partitions counted: what is at risk now is unknown" in shown.problems
    assert " 0 " not in "\n".join(drawn(shown, 100, 30)).replace("0 of 6 partitions", "")


def test_a_worker_that_restores_counts_nobody_yet() -> None:
    restoring = "churn_assigned_partitions 6\nchurn_counted_partitions 0\nchurn_group_member 1\nchurn_recovering 1\n"
    shown = board(look(restoring))
    assert (shown.at_risk, shown.stages, shown.customers) == (None, None, None)
    assert "a worker restores its state: what it owns is not counted yet" in shown.problems


def test_before_the_first_midnight_nobody_is_judged_and_that_is_no_zero() -> None:
    young = "churn_assigned_partitions 6\nchurn_counted_partitions 6\nchurn_group_member 1\n"
    shown = make_board(look(young), None, Past(last_events={}), DEPLOYMENT, NOW_MS)
    assert (shown.at_risk, shown.by_signal, shown.spend_at_risk) == (None, None, None)
    assert (shown.stages, shown.base, shown.customers, shown.past_due) == (None, None, None, None)
    assert shown.notes == (
        "no midnight of event time has passed in every partition: nobody is judged yet",
        "no model yet: `churn-signals learner` publishes one once enough history is known",
    )
    assert shown.problems == ()


def test_a_boundary_days_behind_the_clock_is_said_with_the_feed_that_is_silent_longest() -> None:
    past = Past(last_events={"purchase": NOW_MS, "login": NOW_MS - 5 * 86_400_000, "email": 0})
    stale = page().replace(f"{UTC.start_of(TODAY) / 1000}", f"{UTC.start_of(TODAY - 6) / 1000}")
    notes = make_board(look(stale), None, past, DEPLOYMENT, NOW_MS).notes
    assert notes[0] == "nothing later is decided yet, 6 days behind the clock; the last login event is 5 days old"
    assert not any("behind" in note for note in make_board(look(page()), None, past, DEPLOYMENT, NOW_MS).notes)


def test_what_was_not_bought_is_worth_nothing_known_where_no_purchases_are_declared() -> None:
    money = page('churn_spend_at_risk{currency="USD",stage="active"} 0', 'churn_value_at_risk{currency="USD"} 0')
    subscriptions = Deployment(6, ("login", "ticket"), UTC)
    shown = make_board(look(money), None, Past(last_events={}), subscriptions, NOW_MS)
    assert (shown.at_risk, shown.spend_at_risk, shown.value_at_risk) == (0, None, None)
    assert "USD" not in "\n".join(drawn(shown, 100, 30))


def test_without_a_worker_the_newest_midnight_is_that_of_alerts_too() -> None:
    """Stages change seldom: at the last midnights perhaps nobody's did."""
    ledger = OutputLedger(UTC)
    ledger.take_stage(change("c1", TODAY - 4, None, "new"))
    ledger.take_alert(alert(day=TODAY - 9))
    ledger.take_alert(alert("c2", observed_at=to_rfc3339(UTC.start_of(TODAY) + 3_600_000)))  # fired early
    assert ledger.newest_boundary == TODAY - 4
    ledger.take_alert(alert("c3", day=TODAY - 3))
    assert ledger.newest_boundary == TODAY - 3
    ledger.take_alert(alert(day=TODAY - 9, ends=TODAY - 1))
    assert ledger.newest_boundary == TODAY - 1


def test_without_a_worker_nothing_is_said_of_what_is_decided() -> None:
    past = Past(past_of().history, TODAY - 3, {"login": NOW_MS})
    notes = make_board(look(away={"http://w1": "timed out"}), None, past, DEPLOYMENT, NOW_MS).notes
    assert notes[0].startswith("nothing later is on the topics, 3 days behind the clock")


def test_while_the_first_history_is_read_more_of_it_lies_on_the_topics() -> None:
    young = 'churn_assigned_partitions 6\nchurn_consumer_lag_messages{topic="churn.events.login",partition="0"} 5\n'
    past = Past(past_of().history, TODAY - 3, {"login": NOW_MS})
    for page_text, words in ((young, "decided yet"), (young.replace(" 5\n", " 0\n"), "on the topics")):
        notes = make_board(look(page_text), None, past, DEPLOYMENT, NOW_MS).notes
        assert notes[0].startswith(f"nothing later is {words}, 3 days behind the clock")


def test_alerts_of_one_case_are_one_line_led_by_the_most_urgent() -> None:
    mild = alert(signal="usage_drop", severity="warning", case_id="k")
    grave = alert(day=TODAY - 3, case_id="k", due_at=instant(TODAY - 1))
    shown = board(look(FIRST, SECOND), past_of(grave, mild, alert("c2", day=TODAY - 1)))
    assert shown.alerts is not None
    assert [(row.customer_id, row.signal, row.others) for row in shown.alerts] == [
        ("c1", "loyal_gone_silent", ("usage_drop",)),
        ("c2", "loyal_gone_silent", ()),
    ]


def test_without_a_broker_history_is_unknown_and_said() -> None:
    past = Past(problem="alerts and history unknown: no broker answers")
    shown = make_board(look(FIRST, SECOND), None, past, DEPLOYMENT, NOW_MS)
    assert (shown.at_risk, shown.trend, shown.alerts) == (6, None, None)
    assert shown.stages is not None
    assert {row.change for row in shown.stages} == {None}
    assert shown.problems == ("alerts and history unknown: no broker answers",)
    assert not any(row.is_quiet for row in shown.feeds)


def test_worker_that_knows_a_metric_and_counts_nobody_says_zero() -> None:
    shown = board(look("# TYPE churn_customers_at_risk_by_signal gauge\n" + page()))
    assert (shown.at_risk, shown.by_signal, shown.past_due) == (0, {}, None)


def test_month_over_month_is_what_came_less_what_left_since_a_month_before() -> None:
    past = past_of(
        change("c1", TODAY - 28, "active", "lapsed"),  # at the old boundary itself: part of the old mix
        change("c1", TODAY - 27, "lapsed", "dormant"),
        change("c2", TODAY, None, "new"),
        change("c3", TODAY, "active", "lapsed"),
        change("c3", TODAY, "active", "lapsed"),  # sent again
        change("c4", TODAY + 1, "active", "lapsed"),  # of a partition that is ahead
    )
    stages = board(look(FIRST, SECOND), past).stages
    assert stages is not None
    changes = {row.stage: row.change for row in stages}
    assert changes == {"new": 1, "active": -1, "lapsed": 0, "dormant": 1, "churned": 0, "reactivated": 0}


def test_repeats_and_reordering_of_revisions_change_nothing() -> None:
    first, last = alert(day=TODAY - 5), alert(day=TODAY - 5, ends=TODAY - 2)
    orders = [(first, last), (last, first), (first, first, last, last, first)]
    histories = [past_of(*order).history for order in orders]
    assert histories[0] is not None
    assert histories[0].at_risk[-7:] == (0, 1, 1, 1, 0, 0, 0)
    assert histories[0].latest == ()
    assert histories == [histories[0]] * 3


def test_customer_with_several_alerts_counts_once_and_not_while_churned() -> None:
    past = past_of(
        alert(day=TODAY - 6, ends=TODAY - 1),
        alert(signal="usage_drop", severity="warning", day=TODAY - 5),
        change("c1", TODAY - 4, "dormant", "churned"),
        change("c1", TODAY - 2, "churned", "reactivated"),
        alert("c2", day=TODAY - 1),
    )
    assert past.history is not None
    assert past.history.at_risk[-8:] == (0, 1, 1, 0, 0, 1, 2, 2)


def test_retracted_announcement_was_at_risk_at_no_boundary() -> None:
    told = alert(signal="support_spike", day=TODAY - 1, observed_at=to_rfc3339(UTC.start_of(TODAY - 1) + 5_000))
    taken_back = alert(
        signal="support_spike", day=TODAY - 1, ends=TODAY, status="retracted", observed_at=instant(TODAY)
    )
    assert past_of(told).history != past_of(told, taken_back).history
    history = past_of(told, taken_back).history
    assert history is not None
    assert (history.at_risk[-1], history.latest) == (0, ())


def test_good_news_puts_nobody_at_risk_and_waits_for_nobody() -> None:
    history = past_of(alert(polarity="positive", severity="info", due_at=None)).history
    assert history is not None
    assert (history.at_risk[-1], history.latest) == (0, ())


def test_latest_alerts_are_the_newest_then_the_most_urgent() -> None:
    told = past_of(alert("old", day=TODAY - 1), alert("mild", severity="warning"), alert("grave"))
    shown = board(look(FIRST, SECOND), told)
    assert shown.alerts is not None
    assert [row.customer_id for row in shown.alerts] == ["grave", "mild", "old"]


def test_alert_is_past_due_by_now_and_a_historical_one_is_owed_to_nobody() -> None:
    told = past_of(alert("late", day=TODAY - 9), alert("history", day=TODAY - 9, historical=True), alert("fresh"))
    shown = board(look(FIRST, SECOND), told)
    assert shown.alerts is not None
    assert {row.customer_id: row.is_past_due for row in shown.alerts} == {
        "late": True,
        "fresh": False,
    }


def test_days_are_those_of_the_zone_across_a_change_of_the_clock() -> None:
    berlin = Calendar("Europe/Berlin")
    spring = berlin.day_of(1_774_742_400_000)  # 2026-03-29, the day with 23 hours
    ledger = OutputLedger(berlin)
    begun = to_rfc3339(berlin.start_of(spring))
    ledger.take_alert(alert(starts_at=begun, observed_at=begun))
    assert ledger.history(spring + 1).at_risk[-3:] == (0, 1, 1)


def test_rate_of_a_feed_is_taken_from_its_topic() -> None:
    later = FIRST.replace(" 1000\n", " 1250\n")
    shown = board(look(later, at_s=102), earlier=look(FIRST, at_s=100))
    assert (shown.per_second, [row.per_second for row in shown.feeds]) == (125.0, [125.0, 0.0])


def test_feed_without_an_event_for_a_day_is_quiet() -> None:
    past = Past(last_events={"purchase": NOW_MS - 60_000, "login": None})
    shown = make_board(look(FIRST, SECOND), None, past, DEPLOYMENT, NOW_MS)
    assert [(row.feed, row.is_quiet) for row in shown.feeds] == [("purchase", False), ("login", True)]


def test_what_became_of_the_alerts_of_a_month_is_on_the_board() -> None:
    ends: list[tuple[int, EndReason]] = [(1, "came_back"), (2, "lost"), (3, "lost"), (4, "solved"), (40, "expired")]
    ended = [
        alert(f"c{at}", day=TODAY - at - 3, ends=TODAY - at, ended_because=reason, status=STATUS_OF_END[reason])
        for at, reason in ends
    ]
    good = alert("c9", day=TODAY - 3, ends=TODAY, ended_because="over", polarity="positive", severity="info")
    shown = board(look(FIRST), past_of(*ended, *ended, good, change("c1", TODAY, None, "new")))
    assert shown.ended == {"came_back": 1, "lost": 2, "solved": 1}
    assert "alerts that ended in 4 weeks  1 came back, 1 solved, 2 lost" in "\n".join(drawn(shown, 100, 40))
    assert "that ended" not in "\n".join(drawn(board(look(FIRST), past_of(alert())), 100, 40))
    assert board(look(FIRST), Past()).ended is None
