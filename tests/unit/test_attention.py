"""Who is told of what: snoozed alerts wait, who has opted out is left alone, and every decision has a record.

Days count from the customer's first; boundary T is the midnight that begins day T.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from models.alerts.attention.quiet import Quiet
from models.alerts.attention.rules import RULES, Occasion, holding
from models.alerts.episode import Revision, SignalAlerts
from models.calendar import Calendar, date_of
from models.catalogue.rules import sending_all, without_model
from models.engine.replay import Replay
from schemas.alert import AlertV1, alert_id
from schemas.command import Action, Command
from schemas.event import Event
from schemas.instant import from_rfc3339
from schemas.receipt import ReceiptV1
from schemas.suppressed import SuppressedV1
from streams.files.commands import among
from support.builders import DAY_MS, HOUR_MS, purchase, ticket
from support.tries import tries
from support.troubled import FIRST_DAY, default_rules

RULES_ALONE = sending_all(without_model(default_rules()))
SILENT = "loyal_gone_silent"
BUYS = [0, 9, 18, 27, 36, 45]
"""Silent from day 69 on: gaps of 9 days, so after 22.5 of silence."""


def at(day: float) -> int:
    return int((FIRST_DAY + day) * DAY_MS)


def midnight(day: int) -> str:
    return f"{date_of(FIRST_DAY + day)}T00:00:00Z"


def bought(*days: int) -> list[Event]:
    return [purchase(at_ms=at(day + 0.5), amount=10.0, currency="USD", id=f"p{day}") for day in days]


def asked(*days: float) -> list[Event]:
    return [ticket(at_ms=at(day), category="other", id=f"t{day}") for day in days]


def said(action: Action, day: float, signal: str = SILENT, start: int = 69, **more: Any) -> Command:
    """Something said of the alert of a signal that began on a day, by the customer of the builders."""
    target = None if action.startswith("opt") else alert_id("c1", signal, date_of(FIRST_DAY + start))
    return Command(f"k{day}{action}", action, "c1", at(day), "Ann", target, **more)


class Outcome:
    """What a replay decides of events and commands up to a boundary."""

    def __init__(self, events: list[Event], commands: list[Command], until: int) -> None:
        replay = Replay(RULES_ALONE, 1)
        for one in among(commands, sorted(events, key=lambda event: event.time_ms)):
            replay.take(one)
        replay.until(at(until) + 2 * HOUR_MS)
        found = replay.drain()
        self.alerts = [one for one in found if isinstance(one, AlertV1)]
        self.held = [one for one in found if isinstance(one, SuppressedV1)]
        self.receipts = [one for one in found if isinstance(one, ReceiptV1)]
        decided = sum(partition.review.follow_up.decided for partition in replay.partitions)
        assert decided == len(self.alerts) + len(self.held), "what is decided is sent or held"

    def life(self, signal: str = SILENT) -> list[tuple[int, str]]:
        """Revision and status of what was sent."""
        return [(one.revision, one.status) for one in self.alerts if one.signal == signal]

    def held_of(self, signal: str = SILENT) -> list[tuple[int, str, str | None]]:
        """Revision, rule and time to pass of what was held."""
        return [(one.alert.revision, one.rule, one.passes_at) for one in self.held if one.alert.signal == signal]


def test_the_rules_are_asked_in_their_order_and_the_first_that_holds_is_told() -> None:
    (signal,) = (one for one in RULES_ALONE.signals if one.id == SILENT)
    of = SignalAlerts(signal, snoozed={1: 500})
    one = Revision(1, "updated", 10, 2, "error", None, 1, "Retention", 0)
    assert [rule.__name__ for rule in RULES] == ["opted_out", "held_out", "snoozed", "feed_down", "capped"]
    assert holding(of, one, Occasion(400, frozenset({1}))) == ("opted_out", None)
    assert holding(of, one, Occasion(400, frozenset())) == ("snoozed", 500)
    unheard = {SILENT: frozenset({1})}
    assert holding(of, one, Occasion(400, frozenset(), unheard=unheard)) == ("snoozed", 500)
    assert holding(of, one, Occasion(500, frozenset(), unheard=unheard)) == ("feed_down", None)
    assert holding(of, one, Occasion(500, frozenset())) is None


def test_a_snoozed_alert_says_so_waits_and_comes_back_with_a_deadline_of_its_own() -> None:
    until_ms = at(77.5)
    found = Outcome(bought(*BUYS), [said("snooze", 69.6, until_ms=until_ms)], 79)
    assert [one.status for one in found.receipts] == ["done"]
    assert found.life() == [(1, "firing"), (2, "updated"), (4, "updated")]
    first, snoozed, back = [one for one in found.alerts if one.signal == SILENT]
    assert (snoozed.snoozed_until, snoozed.is_owed, first.is_owed) == (
        f"{date_of(FIRST_DAY + 77)}T12:00:00Z",
        False,
        True,
    )
    assert [(revision, rule) for revision, rule, _ in found.held_of()] == [(3, "snoozed")], "the stage that changed"
    assert (back.snoozed_until, back.escalated_at) == (None, None)
    assert back.due_at is not None
    assert from_rfc3339(back.due_at) == at(78) + 48 * HOUR_MS


def test_the_end_of_a_snoozed_alert_that_was_sent_is_told() -> None:
    found = Outcome(bought(*BUYS, 71), [said("snooze", 69.6, until_ms=at(90))], 74)
    assert found.life()[-1][1] == "resolved"
    assert [one.alert.status for one in found.held if one.alert.signal == SILENT] == []


def test_a_new_alert_of_a_snoozed_signal_waits_and_is_the_first_that_anybody_hears_of_it() -> None:
    trouble = asked(70.1, 70.2, 70.3)
    again = asked(85.1, 85.2, 85.3, 85.4)
    snooze = said("snooze", 71.5, "support_spike", 70, until_ms=at(87.5))
    found = Outcome([*bought(*BUYS), *trouble, *again], [snooze], 88)
    starts = {one.starts_at for one in found.alerts if one.signal == "support_spike"}
    assert starts == {midnight(70), midnight(85)}
    second = [one for one in found.alerts if one.signal == "support_spike" and one.starts_at == midnight(85)]
    assert [one.status for one in second] == ["firing"], "not fired early, held by the review, sent when it is over"
    assert second[0].due_at is not None
    assert from_rfc3339(second[0].due_at) == at(88) + 24 * HOUR_MS
    assert ("snoozed", f"{date_of(FIRST_DAY + 87)}T12:00:00Z") in {
        (rule, passes) for _, rule, passes in found.held_of("support_spike")
    }


def test_who_has_opted_out_is_left_alone_until_an_opt_in() -> None:
    commands = [said("opt_out", 69.6), said("opt_in", 90.5)]
    found = Outcome([*bought(*BUYS), *asked(80.1, 80.2, 80.3)], commands, 92)
    silent = [one for one in found.alerts if one.signal == SILENT]
    assert [(one.status, one.ends_at) for one in silent[:2]] == [("firing", None), ("resolved", midnight(70))]
    assert silent[1].summary == "Over after 1 day: the customer has opted out."
    assert (silent[0].do_not_contact, silent[1].do_not_contact) == ((), ("opted_out",))
    assert silent[1].ended_because == "opted_out"
    assert {one.alert.do_not_contact for one in found.held} == {("opted_out",)}
    assert {one.do_not_contact for one in found.alerts if one.observed_at > midnight(90)} <= {()}
    assert not [one for one in found.alerts if midnight(71) <= one.observed_at <= midnight(90) and one.is_open
                and one.starts_at < midnight(80) and one.signal == "support_spike"]  # fmt: skip
    sent_late = [one for one in found.alerts if one.status == "firing" and one.due_at and one.starts_at < midnight(90)]
    assert {one.signal for one in sent_late if one.starts_at > midnight(70)} >= {SILENT}, "still so when she is back"
    assert {one.rule for one in found.held} == {"opted_out"}
    assert {one.passes_at for one in found.held} == {None}


def test_an_opt_out_holds_for_a_customer_who_was_never_seen() -> None:
    found = Outcome([*bought(*BUYS), *asked(50.1, 50.2, 50.3)], [said("opt_out", -3)], 75)
    assert [one.status for one in found.receipts] == ["done"]
    assert found.alerts == []
    assert {one.alert.signal for one in found.held} >= {SILENT, "support_spike"}


def test_a_snooze_that_is_over_before_it_takes_effect_is_refused() -> None:
    found = Outcome(bought(*BUYS), [said("snooze", 69.6, until_ms=at(69.9))], 72)
    assert [(one.status, one.reason) for one in found.receipts] == [("refused", "already_over")]


def test_the_last_word_before_a_day_says_who_is_quiet_on_it() -> None:
    quiet = Quiet(Calendar("UTC"), ["support_spike"])
    words: list[tuple[Action, int]] = [("opt_out", 10), ("opt_in", 14), ("opt_out", 20)]
    for number, (action, boundary) in enumerate(words):
        quiet.note(Command(f"k{number}", action, "c1", 0, "Ann"), boundary, 9)
    assert [day for day in range(8, 24) if quiet.keeps("c1", "support_spike", day)] == [*range(10, 14), *range(20, 24)]
    assert quiet.opted_out(15) == []
    assert quiet.opted_out(21) == ["c1"]
    assert not quiet.keeps("c2", "support_spike", 12)
    assert len(quiet.words["c1"]) == 1, "what can no longer be the last word is forgotten"


def test_an_alert_that_is_snoozed_and_ends_by_an_opt_out_at_one_boundary_leaves_nothing_held() -> None:
    replay = Replay(RULES_ALONE, 1)
    commands = [said("snooze", 69.6, until_ms=at(90)), said("opt_out", 69.7)]
    for one in among(commands, sorted(bought(*BUYS), key=lambda event: event.time_ms)):
        replay.take(one)
    replay.until(at(70) + 2 * HOUR_MS)
    (last,) = (one for one in replay.drain() if isinstance(one, AlertV1) and one.revision == 2 and one.signal == SILENT)
    assert last.ended_because == "opted_out"
    (of,) = (of for of in replay.partitions[0].review.alerts if of.signal.id == SILENT)
    assert not of.held


@settings(max_examples=tries(100), derandomize=True)
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 2), st.booleans()), max_size=40), st.integers(0, 5))
def test_of_many_words_as_many_are_kept_as_there_are_boundaries_and_the_last_counts(
    said: list[tuple[int, int, bool]], reviewed: int
) -> None:
    quiet = Quiet(Calendar("UTC"), ())
    words = [(boundary, at_ms, f"k{number:02}", is_out) for number, (boundary, at_ms, is_out) in enumerate(said)]
    for boundary, at_ms, name, is_out in words:
        action: Action = "opt_out" if is_out else "opt_in"
        quiet.note(Command(id=name, action=action, customer_id="c1", at_ms=at_ms, by="Ann"), boundary, reviewed)
        assert len(quiet.words["c1"]) <= 5
    for boundary in range(reviewed, 6):
        last = max((word for word in words if word[0] <= boundary), default=None)
        assert quiet.has_opted_out("c1", boundary) == (last is not None and last[3])
