"""The engine publishes and knows what the reference says, whatever the catalogue, the history and the arrival."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from models.catalogue.catalogue import build_rules
from models.catalogue.reader import CatalogueError
from models.catalogue.rules import Rules
from reference.life import Risks
from reference.run import Changes, Outcome, moments_of, run
from schemas.command import Command
from schemas.erasure import is_erased_name
from schemas.event import FEEDS, Event
from schemas.event_time import FIRST_MS, LAST_MS
from schemas.instant import from_rfc3339
from support.builders import DAY_MS, HOUR_MS, login, purchase, ticket
from support.driven import engine_outcome
from support.silences import silent_history
from support.spoken import ERASING, spoken_of, with_commands
from support.tries import tries
from support.troubled import FIRST_DAY, catalogue, default_rules, make_event, rich_history
from support.upsets import CLOCK, ZONES, catalogues, end_of, extra_signal, some_risk, upset_runs

quick = settings(
    max_examples=tries(20), derandomize=True, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip


def differences(
    changes: Changes,
    arrivals: Sequence[Event | Command],
    until_ms: int | None = None,
    risks: Risks | None = None,
    seed: int = 0,
) -> list[str]:
    """What distinguishes the engine from the reference, in words; empty when nothing does."""
    moments = list(moments_of(arrivals, changes, until_ms))
    found, truth = engine_outcome(moments, until_ms, risks, seed), run(moments, risks=risks, but=(CLOCK,))
    told: list[str] = []
    for left, right in zip(keyed(found), keyed(truth), strict=True):
        keys = sorted((left.keys() | right.keys()) - {CLOCK})
        told += [f"{left.get(key)}\nis not\n{right.get(key)}" for key in keys if left.get(key) != right.get(key)]
    return told[:3]


def keyed(outcome: Outcome) -> tuple[Mapping[Any, Any], ...]:
    alerts = [one for one in outcome.alerts if one.customer_id != CLOCK]
    by_revision = {(one.customer_id, one.signal, one.starts_at, one.revision): one for one in alerts}
    assert len(by_revision) == len(alerts), "no revision is told twice"
    stages = {one.id: one for one in outcome.stages if one.customer_id != CLOCK}
    receipts = {(one.customer_id, one.command_id, one.effective_at, one.at): one for one in outcome.receipts}
    assert len(receipts) == len(outcome.receipts), "no receipt is given twice"
    held = [one for one in outcome.suppressed if one.alert.customer_id != CLOCK]
    suppressed = {(one.alert.alert_id, one.alert.revision): one for one in held}
    assert len(suppressed) == len(held), "no revision is held twice"
    assert not suppressed.keys() & {(one.alert_id, one.revision) for one in alerts}, "what is held is not sent"
    ended = [one for one in outcome.outcomes if one.customer_id != CLOCK]
    outcomes = {one.alert_id: one for one in ended}
    assert len(outcomes) == len(ended), "what came of a trial is told once"
    held_out = {one.alert.alert_id for one in outcome.suppressed if one.alert.arm == "holdout"}
    assert not held_out & {one.alert_id for one in alerts if one.arm is not None}, "who is held out is told of nothing"
    return by_revision, stages, receipts, suppressed, outcomes, outcome.states


def days_of_all_feeds(first: int, last: int) -> list[Event]:
    """What moves the watermark: each day at noon, somebody else in every feed."""
    return [
        make_event(feed, CLOCK, (FIRST_DAY + day) * DAY_MS + DAY_MS // 2, 10_000 + 4 * day + feed, 3)
        for day in range(first, last + 1)
        for feed in range(4)
    ]


# -- the engine is what the reference says


@pytest.mark.parametrize("seed", range(tries(8)))
def test_customers_of_all_temperaments_are_told_of_as_the_reference_says(seed: int) -> None:
    arrivals = sorted(rich_history(seed, customers=4, days=150), key=lambda event: event.time_ms)
    assert differences({0: default_rules()}, arrivals, arrivals[-1].time_ms + 130 * DAY_MS) == []


@pytest.mark.parametrize("zone", ZONES)
def test_records_shuffled_within_the_bound_give_what_the_reference_says(zone: str) -> None:
    dice = Random(zone)
    events = rich_history(len(zone), customers=4, days=120, zone=zone)
    arrivals = sorted(events, key=lambda event: event.time_ms + dice.randrange(HOUR_MS))
    assert differences({0: default_rules(zone)}, arrivals) == []


@quick
@given(upset_runs(), st.sampled_from((None, 0, 5, 140)), st.sampled_from((None, some_risk)), st.integers(0, 999))
def test_any_catalogue_zone_arrival_and_way_of_working_gives_what_the_reference_says(
    upset: tuple[dict[int, Rules], list[Event]], ahead: int | None, risks: Risks | None, seed: int
) -> None:
    changes, arrivals = upset
    until_ms = None if ahead is None else end_of(arrivals, ahead)
    assert differences(changes, arrivals, until_ms, risks, seed) == []


@quick
@given(st.data(), upset_runs(), st.integers(0, 999))
def test_commands_in_any_order_of_arrival_give_what_the_reference_says(
    data: st.DataObject, upset: tuple[dict[int, Rules], list[Event]], seed: int
) -> None:
    changes, events = upset
    until_ms = end_of(events, 5)
    told = run(list(moments_of(events, changes, until_ms)), but=(CLOCK,)).alerts
    arrivals = data.draw(with_commands(told, events))
    assert differences(changes, arrivals, until_ms, seed=seed) == []


@quick
@given(st.data(), upset_runs(), st.sampled_from((None, some_risk)), st.integers(0, 999))
def test_erasures_among_commands_late_events_and_restarts_give_what_the_reference_says(
    data: st.DataObject, upset: tuple[dict[int, Rules], list[Event]], risks: Risks | None, seed: int
) -> None:
    changes, events = upset
    until_ms = end_of(events, 5)
    told = run(list(moments_of(events, changes, until_ms)), but=(CLOCK,)).alerts
    arrivals = data.draw(with_commands(told, events, ERASING))
    assert differences(changes, arrivals, until_ms, risks, seed=seed) == []


@pytest.mark.parametrize("seed", range(3))
def test_who_is_erased_is_told_of_no_more_as_the_reference_says(seed: int) -> None:
    events = sorted(rich_history(seed, customers=6, days=120), key=lambda event: event.time_ms)
    changes, until_ms = {0: default_rules()}, events[-1].time_ms + 30 * DAY_MS
    told = run(list(moments_of(events, changes, until_ms))).alerts
    arrivals = spoken_of(told, events, Random(seed), (*ERASING[:-1] * 3, ERASING[-1]))
    outcome = run(list(moments_of(arrivals, changes, until_ms)))
    receipts = [one for one in outcome.receipts if is_erased_name(one.customer_id)]
    assert {(one.action == "erase", one.status, one.reason) for one in receipts} == {
        (True, "done", None), (False, "refused", "erased")
    }  # fmt: skip
    assert "erased" in {one.ended_because for one in outcome.alerts}
    assert differences(changes, arrivals, until_ms, seed=seed) == []


@pytest.mark.parametrize("seed", range(2))
def test_commands_on_many_alerts_are_done_and_told_as_the_reference_says(seed: int) -> None:
    events = sorted(rich_history(seed, customers=4, days=120), key=lambda event: event.time_ms)
    changes, until_ms = {0: default_rules()}, events[-1].time_ms + 30 * DAY_MS
    told = run(list(moments_of(events, changes, until_ms))).alerts
    arrivals = spoken_of(told, events, Random(seed))
    outcome = run(list(moments_of(arrivals, changes, until_ms)))
    assert {(one.status, one.reason) for one in outcome.receipts} == {
        ("done", None), ("refused", "no_open_alert"), ("refused", "too_late"), ("refused", "already_over")
    }  # fmt: skip
    assert {one.escalated_to for one in outcome.alerts} >= {None, "Head of Retention"}
    assert {one.rule for one in outcome.suppressed} == {"opted_out", "snoozed"}
    assert {one.outcome for one in outcome.alerts} == {None, "kept", "lost", "false_alarm"}
    assert differences(changes, arrivals, until_ms, seed=seed) == []


@pytest.mark.parametrize("seed", range(tries(3)))
def test_experiments_leave_alone_and_tell_what_came_of_it_as_the_reference_says(seed: int) -> None:
    events = sorted(rich_history(seed, customers=9, days=150), key=lambda event: event.time_ms)
    own = catalogue() | {"experiment": {"holdout": 0.5, "salt": "s"}, "model": {"horizon_days": 25}}
    own["signals"] = {name: body for name, body in own["signals"].items() if not body.get("announced")}  # are not tried
    lasting = {0: build_rules(own)}
    changes = lasting | {
        len(events) // 3: build_rules(
            own | {"experiment": {"holdout": 0.3, "salt": "t"}, "model": {"horizon_days": 10}}
        ),
        len(events) // 2: build_rules(own | {"experiment": {"holdout": 0}}),
        2 * len(events) // 3: build_rules(own),
    }
    until_ms = events[-1].time_ms + 30 * DAY_MS
    for rules in (lasting, changes)[-tries(2) :]:
        first = run(list(moments_of(events, rules, until_ms)))
        known = [*first.alerts, *(one.alert for one in first.suppressed)]
        arrivals = spoken_of(sorted(known, key=lambda one: (one.customer_id, one.alert_id)), events, Random(seed))
        outcome = run(list(moments_of(arrivals, rules, until_ms)))
        assert {one.arm for one in outcome.outcomes} == {"treated", "holdout"}
        assert {one.rule for one in outcome.suppressed} >= {"held_out"}
        assert "holdout" not in {one.arm for one in outcome.alerts}
        held_out = {one.alert.alert_id for one in outcome.suppressed if one.alert.arm == "holdout"}
        about = [one for one in outcome.receipts if one.alert_id in held_out]
        assert about
        assert rules is changes or {one.status for one in about} == {"refused"}
        assert {one.alert.escalated_at for one in outcome.suppressed if one.rule == "held_out"} == {None}
        assert differences(rules, arrivals, until_ms, seed=seed) == []


@pytest.mark.parametrize("seed", range(tries(2)))
def test_customers_are_contacted_no_more_often_than_the_reference_says(seed: int) -> None:
    history = sorted(rich_history(seed, customers=6, days=110), key=lambda event: event.time_ms)
    events = [one for one in history if one.feed != FEEDS.index("email") or one.customer_id == "c0"]  # most refuse
    own = catalogue() | {"experiment": {"holdout": 0.1}}
    for name, days in (("quiet", 4), ("away", 8)):
        silence = f"days_since_activity >= {days}", f"days_since_activity < {days}", "days_since_activity"
        own["signals"][name] = extra_signal(*silence) | {"priority": days}
    own["signals"]["trouble"] = extra_signal("tickets(3d) >= 1", "tickets(3d) == 0", "tickets(7d)", severity="error")
    lasting = {0: build_rules(own)}
    changes = lasting | {
        (part * len(events)) // 5: build_rules(own | {"attention": {"contact_days": days}})
        for part, days in ((1, 30), (2, 3), (3, 0), (4, 9))
    }
    until_ms = events[-1].time_ms + 30 * DAY_MS
    for rules in (lasting, changes)[-tries(2) :]:
        first = run(list(moments_of(events, rules, until_ms)))
        known = [*first.alerts, *(one.alert for one in first.suppressed)]
        arrivals = spoken_of(sorted(known, key=lambda one: (one.customer_id, one.alert_id)), events, Random(seed))
        outcome = run(list(moments_of(arrivals, rules, until_ms)))
        capped = {one.alert.alert_id: one for one in outcome.suppressed if one.rule == "capped"}
        sent_later = {one.alert_id for one in outcome.alerts if one.status == "firing"} & capped.keys()
        assert min(len(capped) - 8, len(sent_later) - 1) > 0
        assert {one.rule for one in outcome.suppressed} >= {"opted_out", "snoozed", "capped"}
        assert differences(rules, arrivals, until_ms, seed=seed) == []


@quick
@given(catalogues(), st.integers(0, 9_999), st.sampled_from((None, 5, 60)), st.sampled_from((None, some_risk)))
def test_feeds_that_go_silent_hold_and_release_what_the_reference_says(
    own: dict[str, Any], seed: int, ahead: int | None, risks: Risks | None
) -> None:
    own["outage"] = {"chance": 0.4, "weeks": 2}
    dice, rules = Random(seed), build_rules(own)
    arrivals = silent_history(dice, rules.basis.feeds)
    until_ms = None if ahead is None else max(event.time_ms for event in arrivals) + ahead * DAY_MS
    assert differences({0: rules}, arrivals, until_ms, risks, seed) == []


@pytest.mark.parametrize("seed", range(tries(2)))
def test_feeds_go_down_and_come_back_and_who_is_held_is_told_of_or_never(seed: int) -> None:
    own = catalogue() | {"outage": {"chance": 0.4, "weeks": 2}}
    off = own | {"outage": "off"}
    found: list[Outcome] = []
    for number in range(2):
        arrivals = silent_history(Random(2 * seed + number), range(4))
        changes = {
            0: build_rules(own),
            2 * len(arrivals) // 3: build_rules(off),
            3 * len(arrivals) // 4: build_rules(own),
        }
        until_ms = max(event.time_ms for event in arrivals) + 20 * DAY_MS
        for rules in ({0: changes[0]}, changes):
            found.append(run(list(moments_of(arrivals, rules, until_ms))))
            assert differences(rules, arrivals, until_ms, seed=seed) == []
        said = spoken_of(found[-1].alerts, sorted(arrivals, key=lambda one: one.time_ms), Random(seed), ERASING)
        assert differences(changes, said, until_ms, seed=seed) == []
    told = [one for outcome in found for one in outcome.alerts]
    assert {one.status for one in told if one.signal == "feed_outage"} == {"firing", "updated", "resolved"}
    held = {one.alert.alert_id for outcome in found for one in outcome.suppressed if one.rule == "feed_down"}
    assert held & {one.alert_id for one in told}
    assert held - {one.alert_id for one in told}


@pytest.mark.parametrize("name", ["default", "another question"])
def test_scores_of_a_model_open_and_end_alerts_as_the_reference_says(name: str) -> None:
    own = catalogue()
    if name == "another question":
        own["model"] = {"horizon_days": 20, "risk_set_days": 40, "step_days": 5, "anchor": date(2024, 10, 20)}
    arrivals = sorted(rich_history(11, customers=4, days=150), key=lambda event: event.time_ms)
    rules = build_rules(own)
    until_ms = arrivals[-1].time_ms + 60 * DAY_MS
    outcome = run(list(moments_of(arrivals, {0: rules}, until_ms)), risks=some_risk)
    told = {(alert.signal, alert.value_basis) for alert in outcome.alerts}
    assert ("churn_risk", "expected") in told
    assert differences({0: rules}, arrivals, until_ms, some_risk) == []


def test_a_first_purchase_after_a_long_silence_is_a_return() -> None:
    came = [login("c1", FIRST_DAY * DAY_MS, id="l"), purchase("c1", (FIRST_DAY + 70) * DAY_MS, currency="USD", id="p")]
    arrivals = sorted([*came, *days_of_all_feeds(0, 75)], key=lambda event: event.time_ms)
    told = run(list(moments_of(arrivals, {0: default_rules()}, None)), but=(CLOCK,)).stages
    stages = [stage.to_stage for stage in told]
    assert stages == ["new", "active", "lapsed", "dormant", "reactivated"]
    assert differences({0: default_rules()}, arrivals) == []


def test_the_reference_calls_historical_what_was_observed_before_alerts_are_wanted() -> None:
    arrivals = sorted(rich_history(5, customers=2, days=90), key=lambda event: event.time_ms)
    since_ms = (FIRST_DAY + 45) * DAY_MS
    outcome = run(list(moments_of(arrivals, {0: default_rules()}, None)), since_ms)
    for alert in outcome.alerts:
        assert alert.historical == (from_rfc3339(alert.observed_at) < since_ms)
    for stage in outcome.stages:
        assert stage.historical == (from_rfc3339(stage.at) < since_ms)
    assert {alert.historical for alert in outcome.alerts} == {False, True}


# -- where the engine errs


def ticket_at(day: int, hour: int, name: str, action: str = "reopened", customer: str = "c1") -> Event:
    at = (FIRST_DAY + day) * DAY_MS + hour * HOUR_MS
    return ticket(customer, at, action, id=name, ticket_id=name, category="billing")


def test_an_id_used_again_by_a_late_event_is_a_conflict() -> None:
    early, late = (
        purchase("c1", (FIRST_DAY + day) * DAY_MS, amount, currency="USD", id="p")
        for day, amount in ((0, 5.0), (4, 7.0))
    )
    seen = login("c1", (FIRST_DAY + 8) * DAY_MS, id="l")
    arrivals = [early, *days_of_all_feeds(0, 8), seen, *days_of_all_feeds(9, 10), late, *days_of_all_feeds(11, 13)]
    assert differences({0: default_rules()}, arrivals) == []


def test_a_conflict_does_not_release_an_announcement_that_waits() -> None:
    waiting = ticket_at(2, 0, "waits"), ticket_at(1, 20, "x", customer="c2"), ticket_at(2, 2, "x", customer="c2")
    arrivals = [*days_of_all_feeds(0, 1), waiting[1], waiting[0], waiting[2], ticket_at(2, 0, "more")]
    assert differences({0: default_rules()}, [*arrivals, *days_of_all_feeds(2, 4)]) == []


def test_late_evidence_does_not_keep_a_later_day_from_being_announced() -> None:
    arrivals = [
        *days_of_all_feeds(0, 29),
        ticket_at(27, 12, "late"),
        ticket_at(29, 16, "now"),
        *days_of_all_feeds(30, 33),
    ]
    assert differences({0: default_rules()}, arrivals) == []


def test_a_signal_announced_at_once_fires_though_its_score_is_unknown() -> None:
    own = catalogue()
    ratio = "tickets(7d) / tickets(7d before 7d)"
    own["signals"]["any_ticket"] = extra_signal("tickets(7d) >= 1", "tickets(7d) == 0", ratio, announced=True)
    arrivals = [*days_of_all_feeds(0, 0), ticket_at(1, 10, "t", "opened"), *days_of_all_feeds(1, 3)]
    assert differences({0: build_rules(own)}, arrivals) == []


def test_purchases_that_are_not_declared_are_no_matter_for_the_model() -> None:
    rules = build_rules(catalogue() | {"feeds": ["login"]})
    bought = [purchase("c1", (FIRST_DAY + day) * DAY_MS, currency="USD", id=f"p{day}") for day in range(9)]
    assert differences({0: rules}, [*bought, *days_of_all_feeds(0, 12)]) == []


def test_windows_since_the_start_hold_nothing_before_an_episode_has_begun() -> None:
    own = catalogue()
    own["signals"] = {
        "other": extra_signal("days_since_first >= 3", "slope_z > 100", "days_since_first"),
        "own": extra_signal("days_since_first >= 6", "never", "purchases(since start)"),
    }
    bought = [purchase("c1", (FIRST_DAY + day) * DAY_MS, currency="USD", id=f"p{day}") for day in range(9)]
    assert differences({0: build_rules(own)}, [*bought, *days_of_all_feeds(0, 12)]) == []


def test_a_signal_whose_threshold_reads_another_feed_is_not_announced_at_once() -> None:
    own = catalogue()
    own["signals"]["any_ticket"] = extra_signal("tickets(7d) >= 1", "tickets(7d) == 0", "tickets(7d)", announced=True)
    build_rules(own)
    own["signals"]["any_ticket"]["score"]["threshold"] = "logins(7d)"
    with pytest.raises(CatalogueError, match="any_ticket"):
        build_rules(own)


def test_late_events_before_the_first_day_has_closed_count_on_their_own_days() -> None:
    late = [login(who, (FIRST_DAY - days) * DAY_MS, id="late") for who, days in (("c1", 5), ("c2", 3))]
    assert differences({0: default_rules()}, [*days_of_all_feeds(0, 0), *late, *days_of_all_feeds(1, 4)]) == []


# -- another catalogue


def with_feeds(*feeds: str, silence: str = "purchase") -> Rules:
    own = catalogue() | {"feeds": list(feeds)}
    own["lifecycle"]["silence"] = silence
    own["signals"]["away"] = extra_signal("days_since_login >= 12", "never", "days_since_login")
    return build_rules(own)


def test_clocks_are_those_of_the_feeds_that_are_declared_now() -> None:
    bought = purchase("c1", (FIRST_DAY + 3) * DAY_MS, currency="USD", id="p")
    seen = [login("c1", (FIRST_DAY + day) * DAY_MS + day, id=f"l{day}") for day in range(9)]
    arrivals = sorted([bought, *seen, *days_of_all_feeds(0, 60)], key=lambda event: event.time_ms)
    changes = {0: default_rules(), 50: with_feeds("login"), 190: with_feeds("purchase", "ticket")}
    assert differences(changes, arrivals) == []


def test_a_first_purchase_is_no_return_once_logins_are_not_declared_any_more() -> None:
    came = [login("c1", FIRST_DAY * DAY_MS, id="l"), purchase("c1", (FIRST_DAY + 70) * DAY_MS, currency="USD", id="p")]
    arrivals = sorted([*came, *days_of_all_feeds(0, 80)], key=lambda event: event.time_ms)
    changes = {0: with_feeds("purchase", "login", silence="activity"), 300: with_feeds("purchase", silence="activity")}
    assert differences(changes, arrivals) == []


def test_late_logins_count_once_logins_are_declared() -> None:
    bought = purchase("c1", FIRST_DAY * DAY_MS, currency="USD", id="p")
    came = [bought, *days_of_all_feeds(0, 9), login("c1", (FIRST_DAY + 2) * DAY_MS, id="l")]
    changes = {0: with_feeds("purchase"), 50: with_feeds("purchase", "login")}
    assert differences(changes, [*came, *days_of_all_feeds(10, 40)]) == []


@pytest.mark.parametrize(("seen", "left"), [("login", "purchase"), ("purchase", "login")])
def test_a_customer_of_whom_nothing_is_left_to_see_keeps_the_stage(seen: str, left: str) -> None:
    came = make_event(FEEDS.index(seen), "c1", FIRST_DAY * DAY_MS, 1, 1)
    arrivals, changes = [came, *days_of_all_feeds(0, 19)], {0: default_rules(), 20: with_feeds(left)}
    assert differences(changes, arrivals) == []


@pytest.mark.parametrize("seed", range(tries(8)))
@pytest.mark.parametrize("back", [0, 6, 7, 8, 30])
def test_a_duplicate_in_a_feed_that_is_not_declared_is_counted_once_however_late(back: int, seed: int) -> None:
    """Ids are forgotten after some days: what is older than an event may be late is not known to be new."""
    old = login("c1", (FIRST_DAY + 30 - back) * DAY_MS, id="l")
    arrivals = [*days_of_all_feeds(0, 29 - back), old, *days_of_all_feeds(30 - back, 30)]
    arrivals += [old, old, *days_of_all_feeds(31, 60), old, old, *days_of_all_feeds(61, 62)]
    rules = with_feeds("purchase")
    seen = run(list(moments_of(arrivals, {0: rules}, None))).states["c1"]["facts"]
    assert sum(seen["logins"].values()) == 1
    assert differences({0: rules}, arrivals, seed=seed) == []


def test_an_event_in_a_feed_that_is_not_declared_may_be_as_late_as_any_other() -> None:
    late = [login("c1", (FIRST_DAY + day) * DAY_MS, id=f"l{day}") for day in range(30)]
    arrivals = [*days_of_all_feeds(0, 30), *late, *days_of_all_feeds(31, 33)]
    for feeds in (("purchase",), ("purchase", "login")):
        rules = with_feeds(*feeds)
        seen = run(list(moments_of(arrivals, {0: rules}, None))).states["c1"]["facts"]
        assert [*seen["logins"]] == [str(FIRST_DAY + day) for day in range(23, 30)]
        assert differences({0: rules}, arrivals) == []


def test_a_boundary_is_passed_when_the_feed_that_held_it_back_is_not_declared_any_more() -> None:
    ahead = [event for event in days_of_all_feeds(0, 20) if event.feed == 0 or event.time_ms < (FIRST_DAY + 5) * DAY_MS]
    late = purchase("c1", (FIRST_DAY + 15) * DAY_MS, currency="USD", id="p")
    behind = make_event(1, CLOCK, (FIRST_DAY + 5) * DAY_MS, 99_999, 0)
    changes = {0: default_rules(), len(ahead): with_feeds("purchase")}
    assert differences(changes, [*ahead, behind, late, *days_of_all_feeds(21, 23)]) == []


def test_who_has_rested_does_not_rest_again_by_a_catalogue_with_a_longer_cool_down() -> None:
    changes = {}
    for place, cooldown_days in ((0, 1), (60, 60)):
        own = catalogue()
        own["signals"] = {"any": extra_signal("logins(1d) >= 1", "logins(1d) == 0", "1", cooldown_days=cooldown_days)}
        changes[place] = build_rules(own)
    came = [login("c1", (FIRST_DAY + day) * DAY_MS, id=f"l{day}") for day in (2, 20)]
    arrivals = sorted([*came, *days_of_all_feeds(0, 25)], key=lambda event: event.time_ms)
    assert differences(changes, arrivals) == []


def test_what_must_persist_is_counted_anew_when_in_between_it_did_not_have_to() -> None:
    changes = {}
    for place, persistence in ((0, 3), (17, 1), (46, 3)):
        own = catalogue()
        own["signals"] = {"any": extra_signal("logins(1d) >= 1", "never", "1", persistence=persistence)}
        changes[place] = build_rules(own)
    came = [login("c1", (FIRST_DAY + day) * DAY_MS, id=f"l{day}") for day in (2, 10)]
    arrivals = sorted([*came, *days_of_all_feeds(0, 25)], key=lambda event: event.time_ms)
    assert differences(changes, arrivals) == []


def test_a_signal_that_left_closes_the_alerts_of_customers_of_whom_nothing_is_left_to_see() -> None:
    changes = {}
    for place, feeds, signals in ((0, ["purchase", "login"], ("any", "other")), (24, ["purchase"], ("other",))):
        own = catalogue() | {"feeds": feeds}
        own["signals"] = {one: extra_signal("days_since_first >= 1", "never", "days_since_first") for one in signals}
        changes[place] = build_rules(own)
    came = [make_event(kind, who, FIRST_DAY * DAY_MS, kind, 1) for kind, who in ((0, "c0"), (1, "c1"))]
    arrivals = [*came, *days_of_all_feeds(0, 19)]
    told = run(list(moments_of(arrivals, changes, None)), but=(CLOCK,)).alerts
    assert {one.customer_id for one in told if one.status == "resolved"} == {"c0", "c1"}
    assert differences(changes, arrivals) == []


@pytest.mark.parametrize(
    ("contact_days", "again"), [(0, ["firing", "updated", "resolved"]), (3, ["firing", "updated", "resolved"]), (9, [])]
)
def test_what_was_fired_early_is_taken_back_by_a_catalogue_that_announces_it_no_more(
    contact_days: int, again: list[str]
) -> None:
    changes = {}
    for place, is_announced in ((0, True), (5, False)):
        own = catalogue() | {"attention": {"contact_days": contact_days}}
        own["signals"] = {
            "any": extra_signal("tickets(7d) >= 1", "tickets(7d) == 0", "tickets(7d)", announced=is_announced)
        }
        changes[place] = build_rules(own)
    arrivals = [*days_of_all_feeds(0, 0), ticket_at(0, 13, "t", "opened"), *days_of_all_feeds(1, 9)]
    told = run(list(moments_of(arrivals, changes, None)), but=(CLOCK,)).alerts
    assert [one.status for one in told] == ["firing", "retracted", *again]
    assert differences(changes, arrivals) == []


def test_a_signal_that_left_takes_back_what_it_fired_early_of_a_customer_who_was_never_seen() -> None:
    changes = {}
    for place, feeds, signals in ((0, ["purchase", "ticket"], ("any", "other")), (5, ["purchase"], ("other",))):
        own = catalogue() | {"feeds": feeds}
        own["signals"] = {
            one: extra_signal("tickets(7d) >= 1", "never", "tickets(7d)", announced=True) for one in signals
        }
        changes[place] = build_rules(own)
    arrivals = [*days_of_all_feeds(0, 0), ticket_at(0, 13, "t", "opened"), *days_of_all_feeds(1, 5)]
    told = run(list(moments_of(arrivals, changes, None)), but=(CLOCK,)).alerts
    assert [(one.signal, one.status, one.stage) for one in told if one.status == "retracted"] == [
        ("any", "retracted", None)
    ]
    assert differences(changes, arrivals) == []


@pytest.mark.parametrize("expires_days", [None, 9])
def test_alerts_of_a_customer_of_whom_nothing_is_left_to_see_wait_whoever_stands_beside(
    expires_days: int | None,
) -> None:
    changes = {}
    for place, feeds in ((0, ["purchase", "login"]), (24, ["purchase"])):
        own = catalogue() | {"feeds": feeds}
        any_ = extra_signal("days_since_first >= 1", "slope_z > 100", "days_since_first", expires_days=expires_days)
        own["signals"] = {"any": any_, "none_bought": extra_signal("purchases(7d) == 0", "never", "purchases(7d)")}
        changes[place] = build_rules(own)
    came = [make_event(kind, who, FIRST_DAY * DAY_MS, kind, 1) for kind, who in ((0, "c0"), (1, "c1"))]
    assert differences(changes, [*came, *days_of_all_feeds(0, 19)]) == []


# -- at the limits of the contract


def extreme_arrivals(first_ms: int, dice: Random) -> list[Event]:
    """Amounts and numbers at their limits, some of them late."""
    arrivals, number = [], 0
    for base_ms in range(first_ms, first_ms + 75 * DAY_MS, DAY_MS):
        for feed in range(4):
            number += 1
            arrivals.append((base_ms, make_event(feed, CLOCK, base_ms, number, 3)))
        for _ in range(dice.choice((0, 0, 1, 4))):
            number += 1
            time_ms = min(base_ms + dice.choice((0, 1, DAY_MS - 1, HOUR_MS)), LAST_MS)
            amount, items = dice.choice((0.0, 0.01, 99.99, 9e10, 1e12)), dice.choice((1, 127, 128, 255, 10**9))
            bought = purchase(
                "c1", time_ms, amount, currency=dice.choice(("USD", "EUR", "XXX")), items=items, id=f"p{number}"
            )
            other = make_event(dice.randrange(4), "c1", time_ms, number, dice.randrange(60))
            behind_ms = dice.choice((0, 0, 0, 2 * DAY_MS, 6 * DAY_MS))
            arrivals += [(time_ms + behind_ms, bought), (time_ms, other)]
    return [event for _, event in sorted(arrivals, key=lambda one: one[0])]


@quick
@given(
    st.sampled_from((1e-9, 1e-6, 1.0, 9.3e4, 1e9)),
    st.sampled_from(("UTC", "America/New_York", "Pacific/Auckland", "Etc/GMT+12")),
    st.sampled_from((FIRST_MS, FIRST_MS + HOUR_MS, FIRST_DAY * DAY_MS, LAST_MS - 75 * DAY_MS)),
    st.integers(0, 999),
)
def test_numbers_and_days_at_the_limits_give_what_the_reference_says(
    rate: float, zone: str, first_ms: int, seed: int
) -> None:
    changes = {0: build_rules(catalogue() | {"currency": "EUR", "rates": {"USD": rate, "EUR": 1.0}}, zone=zone)}
    arrivals = extreme_arrivals(first_ms, Random(seed))
    until_ms = min(arrivals[-1].time_ms + 130 * DAY_MS, LAST_MS)
    assert differences(changes, arrivals, until_ms, seed=seed) == []


def test_what_lies_in_a_feed_that_is_declared_no_more_is_no_evidence() -> None:
    changes = {}
    for place, feeds, owner in ((0, ["purchase", "ticket"], "Support"), (12, ["purchase"], "Somebody else")):
        own = catalogue() | {"feeds": feeds}
        own["signals"] = {"any": extra_signal("tickets(30d) >= 1", "never", "tickets(30d)") | {"owner": owner}}
        changes[place] = build_rules(own)
    came = [make_event(0, "c1", FIRST_DAY * DAY_MS, 1, 1), ticket_at(0, 13, "t", "opened", customer="c1")]
    arrivals = [*came, *days_of_all_feeds(1, 9)]
    told = run(list(moments_of(arrivals, changes, None)), but=(CLOCK,)).alerts
    assert {one.evidence for one in told if one.owner == "Support"} == {("t",)}
    assert {one.evidence for one in told if one.owner == "Somebody else"} == {()}
    assert differences(changes, arrivals) == []
