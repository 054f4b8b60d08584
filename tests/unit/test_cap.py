"""Of several alerts of a customer one is sent in so many days, the most urgent first; what waits is sent later."""

from __future__ import annotations

from typing import Any

import pytest

from models.calendar import Calendar, date_of
from models.engine.replay import Replay
from models.engine.snapshot import freeze, load
from models.engine.verdicts import waiting_of
from models.what_if.episodes import Episodes
from schemas.alert import alert_id
from schemas.command import Command
from schemas.instant import from_rfc3339
from support.builders import HOUR_MS, email, login, ticket
from support.capped import Outcome, at, replayed, rules, silent, tickets
from support.troubled import FIRST_DAY


def test_within_the_days_a_second_alert_waits_and_passes_at_their_end_with_a_deadline_of_its_own() -> None:
    found = replayed(rules({"one": silent(3), "two": silent(9)}), 12)
    assert found.sent == {"one": 4, "two": 11}
    assert found.held_of("two") == [(10, "capped", 11)]
    assert next((one.revision, one.status) for one in found.alerts if one.signal == "two") == (2, "firing")


def test_after_exactly_the_days_nothing_waits() -> None:
    found = replayed(rules({"one": silent(3), "two": silent(10)}), 12)
    assert (found.sent, found.held) == ({"one": 4, "two": 11}, [])


def test_without_a_cap_nothing_waits() -> None:
    found = replayed(rules({"one": silent(3), "two": silent(3)}, days=0), 6)
    assert (found.sent, found.held) == ({"one": 4, "two": 4}, [])


@pytest.mark.parametrize(
    ("one", "two", "first"),
    [
        ({"severity": "warning", "priority": 90}, {"severity": "error", "priority": 10}, "two"),
        ({"priority": 10}, {"priority": 20}, "two"),
        ({"priority": 20}, {"priority": 10}, "one"),
        ({"priority": 20}, {"priority": 20}, "one"),
    ],
)
def test_of_two_at_once_the_graver_is_sent_then_that_of_higher_priority_then_the_first_by_name(
    one: dict[str, Any], two: dict[str, Any], first: str
) -> None:
    other = {"one": "two", "two": "one"}[first]
    found = replayed(rules({"one": silent(3, **one), "two": silent(3, **two)}), 20)
    assert found.sent == {first: 4, other: 11}
    assert found.held_of(other) == [(4, "capped", 11)]


def test_what_waits_is_held_anew_when_another_alert_is_sent_before_it() -> None:
    found = replayed(rules({"a": silent(3), "b": silent(4, priority=60), "c": silent(4)}), 20)
    assert found.sent == {"a": 4, "b": 11, "c": 18}
    assert found.held_of("c") == [(5, "capped", 11), (11, "capped", 18)]


def test_critical_alerts_do_not_wait_and_keep_others_back() -> None:
    signals = {
        "first": silent(3),
        "grave": silent(5, severity="error"),
        "mild": silent(6),
        "trouble": tickets(severity="error"),
    }
    found = replayed(rules(signals), 16, ticket(at_ms=at(7.5), id="t"))
    assert found.sent == {"first": 4, "grave": 8, "trouble": 8, "mild": 15}
    assert {one.severity for one in found.alerts if one.signal == "grave" and one.status == "firing"} == {"critical"}
    assert found.held_of("grave") == [(6, "capped", 11)]
    assert found.held_of("mild") == [(7, "capped", 11), (8, "capped", 15)]


def test_what_is_announced_at_once_does_not_wait_and_counts_from_the_midnight_behind_it() -> None:
    signals = {"first": silent(3), "trouble": tickets(announced=True), "later": silent(8)}
    found = replayed(rules(signals), 16, ticket(at_ms=at(7.5), id="t"))
    assert (found.sent["first"], found.sent["trouble"], found.sent["later"]) == (4, 7.5, 15)
    assert found.held_of("later") == [(9, "capped", 15)]


def test_what_was_announced_and_is_taken_back_was_a_suggestion() -> None:
    trouble = tickets(announced=True)
    replay = Replay(rules({"trouble": trouble}), 1)
    for event in (login(at_ms=at(0.5), id="l"), ticket(at_ms=at(3.5), id="t")):
        replay.take(event)
    announced = Outcome(replay.drain())
    replay.partitions = [
        load(freeze(replay.partitions[0]).to_bytes(), rules({"trouble": silent(90), "quiet": silent(3)}))
    ]
    replay.until(at(12) + 2 * HOUR_MS)
    found = Outcome(replay.drain())
    assert [one.status for one in announced.alerts] == ["firing"]
    assert [one.status for one in found.alerts if one.signal == "trouble"] == ["retracted"]
    assert (found.sent, found.held_of("quiet")) == ({"quiet": 11}, [(4, "capped", 11)])


@pytest.mark.parametrize(("month", "day", "hours"), [(3, "2025-04-03T22:00:00Z", -1), (10, "2025-10-30T23:00:00Z", 1)])
def test_days_are_those_of_the_zone_whatever_its_clocks_do(month: int, day: str, hours: int) -> None:
    zone = Calendar("Europe/Berlin")
    contacted = zone.day_of(from_rfc3339(day)) - 7
    seen_ms = zone.start_of(contacted - 4) + 12 * HOUR_MS
    replay = Replay(rules({"one": silent(3), "two": silent(4)}, zone="Europe/Berlin"), 1)
    replay.take(login(at_ms=seen_ms, id=f"l{month}"))
    replay.until(zone.start_of(contacted + 8) + 2 * HOUR_MS)
    found = Outcome(replay.drain())
    assert [one.passes_at for one in found.held] == [day]
    one, two = (from_rfc3339(one.due_at or "") for one in found.alerts if one.status == "firing")
    assert two - one == 7 * 24 * HOUR_MS + hours * HOUR_MS


def test_an_alert_that_ends_while_it_waits_is_never_sent_and_its_end_is_held() -> None:
    found = replayed(rules({"one": silent(3), "two": silent(5)}), 14, login(at_ms=at(8.5), id="back"))
    assert "two" not in {one.signal for one in found.alerts}
    assert found.held_of("two") == [(6, "capped", 11), (9, "capped", None)]
    assert [one.alert.status for one in found.held if one.alert.signal == "two"] == ["firing", "resolved"]


def test_nobody_waits_for_alerts_that_contact_nobody_or_are_good_news() -> None:
    signals = {"one": silent(3, contacts_customer=False), "good": silent(3, polarity="positive"), "two": silent(4)}
    found = replayed(rules(signals), 6)
    assert (found.sent, found.held) == ({"one": 4, "good": 4, "two": 5}, [])


def test_who_must_not_be_contacted_is_not_suggested_to_be() -> None:
    refused = email(at_ms=at(0.6), action="unsubscribed", id="no")
    found = replayed(rules({"one": silent(3), "two": silent(3)}), 6, refused)
    assert (found.sent, found.held) == ({"one": 4, "two": 4}, [])


def test_what_waits_is_sent_once_the_customer_may_not_be_contacted_at_all() -> None:
    refused = email(at_ms=at(7.5), action="unsubscribed", id="no")
    found = replayed(rules({"one": silent(3), "two": silent(5)}), 9, refused)
    assert found.sent == {"one": 4, "two": 8}
    two = next(one for one in found.alerts if one.signal == "two")
    assert two.intervention.startswith("Do not write")


def test_what_is_historical_neither_waits_nor_keeps_others_back() -> None:
    of = rules({"one": silent(3), "two": silent(5), "three": silent(6)})
    replay = Replay(of, 1, at(6))
    replay.take(login(at_ms=at(0.5), id="l"))
    replay.until(at(9) + 2 * HOUR_MS)
    found = Outcome(replay.drain())
    assert found.sent == {"one": 4, "two": 6}
    assert found.held_of("three") == [(7, "capped", 13)]
    assert {one.signal: one.historical for one in found.alerts} == {"one": True, "two": False}


def test_of_a_customer_it_is_known_what_waits_and_until_when() -> None:
    replay = Replay(rules({"one": silent(3), "two": silent(5, severity="error")}), 1)
    replay.take(login(at_ms=at(0.5), id="l"))
    replay.until(at(7) + 2 * HOUR_MS)
    partition = replay.partitions[0]
    waiting = [("two", "error", FIRST_DAY + 6, "capped", at(11))]
    assert waiting_of(partition, 0) == waiting
    assert waiting_of(load(freeze(partition).to_bytes(), partition.rules), 0) == waiting
    replay.until(at(11) + 2 * HOUR_MS)
    assert waiting_of(partition, 0) == []


def test_what_waited_burdens_its_owner_on_the_day_on_which_it_is_sent() -> None:
    of = rules({"one": silent(3), "two": silent(5)})
    episodes = Episodes(of)
    for alert in replayed(of, 12).alerts:
        episodes.take(alert)
    assert {one.signal: (one.begins, one.told) for one in episodes.all()} == {
        "one": (FIRST_DAY + 4, FIRST_DAY + 4),
        "two": (FIRST_DAY + 6, FIRST_DAY + 11),
    }


# -- beside other rules


def said(action: Any, day: float, **more: Any) -> Command:
    return Command(f"k{day}", action, "c1", at(day), "Ann", **more)


def test_an_alert_that_another_rule_held_first_was_no_suggestion() -> None:
    signals = {"one": silent(3), "two": silent(6)}
    found = replayed(rules(signals), 12, said("opt_out", 2.5), said("opt_in", 5.5))
    assert found.held_of("one") == [(4, "opted_out", None)]
    assert (found.sent, found.held_of("two")) == ({"one": 6}, [(7, "capped", 13)])


def test_when_another_rule_holds_an_alert_that_is_told() -> None:
    signals = {"one": silent(3), "two": silent(5)}
    found = replayed(rules(signals), 14, said("opt_out", 7.5), said("opt_in", 8.5))
    assert found.held_of("two") == [(6, "capped", 11), (8, "opted_out", None), (9, "capped", 11)]
    assert found.sent == {"one": 4, "two": 11}


def test_a_snooze_that_is_over_before_the_cap_says_until_when_the_alert_waits_now() -> None:
    named = alert_id("c1", "two", date_of(FIRST_DAY + 6))
    snooze = said("snooze", 7.5, alert_id=named, until_ms=at(9.5))
    found = replayed(rules({"one": silent(3), "two": silent(5)}), 12, snooze)
    assert found.held_of("two") == [(6, "capped", 11), (8, "snoozed", 9.5), (10, "capped", 11)]
