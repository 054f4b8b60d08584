"""What became of alerts that ended: the customer came back, the trouble was solved, or the customer is lost."""

from __future__ import annotations

from itertools import chain
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.alerts.ending import reasons_of
from models.catalogue.catalogue import build_rules
from models.catalogue.language import compile_condition
from models.catalogue.reader import CatalogueError
from models.catalogue.rules import Rules
from models.measures.daily import ALL_FEEDS
from models.measures.scalars import STAGE
from schemas.alert import STATUS_OF_END, AlertV1, decode_alert
from schemas.event import EMAIL, LOGIN, PURCHASE, Event
from support.builders import DAY_MS, HOUR_MS, email, login, purchase, ticket
from support.one_partition import oracle
from support.tries import tries
from support.troubled import FIRST_DAY, catalogue, default_rules, rich_history
from support.upsets import extra_signal


def at(day: int, hour: int = 12) -> int:
    return (FIRST_DAY + day) * DAY_MS + hour * HOUR_MS


def usd(on: int, amount: float = 10.0, name: str = "p") -> Event:
    return purchase(at_ms=at(on), amount=amount, currency="USD", id=f"{name}{on}")


def seen(on: int) -> Event:
    return login(at_ms=at(on), id=f"l{on}")


def asked(on: int, hour: int = 12, **more: Any) -> Event:
    return ticket(at_ms=at(on, hour), **({"category": "other", "id": f"t{on}-{hour}"} | more))


def told(rules: Rules, events: list[Event], until: int) -> list[AlertV1]:
    outcome = oracle(rules, events, at(until, 2))
    texts = chain.from_iterable(payloads for key, payloads in outcome.told.items() if key[0] == "alert")
    return [*map(decode_alert, texts)]


def endings(signal: str, events: list[Event], until: int, **change: Any) -> list[tuple[str, str | None]]:
    """(status, reason) of the revisions of a signal that end an alert, in order; `change`: of the signal."""
    own = catalogue()
    own["signals"][signal] = own["signals"].get(signal, {}) | change
    alerts = [one for one in told(build_rules(own), events, until) if one.signal == signal and not one.is_open]
    assert all(one.ended_because is not None and one.ends_at is not None for one in alerts)
    return [(one.status, one.ended_because) for one in sorted(alerts, key=lambda one: one.starts_at)]


CAME_BACK, SOLVED, OVER = (("resolved", name) for name in ("came_back", "solved", "over"))
LOST, EXPIRED = ("lost", "lost"), ("expired", "expired")
LOYAL = [usd(on) for on in (0, 10, 20, 30)]


@pytest.mark.parametrize(
    ("signal", "events", "until", "expected"),
    [
        ("loyal_gone_silent", [*LOYAL, usd(60)], 62, [CAME_BACK]),
        ("loyal_gone_silent", LOYAL, 160, [LOST]),
        ("first_purchase_only", [usd(0), usd(70)], 80, [CAME_BACK]),
        ("first_purchase_only", [usd(0)], 130, [LOST]),
        ("dormant_high_value", [usd(0, 200), usd(10, 150), usd(80)], 90, [CAME_BACK]),
        ("dormant_high_value", [usd(0, 200), usd(10, 150)], 140, [LOST]),
        ("onboarding_drop", [seen(0), seen(4)], 6, [CAME_BACK]),
        ("onboarding_drop", [seen(0)], 40, [EXPIRED]),
        ("unsubscribed", [email(at_ms=at(10), action="complained")], 45, [EXPIRED]),
        ("channel_friction", [asked(10, channel="web"), asked(12, channel="phone")], 30, [SOLVED]),
        ("support_spike", [asked(on) for on in (5, 6, 7)], 20, [SOLVED]),
        ("reactivated", [usd(0), usd(65)], 100, [OVER]),
        ("repeat_purchase_growing", [usd(on) for on in (0, 30, 70, 80, 90, 130)], 150, [OVER]),
    ],
)
def test_the_default_signals_say_how_they_ended(
    signal: str, events: list[Event], until: int, expected: list[tuple[str, str]]
) -> None:
    assert endings(signal, events, until) == expected


def test_trouble_that_was_solved_is_no_success_with_who_is_lost_by_then() -> None:
    """The clock of a customer who ever bought is that of purchases: tickets do not restart it."""
    spike = [asked(on) for on in (118, 119, 120)]
    assert endings("support_spike", [usd(0), *spike], 140) == [LOST]
    assert endings("support_spike", [usd(60), *spike], 140) == [SOLVED]  # dormant, yet the tickets were solved
    assert endings("unsubscribed", [usd(0), email(at_ms=at(100), action="unsubscribed")], 140) == [LOST]


def test_a_rate_that_is_normal_again_because_nothing_comes_any_more_is_no_return() -> None:
    """The usual level falls with the weeks, so that nothing is as much as usual one day."""
    fades = [seen(on) for on in range(70)]
    assert endings("usage_drop", fades, 170) == [LOST]
    many = [usd(0, name=name) for name in "abcde"]  # on one day: pauses stay short, and the last silence is unusual
    (slid,) = endings("purchase_drop_and_silence", [*many, usd(16), usd(31), seen(1)], 64)
    assert slid == SOLVED  # the 30 days before hold less by then, but nothing was bought since it began


def test_the_reason_of_a_signal_of_ones_own_follows_from_its_end_condition() -> None:
    quiet = {"when": "days_since_login >= 10", "score": "days_since_login"}
    events = [seen(0), usd(5), usd(40), seen(41)]
    for ends, reason in (
        ("logins(since start) > 0", "came_back"),
        ("days_since_login < 3 or tickets(7d) > 0", "came_back"),
        ("5 >= days_since_login and never or 2 * days_since_login < 4 * median_gap or logins(1d) != 0", "came_back"),
        ("stage == active", "solved"),  # new no more, though nothing was bought
        ("logins(30d) == 0 and purchases(30d) == 0", "solved"),
        ("days_since_login < 3 or (tickets(7d) == 0 and 20 < days_since_login)", "expired"),
        ("-1 * logins(9d) < 0 and tickets(60d) == 0", "came_back"),
    ):
        (first, *_) = endings("quiet", events, 45, **extra_signal(ends=ends, **quiet))
        assert first[1] == reason, ends


def test_a_burst_that_is_over_is_solved_though_the_customer_goes_on_buying() -> None:
    burst = extra_signal(when="purchases(1d) >= 2", ends="purchases(3d) <= 1", score="purchases(1d)")
    events = [usd(1), purchase(at_ms=at(1, 13), amount=1, currency="USD"), usd(4), usd(5)]
    assert endings("burst", events, 12, **burst) == [SOLVED]


@pytest.mark.parametrize("ends_as", ["came_back", "solved", "over"])
def test_the_catalogue_may_say_what_an_end_is_but_not_of_who_is_lost(ends_as: str) -> None:
    spike = [asked(on) for on in (118, 119, 120)]
    assert endings("support_spike", [usd(100), *spike], 140, ends_as=ends_as) == [("resolved", ends_as)]
    assert endings("support_spike", [usd(0), *spike], 140, ends_as=ends_as) == [LOST]
    assert endings("unsubscribed", [email(at_ms=at(10), action="complained")], 45, ends_as=ends_as) == [EXPIRED]


def test_another_end_is_refused() -> None:
    own = catalogue()
    own["signals"]["usage_drop"]["ends_as"] = "lost"
    with pytest.raises(CatalogueError) as caught:
        build_rules(own)
    (mistake,) = caught.value.mistakes
    assert mistake == (("signals", "usage_drop", "ends_as"), "must be one of came_back, solved, over, not 'lost'")


@pytest.mark.parametrize(
    ("text", "feeds"),
    [
        ("logins(since start) > 0", {LOGIN}),
        ("0 < logins(30d)", {LOGIN}),
        ("purchases(30d) > 0.85 * purchases(30d before 30d)", {PURCHASE}),
        ("purchases(30d before 30d) > 2", set()),
        ("days_since_purchase <= 2 * median_gap", {PURCHASE}),
        ("engagement(14d) >= 0.8 * usual(engagement, 14d)", {ALL_FEEDS, -2}),
        ("spend(30d) / items(30d) > 5", set()),
        ("clicks(7d) >= 1", {EMAIL}),
        ("unsubscribes(7d) >= 1", set()),
        ("tickets(7d) <= 1", set()),
        ("tickets(84d) - tickets_resolved(84d) <= 0", set()),
        ("tickets(30d) / purchases(30d) < 0.2", set()),
        ("slope_z > -1.5", set()),
        ("risk < 0.5", set()),
        ("stage != dormant", {STAGE}),
        ("active == stage", {STAGE}),
        ("stage == churned", set()),
        ("stage != reactivated", set()),
        ("never", set()),
    ],
)
def test_what_of_an_end_condition_waits_for_a_return(text: str, feeds: set[int]) -> None:
    assert compile_condition(text, {}).condition.returns == feeds


@settings(max_examples=tries(20))
@given(st.integers(0, 999))
def test_no_alert_of_who_is_lost_ends_as_a_success(seed: int) -> None:
    found, may_be = 0, {signal.id: reasons_of(signal) for signal in default_rules().signals}
    for one in told(default_rules(), rich_history(seed, customers=6, days=120), 280):
        assert (one.ended_because is None) == one.is_open == (one.ends_at is None)
        if one.ended_because is not None:
            found += 1
            assert one.ended_because in may_be[one.signal]
            assert one.status == STATUS_OF_END[one.ended_because]
            assert one.stage != "churned" or one.status in ("lost", "retracted")
            assert one.status != "lost" or one.stage in ("dormant", "churned")
    assert found
