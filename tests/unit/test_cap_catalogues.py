"""The cap on suggestions to contact a customer under a catalogue that changes, whatever it says, or says wrongly."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.alerts.attention.cap import urgency
from models.catalogue.catalogue import build_rules
from models.catalogue.reader import CatalogueError
from models.catalogue.rules import Rules
from models.engine.replay import Replay
from models.engine.snapshot import freeze, load
from support.builders import HOUR_MS, login, ticket
from support.capped import RESPOND_MS, Outcome, at, day_of, replayed, rules, silent, tickets
from support.troubled import FIRST_DAY, catalogue


@pytest.mark.parametrize(("days", "sent"), [(7, 11), (3, 8), (0, 8), (9, 13)])
def test_what_waits_passes_by_the_days_of_the_catalogue_in_force(days: int, sent: int) -> None:
    signals = {"one": silent(3), "two": silent(5)}
    found = changed(rules(signals), rules(signals, days), until=14)
    assert found.sent == {"one": 4, "two": sent}


def test_an_alert_of_a_signal_that_left_ends_without_anybody_being_told() -> None:
    found = changed(
        rules({"one": silent(3), "two": silent(5)}), rules({"one": silent(3), "three": silent(6)}), until=12
    )
    assert found.held_of("two") == [(6, "capped", 11), (8, "capped", None)]
    assert (found.sent, found.held_of("three")) == ({"one": 4, "three": 11}, [(8, "capped", 11)])


def test_a_signal_that_contacts_nobody_any_more_does_not_wait() -> None:
    after = rules({"one": silent(3), "two": silent(5, contacts_customer=False)})
    assert changed(rules({"one": silent(3), "two": silent(5)}), after, until=12).sent == {"one": 4, "two": 8}


def changed(before: Rules, after: Rules, until: int) -> Outcome:
    """By another catalogue from boundary 8 on."""
    replay = Replay(before, 1)
    replay.take(login(at_ms=at(0.5), id="l"))
    replay.until(at(7) + 2 * HOUR_MS)
    messages = replay.drain()
    replay.partitions = [load(freeze(replay.partitions[0]).to_bytes(), after)]
    replay.until(at(until) + 2 * HOUR_MS)
    return Outcome([*messages, *replay.drain()])


def test_what_matters_no_more_is_forgotten() -> None:
    replay = Replay(rules({"one": silent(3)}), 1)
    replay.take(login(at_ms=at(0.5), id="l"))
    contacts = replay.partitions[0].review.follow_up.contacts
    for day, known in ((3, {}), (4, {0: FIRST_DAY + 4}), (10, {0: FIRST_DAY + 4}), (11, {})):
        replay.until(at(day) + 2 * HOUR_MS)
        assert contacts.at == known


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"contact_days": -1}, "attention.contact_days.*at least 0 and at most 365, not -1"),
        ({"contact_days": 366}, "at most 365, not 366"),
        ({"contact_days": 1.5}, "must be a whole number"),
        ({"contact_days": "7"}, "write it without quotes"),
        ({"contact_day": 7}, "did you mean contact_days"),
        (7, "attention"),
    ],
)
def test_a_cap_that_is_none_is_refused_with_the_reason(given: Any, reason: str) -> None:
    with pytest.raises(CatalogueError, match=f"(?i){reason}"):
        build_rules(catalogue() | {"attention": given})


@pytest.mark.parametrize("given", [{}, {"attention": False}, {"attention": None}, {"attention": {}}])
def test_a_catalogue_that_says_nothing_of_it_has_no_cap(given: dict[str, Any]) -> None:
    own = catalogue()
    del own["attention"]
    assert build_rules(own | given).contact_days == 0
    assert build_rules(catalogue()).contact_days == 7


# -- whatever the signals

some_signals = st.dictionaries(
    st.sampled_from("abcdefgh"),
    st.fixed_dictionaries(
        {
            "days": st.integers(1, 25),
            "severity": st.sampled_from(("warning", "error")),
            "priority": st.sampled_from((0, 50, 90)),
            "sees_tickets": st.booleans(),
        }
    ),
    min_size=2,
)


@given(some_signals, st.integers(1, 9), st.sets(st.integers(1, 30), max_size=3))
def test_between_two_suggestions_lie_the_days_and_nothing_waits_without_a_reason(
    drawn: dict[str, dict[str, Any]], days: int, asked: set[int]
) -> None:
    signals = {}
    for name, kind in drawn.items():
        more = {"severity": kind["severity"], "priority": kind["priority"]}
        signals[name] = tickets(**more) if kind["sees_tickets"] else silent(kind["days"], **more)
    of = rules(signals, days)
    until = 30 + 9 * len(signals)
    found = replayed(of, until, *(ticket(at_ms=at(day + 0.5), id=f"t{day}") for day in asked))
    firsts = [(int(day_of(one.due_at, -RESPOND_MS)), one) for one in found.alerts if one.status == "firing"]
    by_id = {signal.id: signal for signal in of.signals}
    for boundary, one in firsts:
        before = [day for day, other in firsts if other is not one and day <= boundary]
        if one.severity != "critical":
            assert all(day + days <= boundary for day in before), "it waited"
        waiting = [
            urgency(by_id[held.alert.signal], held.alert.severity)
            for held in found.held
            if day_of(held.at) == boundary and held.passes_at is not None
        ]
        if waiting:
            assert urgency(by_id[one.signal], one.severity) < min(waiting), "the most urgent is sent"
    for held in found.held:
        if held.passes_at is not None:
            assert any(day_of(held.passes_at) == day + days and day <= day_of(held.at) for day, _ in firsts)
    silences = {name for name, kind in drawn.items() if not kind["sees_tickets"]}
    assert {one.signal for _, one in firsts} >= silences, "whatever lasts is sent in the end"
