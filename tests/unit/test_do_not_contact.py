"""Who refused e-mails must not be contacted: every alert says so, and asks for something else."""

from __future__ import annotations

import random
from itertools import chain
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.catalogue.catalogue import IF_NO_CONTACT, build_rules
from models.catalogue.rules import Rules, sending_all
from models.customers.buckets import REFUSALS
from models.customers.refusals import NO_CONTACT, REASONS_OF
from models.engine.replay import Replay
from models.engine.restatement import restated
from models.engine.snapshot import freeze, load
from schemas.alert import AlertV1, decode_alert
from schemas.event import Event
from support.boards import alert, board, drawn, look, past_of
from support.builders import DAY_MS, HOUR_MS, email, purchase, ticket
from support.one_partition import oracle
from support.tries import tries
from support.troubled import FIRST_DAY, catalogue, default_rules
from support.upsets import extra_signal

SIGNALS = {signal.id: signal for signal in default_rules().signals}


def at(day: int, hour: int = 12) -> int:
    return (FIRST_DAY + day) * DAY_MS + hour * HOUR_MS


def usd(on: int, amount: float = 10.0) -> Event:
    return purchase(at_ms=at(on), amount=amount, currency="USD", id=f"p{on}")


def mail(on: int, action: str, hour: int = 12) -> Event:
    return email(at_ms=at(on, hour), action=action, id=f"e{on}-{hour}-{action}")


def asked(on: int, hour: int = 12, **more: Any) -> Event:
    return ticket(at_ms=at(on, hour), **({"category": "other", "id": f"t{on}-{hour}"} | more))


def told(events: list[Event], until: int, rules: Rules | None = None) -> list[AlertV1]:
    outcome = oracle(rules or sending_all(default_rules()), sorted(events, key=lambda one: one.time_ms), at(until, 2))
    texts = chain.from_iterable(payloads for key, payloads in outcome.told.items() if key[0] == "alert")
    return sorted(map(decode_alert, texts), key=lambda one: (one.signal, one.starts_at, one.revision))


def of(signal: str, alerts: list[AlertV1]) -> list[tuple[str, tuple[str, ...], str]]:
    """(status, reasons, intervention) of every revision of a signal's alerts."""
    return [(one.status, one.do_not_contact, one.intervention) for one in alerts if one.signal == signal]


LOYAL = [usd(on) for on in (0, 10, 20, 30)]


@pytest.mark.parametrize("reason", REFUSALS)
def test_a_refusal_is_on_every_later_alert_with_another_intervention(reason: str) -> None:
    later = [mail(50, "clicked"), mail(51, "sent"), usd(52)]  # none of these says otherwise
    for events, until in (([*LOYAL, mail(5, reason)], 60), ([*LOYAL, mail(40, reason), *later], 100)):
        silent = of("loyal_gone_silent", told(events, until))
        assert silent[0] == ("firing", (reason,), SIGNALS["loyal_gone_silent"].if_no_contact)
    assert of("loyal_gone_silent", told([*LOYAL, mail(5, "clicked"), mail(6, "bounced")], 60))[0] == (
        "firing", (), SIGNALS["loyal_gone_silent"].intervention,
    )  # fmt: skip


def test_both_reasons_are_named_in_one_order() -> None:
    events = [*LOYAL, mail(7, "complained"), mail(9, "unsubscribed")]
    assert of("loyal_gone_silent", told(events, 60))[0][1] == ("unsubscribed", "complained")
    by_mail = ((), ("unsubscribed",), ("complained",), ("unsubscribed", "complained"))
    assert (*by_mail, *((*reasons, "opted_out") for reasons in by_mail)) == REASONS_OF


def test_an_open_alert_is_told_again_at_the_midnight_behind_the_refusal() -> None:
    silent = of("loyal_gone_silent", told([*LOYAL, mail(58, "unsubscribed")], 60))
    signal = SIGNALS["loyal_gone_silent"]
    assert silent == [("firing", (), signal.intervention), ("updated", ("unsubscribed",), signal.if_no_contact)]


def test_who_unsubscribed_is_not_asked_to_be_written_to() -> None:
    (first, confirmed, *rest) = of("unsubscribed", told([usd(1), mail(10, "unsubscribed")], 45))
    assert first[:2] == ("firing", ("unsubscribed",))  # its own feed says so
    assert confirmed[:2] == ("updated", ("unsubscribed",))
    assert {one[2] for one in (first, confirmed, *rest)} == {SIGNALS["unsubscribed"].intervention}
    assert "write" not in SIGNALS["unsubscribed"].intervention
    assert not SIGNALS["unsubscribed"].contacts_customer


def test_what_is_fired_early_by_another_feed_learns_of_it_at_the_days_review() -> None:
    spike = of("support_spike", told([mail(2, "complained"), asked(10, 9), asked(10, 10), asked(10, 11)], 11))
    signal = SIGNALS["support_spike"]
    assert spike == [("firing", (), signal.intervention), ("updated", ("complained",), signal.if_no_contact)]
    untrue = [asked(10, 9), asked(10, 10), asked(10, 11)]
    rules = build_rules(catalogue() | {"feeds": ["purchase", "login", "ticket"]})
    assert of("support_spike", told([mail(2, "complained"), *untrue], 11, rules))[1][1] == ("complained",)


def test_a_refusal_is_not_forgotten_with_its_day_nor_by_another_catalogue() -> None:
    rules = default_rules()
    long_ago = [mail(0, "unsubscribed"), *(usd(on) for on in (500, 510, 520, 530))]
    assert rules.basis.keep_days < 500
    silent = of("loyal_gone_silent", told(long_ago, 560))
    assert silent[0][1] == ("unsubscribed",)
    partition = oracle(rules, long_ago[:3], at(511, 2)).partition
    other = build_rules(catalogue() | {"feeds": ["purchase"]})
    again = load(freeze(partition).to_bytes(), other)
    assert again.customers.columns.refused[: again.customers.size].tolist() == [1]


def test_a_late_refusal_counts_from_the_next_midnight_on() -> None:
    replay = Replay(default_rules(), 1)
    for one in LOYAL:
        replay.take(one)
    replay.until(at(58, 2))
    replay.take(mail(56, "unsubscribed"))
    assert [one.do_not_contact for one in replay.drain() if isinstance(one, AlertV1)][-1:] == [()]
    replay.until(at(59, 2))
    (alert,) = [one for one in replay.drain() if isinstance(one, AlertV1) and one.signal == "loyal_gone_silent"]
    assert (alert.status, alert.do_not_contact) == ("updated", ("unsubscribed",))


def test_a_signal_of_ones_own_has_a_word_for_it_and_may_be_exempt() -> None:
    quiet = extra_signal(
        when="days_since_purchase >= 10", ends="purchases(since start) > 0", score="days_since_purchase"
    )
    events = [usd(0), mail(1, "unsubscribed")]
    for more, action in (
        ({}, IF_NO_CONTACT),
        ({"if_no_contact": "Wait."}, "Wait."),
        ({"contacts_customer": False}, "Ask."),
        ({"contacts_customer": False, "if_no_contact": "Wait."}, "Ask."),
    ):
        own = catalogue()
        own["signals"]["quiet"] = quiet | more
        assert of("quiet", told(events, 13, build_rules(own)))[0] == ("firing", ("unsubscribed",), action)


@settings(max_examples=tries(20))
@given(st.integers(0, 9_999))
def test_the_order_of_arrival_leaves_no_trace(seed: int) -> None:
    """Refusals of many days, shuffled, some late: from the next midnight on it is as if all had been in time."""
    dice = random.Random(seed)
    days = sorted(dice.sample(range(20, 30), dice.randint(1, 6)))
    events = [
        mail(on, dice.choice(("unsubscribed", "complained", "clicked", "sent")), dice.randrange(24)) for on in days
    ]
    one, other = Replay(default_rules(), 1), Replay(default_rules(), 1)
    for event in (usd(0), *sorted(events, key=lambda event: event.time_ms)):
        one.take(event)
    other.take(usd(0))
    late = dice.sample(events, len(events))
    other.until(at(26, 2))
    for event in late:
        other.take(event)
    for replay in (one, other):
        replay.until(at(31, 2))
    known = {event.data.action for event in events} & set(NO_CONTACT)  # type: ignore[union-attr]  # they are e-mails
    for replay in (one, other):
        (state,) = replay.states()
        assert state["verdict"]["do_not_contact"] == [reason for reason in NO_CONTACT if reason in known]


def test_screens_say_it_of_an_early_firing_that_does_not_know() -> None:
    replay = Replay(default_rules(), 1)
    for one in (mail(2, "unsubscribed"), asked(10, 9), asked(10, 10), asked(10, 11)):
        replay.take(one)
    replay.until(at(10, 13))
    early = [one for one in replay.drain() if isinstance(one, AlertV1) and one.signal == "support_spike"]
    assert [one.do_not_contact for one in early] == [()]
    (shown,) = restated(replay.partitions[0], early)
    assert (shown.do_not_contact, shown.intervention) == (("unsubscribed",), SIGNALS["support_spike"].if_no_contact)


@pytest.mark.parametrize("width", [80, 160])
def test_the_board_says_not_to_contact(width: int) -> None:
    mute = alert("c1", do_not_contact=("complained",))
    shown = board(look(), past_of(mute, alert("c2")))
    lines = [line for line in drawn(shown, width, 40) if "do not contact: loyal" in line]
    assert len(lines) == 1
