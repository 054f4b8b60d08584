"""The engine publishes and knows what the reference says, whatever the catalogue, the history and the arrival."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final
from zlib import crc32

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from models.customer import Risk
from models.learning.foresight import Foresight
from models.learning.snapshots import Pending, pack_features
from models.oracle import Oracle
from models.signals.catalogue import Rules, build_rules

from models.config import Basis, Learning
from reference.life import Risks
from reference.telling import MODEL_VERSION, asks_model
from schemas.alert import decode_alert
from schemas.event import Event
from schemas.instant import from_rfc3339
from schemas.stage import decode_stage_change
from support.builders import DAY_MS, HOUR_MS, login, purchase, ticket
from support.reference import Outcome, Reference, moments_of
from support.troubled import FIRST_DAY, at_ms, catalogue, default_rules, make_event, rich_history

ZONES: Final = ("UTC", "Europe/Berlin", "America/New_York")
FEEDS: Final = (
    ["purchase", "login", "ticket", "email"], ["purchase"], ["purchase", "login"], ["ticket", "email"], ["login"],
    ["purchase", "ticket", "email"],
)  # fmt: skip
SECONDS: Final = (0, 1, 1_800, 3_599, 3_600, 43_200, 82_800, 86_399)
BEHIND_S: Final = (0, 0, 0, 0, 0, 0, 1, 600, 3_600, 5_000, 90_000, 3 * 86_400, 7 * 86_400, 8 * 86_400, 30 * 86_400)
"""By how much an event arrives behind its time."""
CLOCK: Final = "clock"
"""A customer who does something in every feed each day, so that the watermark moves and others can be late."""
quick = settings(
    max_examples=25, derandomize=True, deadline=None, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip


# -- the engine under test


def engine_outcome(rules: Rules, arrivals: Sequence[Event], until_ms: int | None, risks: Risks | None) -> Outcome:
    """What the engine publishes and knows; drivers of signals that ask the model are left out."""
    oracle = Oracle(rules, 1)
    if risks is not None and rules.basis.learning is not None:
        oracle.partitions[0].engine._foresight = _Given(rules.basis.learning, rules.basis, risks)
    outputs = [output for event in arrivals for output in oracle.take(event)[1]]
    if until_ms is not None:
        oracle.until(until_ms)
    outputs += oracle.finish()
    by_model = {signal.id for signal in rules.signals if asks_model(signal)}
    alerts = [decode_alert(output.payload) for output in outputs if output.kind.startswith("alert")]
    return Outcome(
        [msgspec.structs.replace(alert, drivers=()) if alert.signal in by_model else alert for alert in alerts],
        [decode_stage_change(output.payload) for output in outputs if output.kind == "stage"],
        {state["customer_id"]: state for state in oracle.states()},
    )


class _Given(Foresight):
    """Scores that are given instead of computed."""

    def __init__(self, learning: Learning, basis: Basis, risks: Risks) -> None:
        super().__init__(learning, basis)
        self._risks = risks

    def _score(self, asked: Sequence[Any], boundary: int, *_: object) -> None:
        for customer_id, customer, pending, features in asked:
            score = self._risks(customer_id, boundary)
            kept = [*pending, Pending(boundary, score and score[0], pack_features(features))]
            customer.snapshots = self._pack.to_bytes(kept)
            if score is not None:
                customer.scored_by = MODEL_VERSION
                customer.risks.append(Risk(boundary, *score))


def differences(rules: Rules, arrivals: Sequence[Event], until_ms: int | None, risks: Risks | None = None) -> list[str]:
    """What distinguishes the engine from the reference, in words; empty when nothing does."""
    found = engine_outcome(rules, arrivals, until_ms, risks)
    truth = Reference(rules, risks=risks).run(arrivals, until_ms)
    told: list[str] = []
    for left, right in (
        (_alerts(found), _alerts(truth)),
        ({stage.id: stage for stage in found.stages}, {stage.id: stage for stage in truth.stages}),
        (found.states, truth.states),
    ):
        keys = sorted(left.keys() | right.keys())
        told += [f"{left.get(key)} is not {right.get(key)}" for key in keys if left.get(key) != right.get(key)]
    return told[:3]


def _alerts(outcome: Outcome) -> Mapping[Any, Any]:
    found = {(alert.customer_id, alert.signal, alert.starts_at, alert.revision): alert for alert in outcome.alerts}
    assert len(found) == len(outcome.alerts), "no revision is told twice"
    return found


# -- histories and catalogues


@st.composite
def troubled_arrivals(draw: st.DrawFn, basis: Basis) -> list[Event]:
    """Two customers and a clock, in the order of arrival: late events, duplicates, ids used again for other content.

    Tickets and e-mails come in bursts. There may be a long pause, and before it other kinds of events than behind it.
    Purchases and logins may lag behind the other feeds, so that announcements run ahead of the reviews. Ids are not
    used again in feeds that are not declared: nothing there is ever too late, so for how long they are
    remembered is not laid down.
    """
    calendar, days = basis.calendar, draw(st.integers(20, 160))
    row = st.tuples(
        st.integers(0, 3), st.integers(0, 1), st.integers(0, days - 1), st.integers(0, 7), st.integers(0, 59),
        st.sampled_from(BEHIND_S), st.sampled_from(("once",) * 9 + ("twice", "id used before", "id used again")),
    )  # fmt: skip
    pause, early = draw(st.sampled_from((0, 0, 70, 130))), draw(st.sampled_from(((0, 1, 2, 3), (1,), (2, 3))))
    arriving: list[tuple[int, Event]] = []
    for number, (later, who, day, second, choice, behind, fate) in enumerate(
        draw(st.lists(row, min_size=20, max_size=60))
    ):
        is_early = day < days // 3
        kind = early[later % len(early)] if is_early else later
        for burst in range(1 + choice % 3 if kind >= 2 else 1):
            at = at_ms(FIRST_DAY + day + (0 if is_early else pause), SECONDS[second - burst], calendar)
            event = make_event(kind, f"c{who}", at, number + 1000 * burst, choice + burst)
            arriving += _fate_of(event, fate if kind in basis.feeds else "once", at + 1000 * behind, choice)
    for day in range(0, days + pause, 2):
        at = at_ms(FIRST_DAY + day, 43_000, calendar)
        arriving += [(at, make_event(feed, CLOCK, at, 10_000 + 4 * day + feed, 3)) for feed in range(4)]
    lag_ms = DAY_MS * draw(st.sampled_from((0, 0, 0, 2, 50)))
    arriving = [(at + lag_ms if event.feed < 2 else at, event) for at, event in arriving]
    in_order = [event for _, event in sorted(arriving, key=lambda row: row[0])]
    return without_late_evidence_beside_new(in_order, basis)


def without_late_evidence_beside_new(arrivals: Sequence[Event], basis: Basis) -> list[Event]:
    """Without late tickets and e-mails that come while a later day of their feed is open: there the engine errs."""
    told: list[tuple[Event, str, int]] = []
    boundary = -1
    for event, verdict, _, reached in moments_of(arrivals, basis, None):
        if event is not None:
            told.append((event, verdict, boundary))
        boundary = reached
    on_time = [(one, before) for one, verdict, before in told if verdict == "applied" and one.feed >= 2]

    def is_beside(late: Event, at: int) -> bool:
        own = [row for row in on_time if (row[0].feed, row[0].customer_id) == (late.feed, late.customer_id)]
        return any(before <= at <= basis.calendar.day_of(one.time_ms) for one, before in own)

    return [one for one, verdict, before in told if verdict != "applied late" or not is_beside(one, before)]


def _fate_of(event: Event, fate: str, arrives_ms: int, choice: int) -> list[tuple[int, Event]]:
    """When it arrives, and what arrives with its id besides."""
    if fate == "twice":
        return [(arrives_ms, event), (arrives_ms + 3 * HOUR_MS, event)]
    if fate == "id used before":
        return [(arrives_ms, event), (arrives_ms, _other(event, -(choice % 8), choice))]
    if fate == "id used again" and event.feed < 2:
        other = _other(event, choice % 12, choice)
        return [(arrives_ms, event), (other.time_ms, other)]
    return [(arrives_ms, event)]


def _other(event: Event, days: int, choice: int) -> Event:
    """Another event with the id of this one, some days later."""
    return make_event(event.feed, event.customer_id, event.time_ms + days * DAY_MS, int(event.id[1:]), choice + 1)


EXTRA: Final[Mapping[str, dict[str, Any]]] = {
    "below_usual": {
        "when": "usual(logins, 14d) > 0.5 and logins(14d) <= 0.6 * usual(logins, 14d)",
        "ends": "logins(since start) >= 2 or logins(14d) > 0.9 * usual(logins, 14d)",
        "score": "logins(14d) - usual(logins, 14d)", "severity": "error",
    },
    "small_baskets": {
        "when": "spend(30d) / items(30d) < 0.8 * spend(90d before 30d) / items(90d before 30d) or items(30d) == 0",
        "ends": "(spend(since start) + 1) * 2 > 80 or (days_since_activity > 40 and stage != new)",
        "score": "(spend(30d) + 1) / (spend(90d before 30d) + 1)",
    },
    "sliding": {
        "when": "slope_change < -0.55 and (slope_z < -0.4 or engagement(7d) < 0)",
        "ends": "slope_change > -0.2 or slope_z > 0.3", "score": "slope_change",
    },
    "in_between": {
        "when": "stage == lapsed or stage == active and days_since_purchase >= 9",
        "ends": "stage != lapsed and (stage != active or active_days(since start) >= 3)",
        "score": "days_since_first - days_since_login", "severity": "error",
    },
    "mail_refused": {
        "announced": True, "when": "unsubscribes(7d) >= 2 or (unsubscribes(40d) >= 2 and clicks(30d before 7d) == 0)",
        "ends": "unsubscribes(9d) == 0", "score": "unsubscribes(40d)", "severity": "error",
    },
    "many_channels": {
        "announced": True, "when": "ticket_channels(20d) >= 2 or tickets(3d) >= 2 and days_since_first_ticket >= 3",
        "ends": "tickets(since start) - tickets_resolved(since start) <= 0", "score": "tickets(20d)",
        "severity": "error",
    },
}  # fmt: skip
"""Signals that use what the default catalogue does not."""


def extra_signal(when: str, ends: str, score: str, severity: str = "warning", **more: Any) -> dict[str, Any]:
    """A signal as a catalogue writes it."""
    return {
        "when": when, "ends": ends, "severity": severity, "owner": "Support", "respond_hours": 5,
        "intervention": "Ask.", "score": {"is": score, "threshold": "1", "worse": "lower", "margin": 0.5},
        "values": {"level": score},
        "summary": "At {level|point|points}[, that is {level} {currency}].", "clears_when": "{level} gone",
        "drivers": [{"text": "level", "value": "level"}],
    } | more  # fmt: skip


@st.composite
def rule_sets(draw: st.DrawFn, zone: str = "UTC") -> Rules:
    """The default catalogue, changed at random."""
    own = catalogue() | {"feeds": draw(st.sampled_from(FEEDS))}
    if "purchase" not in own["feeds"]:
        own["model"] = False  # what it is asked about is purchases
    own["lifecycle"]["silence"] = draw(st.sampled_from(("purchase", "activity")))
    own["signals"] |= {name: extra_signal(**body) for name, body in EXTRA.items()}
    for name in draw(st.lists(st.sampled_from(sorted(own["signals"])), max_size=8, unique=True)):
        signal = own["signals"][name]
        signal["cooldown_days"] = draw(st.sampled_from((0, 1, 7, 60)))
        signal["score"]["margin"] = draw(st.sampled_from((0, 0.5, 1, 3)))
        signal["severity"] = draw(st.sampled_from(("warning", "error")))
        if not signal.get("announced"):
            signal["persistence"] = draw(st.sampled_from((1, 2, 5)))
        if (days := draw(st.sampled_from((None, 1, 3, 20)))) is not None:
            signal["expires_days"] = days
    return build_rules(own, zone=zone)


def some_risk(customer_id: str, boundary: int) -> tuple[float, float | None] | None:
    """A score that is the same each time; now and then none, or one without a rank."""
    dice = random.Random(crc32(f"{customer_id}/{boundary}".encode()))
    return None if dice.random() < 0.1 else (dice.random(), dice.choice((None, 0.01, 0.04, 0.08, 0.2, 0.7)))


def end_of(arrivals: Sequence[Event], days: int) -> int:
    return max(event.time_ms for event in arrivals) + days * DAY_MS


def days_of_all_feeds(first: int, last: int) -> list[Event]:
    """What moves the watermark: each day at noon, somebody else in every feed."""
    return [
        make_event(feed, CLOCK, (FIRST_DAY + day) * DAY_MS + DAY_MS // 2, 10_000 + 4 * day + feed, 3)
        for day in range(first, last + 1)
        for feed in range(4)
    ]


# -- the engine is what the reference says


@pytest.mark.parametrize("seed", range(3))
def test_customers_of_all_temperaments_are_told_of_as_the_reference_says(seed: int) -> None:
    arrivals = sorted(rich_history(seed, customers=4, days=150), key=lambda event: event.time_ms)
    assert differences(default_rules(), arrivals, end_of(arrivals, 130)) == []


@pytest.mark.parametrize("zone", ZONES)
def test_records_shuffled_within_the_bound_give_what_the_reference_says(zone: str) -> None:
    dice = random.Random(zone)
    events = rich_history(len(zone), customers=4, days=120, zone=zone)
    arrivals = sorted(events, key=lambda event: event.time_ms + dice.randrange(HOUR_MS))
    assert differences(default_rules(zone), arrivals, None) == []


@quick
@given(st.data(), st.sampled_from(ZONES), st.sampled_from((None, 0, 5, 140)), st.sampled_from((None, some_risk)))
def test_any_catalogue_zone_and_arrival_gives_what_the_reference_says(
    data: st.DataObject, zone: str, ahead: int | None, risks: Risks | None
) -> None:
    rules = data.draw(rule_sets(zone))
    arrivals = data.draw(troubled_arrivals(rules.basis))
    assert differences(rules, arrivals, None if ahead is None else end_of(arrivals, ahead), risks) == []


@pytest.mark.parametrize("name", ["default", "another question"])
def test_scores_of_a_model_open_and_end_alerts_as_the_reference_says(name: str) -> None:
    own = catalogue()
    if name == "another question":
        own["model"] = {"horizon_days": 20, "risk_set_days": 40, "step_days": 5, "anchor": date(2024, 10, 20)}
    arrivals = sorted(rich_history(11, customers=4, days=150), key=lambda event: event.time_ms)
    rules = build_rules(own)
    outcome = Reference(rules, risks=some_risk).run(arrivals, end_of(arrivals, 60))
    told = {(alert.signal, alert.value_basis) for alert in outcome.alerts}
    assert ("churn_risk", "expected") in told
    assert differences(rules, arrivals, end_of(arrivals, 60), some_risk) == []


def test_a_first_purchase_after_a_long_silence_is_a_return() -> None:
    came = [login("c1", FIRST_DAY * DAY_MS, id="l"), purchase("c1", (FIRST_DAY + 70) * DAY_MS, currency="USD", id="p")]
    arrivals = sorted([*came, *days_of_all_feeds(0, 75)], key=lambda event: event.time_ms)
    stages = [stage.to_stage for stage in Reference(default_rules()).run(arrivals).stages if stage.customer_id == "c1"]
    assert stages == ["new", "active", "lapsed", "dormant", "reactivated"]
    assert differences(default_rules(), arrivals, None) == []


def test_the_reference_calls_historical_what_was_observed_before_alerts_are_wanted() -> None:
    arrivals = sorted(rich_history(5, customers=2, days=90), key=lambda event: event.time_ms)
    since_ms = (FIRST_DAY + 45) * DAY_MS
    outcome = Reference(default_rules(), alerts_from_ms=since_ms).run(arrivals)
    for alert in outcome.alerts:
        assert alert.historical == (from_rfc3339(alert.observed_at) < since_ms)
    for stage in outcome.stages:
        assert stage.historical == (from_rfc3339(stage.at) < since_ms)
    assert {alert.historical for alert in outcome.alerts} == {False, True}


# -- where the engine errs


def ticket_at(day: int, hour: int, name: str, action: str = "reopened", customer: str = "c1") -> Event:
    at = (FIRST_DAY + day) * DAY_MS + hour * HOUR_MS
    return ticket(customer, at, action, id=name, ticket_id=name, category="billing")


@pytest.mark.xfail(reason="the engine forgets ids that a late event can still bring again", strict=True)
def test_an_id_used_again_by_a_late_event_is_a_conflict() -> None:
    early, late = (
        purchase("c1", (FIRST_DAY + day) * DAY_MS, amount, currency="USD", id="p")
        for day, amount in ((0, 5.0), (4, 7.0))
    )
    seen = login("c1", (FIRST_DAY + 8) * DAY_MS, id="l")
    arrivals = [early, *days_of_all_feeds(0, 8), seen, *days_of_all_feeds(9, 10), late, *days_of_all_feeds(11, 13)]
    assert differences(default_rules(), arrivals, None) == []


@pytest.mark.xfail(reason="the engine lets a conflict release what waits for the feed's clock", strict=True)
def test_a_conflict_does_not_release_an_announcement_that_waits() -> None:
    waiting = ticket_at(2, 0, "waits"), ticket_at(1, 20, "x", customer="c2"), ticket_at(2, 2, "x", customer="c2")
    arrivals = [*days_of_all_feeds(0, 1), waiting[1], waiting[0], waiting[2], ticket_at(2, 0, "more")]
    assert differences(default_rules(), [*arrivals, *days_of_all_feeds(2, 4)], None) == []


@pytest.mark.xfail(reason="the engine looks for beginnings from the customer's own last review on", strict=True)
def test_late_evidence_does_not_keep_a_later_day_from_being_announced() -> None:
    arrivals = [
        *days_of_all_feeds(0, 29),
        ticket_at(27, 12, "late"),
        ticket_at(29, 16, "now"),
        *days_of_all_feeds(30, 33),
    ]
    assert differences(default_rules(), arrivals, None) == []


@pytest.mark.xfail(reason="the engine announces nothing whose score is unknown", strict=True)
def test_a_signal_announced_at_once_fires_though_its_score_is_unknown() -> None:
    own = catalogue()
    ratio = "tickets(7d) / tickets(7d before 7d)"
    own["signals"]["any_ticket"] = extra_signal("tickets(7d) >= 1", "tickets(7d) == 0", ratio, announced=True)
    arrivals = [*days_of_all_feeds(0, 0), ticket_at(1, 10, "t", "opened"), *days_of_all_feeds(1, 3)]
    assert differences(build_rules(own), arrivals, None) == []


@pytest.mark.xfail(reason="the engine computes features of purchases that are not declared", strict=True)
def test_purchases_that_are_not_declared_are_no_matter_for_the_model() -> None:
    rules = build_rules(catalogue() | {"feeds": ["login"]})
    bought = [purchase("c1", (FIRST_DAY + day) * DAY_MS, currency="USD", id=f"p{day}") for day in range(9)]
    assert differences(rules, [*bought, *days_of_all_feeds(0, 12)], None) == []


@pytest.mark.xfail(reason="the engine goes on with the start of another signal judged before", strict=True)
def test_windows_since_the_start_hold_nothing_before_an_episode_has_begun() -> None:
    own = catalogue()
    own["signals"] = {
        "other": extra_signal("days_since_first >= 3", "slope_z > 100", "days_since_first"),
        "own": extra_signal("days_since_first >= 6", "never", "purchases(since start)"),
    }
    bought = [purchase("c1", (FIRST_DAY + day) * DAY_MS, currency="USD", id=f"p{day}") for day in range(9)]
    assert differences(build_rules(own), [*bought, *days_of_all_feeds(0, 12)], None) == []
