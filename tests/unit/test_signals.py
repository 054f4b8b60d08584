"""Each signal of the default catalogue fires when its rule says, ends when it says, and tells what a person needs.

Days count from the customer's first; boundary T is the midnight that begins day T.
"""

from __future__ import annotations

import random
from itertools import chain
from typing import Any

import pytest

from models.calendar import date_of
from models.catalogue.catalogue import build_rules
from models.catalogue.rules import Rules, sending_all
from models.engine.ledger import MOVED
from schemas.alert import AlertV1, decode_alert
from schemas.event import Event
from support.builders import email, login, purchase, ticket
from support.one_partition import Entry, Logs, by_time, oracle, run
from support.troubled import FIRST_DAY, catalogue, default_rules

DAY_MS = 86_400_000
HOUR_MS = 3_600_000


def at(day: int, hour: float = 12) -> int:
    return (FIRST_DAY + day) * DAY_MS + int(hour * HOUR_MS)


def day(number: int) -> str:
    """The midnight that begins a day, as alerts write it."""
    return f"{date_of(FIRST_DAY + number)}T00:00:00Z"


def usd(on: int, amount: float = 10.0) -> Event:
    return purchase(at_ms=at(on), amount=amount, currency="USD", id=f"p{on}-{amount}")


def usd_at(at_ms: int) -> Event:
    return purchase(at_ms=at_ms, amount=1.0, currency="USD")


def asked(on: int, hour: float = 12, **more: Any) -> Event:
    return ticket(at_ms=at(on, hour), **({"category": "other", "id": f"t{on}-{hour}"} | more))


def solved(on: int, hour: float = 13) -> Event:
    return asked(on, hour, action="resolved")


def told(
    signal: str, events: list[Event], until: int, rules: Rules | None = None, *, alerts_from: int = 0
) -> list[AlertV1]:
    """The revisions of a signal's alerts, in order, after the boundary `until` was reviewed."""
    outcome = oracle(sending_all(rules or default_rules()), events, at(until, 2), alerts_from_ms=at(alerts_from, 0))
    texts = chain.from_iterable(payloads for key, payloads in outcome.told.items() if key[0] == "alert")
    alerts = [alert for alert in map(decode_alert, texts) if alert.signal == signal]
    return sorted(alerts, key=lambda alert: (alert.starts_at, alert.revision))


def life(alerts: list[AlertV1]) -> list[tuple[str, str]]:
    """(status, the day it began and, once over, ended)."""
    return [(alert.status, alert.ends_at or alert.starts_at) for alert in alerts]


def test_onboarding_drop_fires_on_day_two_without_a_second_active_day() -> None:
    only_once = [login(at_ms=at(0))]
    assert told("onboarding_drop", only_once, 2) == []
    assert life(told("onboarding_drop", only_once, 40)[:1]) == [("firing", day(3))]
    assert life(told("onboarding_drop", only_once, 40)[-1:]) == [("expired", day(31))]
    back = [*only_once, login(at_ms=at(4))]
    assert life(told("onboarding_drop", back, 6)) == [("firing", day(3)), ("resolved", day(5))]


@pytest.mark.parametrize("feeds", [["purchase"], ["purchase", "ticket", "email"]], ids=" ".join)
def test_onboarding_drop_does_not_take_buyers_for_idle_where_no_logins_are_known(feeds: list[str]) -> None:
    assert life(told("onboarding_drop", [usd(0)], 3)) == [("firing", day(3))]
    blind = build_rules(catalogue() | {"feeds": feeds})
    assert told("onboarding_drop", [usd(0)], 40, blind) == []
    assert life(told("first_purchase_only", [usd(0)], 70, blind))[0] == ("firing", day(62))


def test_onboarding_drop_fires_on_day_seven_without_a_purchase() -> None:
    looking = [login(at_ms=at(on)) for on in range(10)]
    assert life(told("onboarding_drop", looking, 9)) == [("firing", day(8))]
    assert life(told("onboarding_drop", [*looking, usd(9)], 10))[-1] == ("resolved", day(10))


def test_usage_drop_fires_when_a_habit_halves_and_ends_when_it_is_back() -> None:
    habit = [login(at_ms=at(on, hour)) for on in range(100) for hour in (9, 18)]
    alerts = told("usage_drop", habit, 120)
    assert [alert.status for alert in alerts[:1]] == ["firing"]
    first = alerts[0]
    assert day(105) <= first.starts_at <= day(115)
    assert first.score is not None
    assert first.threshold == -2.75 >= first.score
    level, slope = first.drivers
    assert level.usual == 28.0
    assert level.value is not None
    assert level.value <= 14
    assert level.contribution + slope.contribution == pytest.approx(1, abs=0.002)
    assert first.clears_when.startswith("engagement back to 22.4 points in 14 days")
    again = habit + [login(at_ms=at(on, hour)) for on in range(115, 140) for hour in (9, 18)]
    assert told("usage_drop", again, 140)[-1].status == "resolved"


def test_purchase_drop_and_silence_needs_both_and_ends_with_a_login() -> None:
    fading = [usd(on) for on in (2, 6, 10, 14, 18)] + [login(at_ms=at(26))]
    alerts = told("purchase_drop_and_silence", fading, 48)
    assert life(alerts)[0] == ("firing", day(43))
    assert alerts[0].due_at == day(45)
    assert alerts[0].drivers[1].value == 2
    assert alerts[0].drivers[1].usual == 3
    assert life(told("purchase_drop_and_silence", [*fading, login(at_ms=at(45))], 48))[-1] == ("resolved", day(46))
    assert told("purchase_drop_and_silence", [*fading, login(at_ms=at(40))], 48) == []


def test_later_revisions_say_what_is_so_then_and_not_the_reason_with_numbers_of_that_day() -> None:
    fading = [usd(on) for on in (2, 6, 10, 14, 18)] + [login(at_ms=at(26))]
    fired, *later = told("purchase_drop_and_silence", fading, 90)
    assert fired.summary == "No login for 16 days, and purchases fell to 2 in 30 days from 3 in the 30 days before."
    assert [alert.status for alert in later] == ["updated"] * len(later)
    silent = "Still silent after 36 days: no login for 52 days, 0 purchases in 30 days."
    assert later[-1].summary == f"{silent} Nobody answered in time: escalated to Head of Retention."
    back = told("purchase_drop_and_silence", [*fading, login(at_ms=at(60))], 90)[-1]
    assert back.summary == "Over after 18 days: 1 login since it began, 0 purchases in 30 days."


def test_a_signal_without_texts_for_later_says_what_ends_it() -> None:
    own = catalogue()
    del own["signals"]["support_spike"]["ended"]
    resolved = told("support_spike", SPIKE, 20, build_rules(own))[-1]
    assert resolved.summary == "Over after 8 days: at most 1 ticket in 7 days."
    expired = told("onboarding_drop", [login(at_ms=at(0))], 40)[-1]
    assert expired.summary == "Expired after 28 days: nothing ended it before."


SPIKE = [login(at_ms=at(0)), asked(10), asked(11), asked(12, 9), asked(12, 15)]


def test_support_spike_is_announced_at_once_and_confirmed_at_the_review() -> None:
    announced, confirmed, *_, resolved = told("support_spike", SPIKE, 20)
    assert (announced.revision, announced.status, announced.observed_at) == (
        1,
        "firing",
        day(12).replace("00:00", "09:00", 1),
    )
    assert announced.due_at == day(13).replace("00:00", "09:00", 1)
    assert (announced.stage, announced.value_at_risk) == (None, None)
    assert announced.starts_at == confirmed.starts_at == day(12)
    assert (confirmed.revision, confirmed.status, confirmed.stage) == (2, "updated", "new")
    assert confirmed.value_at_risk is not None
    assert announced.evidence == ("t10-12", "t11-12", "t12-9")
    assert confirmed.evidence == ("t10-12", "t11-12", "t12-9", "t12-15")
    assert (resolved.status, resolved.ends_at) == ("resolved", day(20))


def test_support_spike_is_measured_by_the_usual_week_once_there_is_history() -> None:
    often = [asked(on) for on in range(0, 84, 6)]
    assert told("support_spike", [*often, asked(84, 9), asked(84, 10)], 86) == []
    many = [asked(84, hour) for hour in (9, 10, 11, 12)]
    assert [alert.status for alert in told("support_spike", [*often, *many], 85)] == ["firing", "updated"]


def test_an_announcement_the_review_cannot_confirm_is_retracted() -> None:
    usual = [asked(on) for on in range(22, 89, 6)]
    burst = [asked(100, hour) for hour in (9, 10, 11)]
    clock = [make(at_ms=at(on, 23)) for on in range(20, 102) for make in (login, email, usd_at)]
    late = asked(93)  # in the baseline's last day: then three tickets are no longer three times the usual
    rows = [(one.time_ms, one) for one in [*usual, *burst, *clock]] + [(at(100, 20), late)]
    logs: Logs = [[] for _ in range(MOVED + 1)]
    for arrived_ms, one in sorted(rows, key=lambda row: row[0]):
        logs[one.feed].append(Entry(arrived_ms, one))
    outcome = run(default_rules(), logs, by_time, random.Random(0), until_ms=at(102))
    alerts = [decode_alert(text) for key, texts in outcome.told.items() if key[0] == "alert" for text in texts]
    spikes = sorted((a for a in alerts if a.signal == "support_spike"), key=lambda alert: alert.revision)
    assert life(spikes) == [("firing", day(100)), ("retracted", day(101))]


def test_an_alert_is_updated_when_its_score_worsens_by_the_margin() -> None:
    worse = [*SPIKE, asked(13, 9), asked(13, 10)]
    statuses = [(alert.status, alert.score) for alert in told("support_spike", worse, 14)]
    assert statuses == [("firing", 3.0), ("updated", 4.0), ("updated", 4.0)], "the last as nobody has answered"
    much_worse = [*worse, asked(14, 9)]
    assert [alert.score for alert in told("support_spike", much_worse, 15)] == [3.0, 4.0, 4.0, 7.0]


def test_an_alert_is_updated_when_the_stage_changes() -> None:
    events = [*SPIKE, *(asked(on, hour) for on in (16, 20, 24, 28) for hour in (8, 9, 10))]
    stages = [(alert.status, alert.stage) for alert in told("support_spike", events, 32)]
    assert ("updated", "active") in stages


def test_a_signal_rests_for_its_cool_down_unless_it_is_worse() -> None:
    ended = [login(at_ms=at(0)), asked(10), asked(11), asked(12)]  # over at boundary 19
    soon = [asked(20), asked(21, 9), asked(21, 10)]
    assert len({alert.alert_id for alert in told("support_spike", [*ended, *soon], 22)}) == 1
    worse = [*soon, *(asked(21, hour) for hour in (11, 12, 13))]
    assert len({alert.alert_id for alert in told("support_spike", [*ended, *worse], 22)}) == 2
    rested = [asked(27, hour) for hour in (9, 10, 11)]
    assert len({alert.alert_id for alert in told("support_spike", [*ended, *rested], 28)}) == 2


def test_repeated_complaints_end_when_solved_and_quiet() -> None:
    twice = [asked(10, category="complaint"), asked(12, category="complaint")]
    announced, confirmed = told("repeated_complaints", twice, 30)[:2]
    assert (announced.status, announced.starts_at) == ("firing", day(12))
    assert confirmed.clears_when == "no unsolved ticket (now 2) and 14 days without a new one"
    assert told("repeated_complaints", twice, 60)[-1].status != "resolved"
    calm = [*twice, solved(13), solved(13, 14)]
    assert life(told("repeated_complaints", calm, 30))[-1] == ("resolved", day(27))
    assert told("repeated_complaints", [asked(10, category="complaint"), asked(12, category="billing")], 30) == []
    assert told("repeated_complaints", [asked(10, action="reopened")], 12)[0].status == "firing"


def test_price_confusion_needs_a_jump_and_a_billing_ticket() -> None:
    weekly = [usd(on) for on in range(0, 77, 7)]
    jump = [usd(78, 30.0), asked(79, category="billing")]
    alerts = told("price_confusion", [*weekly, *jump], 95)
    assert life(alerts)[0] == ("firing", day(80))
    assert alerts[0].drivers[0].usual == 10.0
    assert life(alerts)[-1] == ("resolved", day(94))
    assert told("price_confusion", [*weekly, jump[0]], 95) == []
    assert told("price_confusion", [*weekly, jump[1]], 95) == []


def test_channel_friction_is_two_channels_within_a_week() -> None:
    alerts = told("channel_friction", [asked(10, channel="web"), asked(12, channel="phone")], 30)
    assert life(alerts)[:2] == [("firing", day(12)), ("updated", day(12))]
    assert life(alerts)[-1] == ("resolved", day(27))
    assert told("channel_friction", [asked(10, channel="web"), asked(17, channel="phone")], 30) == []


@pytest.mark.parametrize("action", ["unsubscribed", "complained"])
def test_unsubscribed_expires_after_thirty_days(action: str) -> None:
    alerts = told("unsubscribed", [email(at_ms=at(10), action=action)], 45)
    assert life(alerts)[:2] == [("firing", day(10)), ("updated", day(10))]
    assert life(alerts)[-1] == ("expired", day(40))


def test_first_purchase_only_fires_past_the_usual_second_and_ends_when_churned() -> None:
    alerts = told("first_purchase_only", [usd(0)], 130)
    assert life(alerts)[0] == ("firing", day(62))
    assert alerts[0].summary.startswith("One purchase (10 USD) and none in the 61 days since")
    assert life(alerts)[-1] == ("lost", day(122))
    assert life(told("first_purchase_only", [usd(0), usd(70)], 80))[-1] == ("resolved", day(71))
    assert told("first_purchase_only", [usd(0), usd(1)], 130) == []


def test_persistence_counts_boundaries() -> None:
    own = catalogue()
    own["signals"]["first_purchase_only"]["persistence"] = 3
    rules = build_rules(own)
    assert told("first_purchase_only", [usd(0)], 63, rules) == []
    assert life(told("first_purchase_only", [usd(0)], 64, rules)) == [("firing", day(64))]


def test_loyal_gone_silent_measures_by_the_customers_own_rhythm() -> None:
    loyal = [usd(on) for on in (0, 10, 20, 30)]
    alerts = told("loyal_gone_silent", loyal, 60)
    assert life(alerts)[0] == ("firing", day(57))
    assert alerts[0].threshold == 25.0
    assert alerts[0].value_at_risk is not None
    assert alerts[0].value_at_risk.amount == 40.0
    assert life(told("loyal_gone_silent", [*loyal, usd(60)], 62))[-1] == ("resolved", day(61))
    assert told("loyal_gone_silent", loyal[:3], 60) == []


def test_dormant_high_value_lasts_as_long_as_the_stage() -> None:
    alerts = told("dormant_high_value", [usd(0, 200.0), usd(10, 150.0)], 140)
    assert life(alerts) == [("firing", day(71)), ("updated", day(71)), ("lost", day(132))]
    assert (alerts[1].severity, alerts[1].escalated_at) == ("critical", day(76))
    assert (alerts[0].stage, alerts[0].drivers[0].value) == ("dormant", 350.0)
    assert told("dormant_high_value", [usd(0, 100.0), usd(10, 150.0)], 140) == []


def test_reactivated_is_good_news_without_a_deadline() -> None:
    alerts = told("reactivated", [usd(0), usd(65)], 100)
    assert life(alerts) == [("firing", day(66)), ("resolved", day(96))]
    assert (alerts[0].polarity, alerts[0].severity, alerts[0].due_at) == ("positive", "info", None)
    assert life(told("reactivated", [login(at_ms=at(0)), usd(65)], 70)) == [("firing", day(66))]


def test_repeat_purchase_growing_compares_two_months_with_two_before() -> None:
    alerts = told("repeat_purchase_growing", [usd(on) for on in (0, 30, 70, 80, 90)], 140)
    assert life(alerts)[0] == ("firing", day(104))  # true from day 91 on: it must hold for 14 boundaries in a row
    assert life(alerts)[-1] == ("resolved", day(131))
    assert (alerts[0].drivers[0].value, alerts[0].drivers[0].usual) == (3, 2)


def test_what_was_before_the_alerts_began_is_historical() -> None:
    events = [usd(0, 200.0), usd(10, 150.0)]
    flags = [alert.historical for alert in told("dormant_high_value", events, 140, alerts_from=72)]
    assert flags == [True, True]
    assert not told("dormant_high_value", events, 140, alerts_from=71)[0].historical
