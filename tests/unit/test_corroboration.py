"""Two grave signals at once, on different evidence, are critical; each is told so once, and again when it is over.

Days count from the customer's first; boundary T is the midnight that begins day T.
"""

from __future__ import annotations

from itertools import chain, groupby

import pytest

from models.alerts.corroboration import severities, witnesses_of
from models.calendar import date_of
from models.catalogue.catalogue import build_rules
from models.catalogue.overlay import merged
from models.catalogue.rules import Rules, without_model
from models.engine.replay import Replay
from models.engine.snapshot import freeze, load
from schemas.alert import AlertV1, decode_alert
from schemas.event import Event
from support.builders import purchase, ticket
from support.one_partition import oracle
from support.troubled import FIRST_DAY, catalogue, default_rules

DAY_MS, NOON_MS = 86_400_000, 43_200_000
PATIENT = {"respond_hours": 2_000}
ONE_SILENCE = {"purchase_drop_and_silence": False, "loyal_gone_silent": PATIENT, "support_spike": PATIENT}
RULES = without_model(build_rules(merged(catalogue(), {"signals": ONE_SILENCE})))
"""Without a second kind of silence, and without escalation."""
SILENT_FROM = 45
"""A purchase every 9 days until then: `loyal_gone_silent` from day 69 on."""
ASKED_ON = 75


def at(day: int, ms: int = NOON_MS) -> int:
    return (FIRST_DAY + day) * DAY_MS + ms


def buys() -> list[Event]:
    days = range(0, SILENT_FROM + 1, 9)
    return [purchase(at_ms=at(day), amount=10.0, currency="USD", id=f"p{day}") for day in days]


def asks(day: int = ASKED_ON) -> list[Event]:
    return [
        ticket(at_ms=at(day, NOON_MS + 60_000 * number), category="other", id=f"t{day}-{number}") for number in range(3)
    ]


def told(events: list[Event], until: int, rules: Rules = RULES) -> dict[str, list[AlertV1]]:
    """The revisions of the two signals, in order, after the boundary `until` was reviewed."""
    outcome = oracle(rules, events, at(until, 7_200_000))
    texts = chain.from_iterable(payloads for key, payloads in outcome.told.items() if key[0] == "alert")
    alerts = sorted(map(decode_alert, texts), key=lambda alert: (alert.signal, alert.starts_at, alert.revision))
    return {signal: list(found) for signal, found in groupby(alerts, key=lambda alert: alert.signal)}


def life(alerts: list[AlertV1]) -> list[tuple[int, str, str, tuple[str, ...]]]:
    return [(alert.revision, alert.status, alert.severity, alert.corroborated_by) for alert in alerts]


def test_silence_and_trouble_make_each_other_critical_at_midnight_and_error_again_afterwards() -> None:
    found = told([*buys(), *asks()], ASKED_ON + 8)
    trouble, silence = "support_spike", "loyal_gone_silent"
    course = [key for key, _ in groupby((alert.severity, alert.corroborated_by) for alert in found[silence])]
    assert course == [("error", ()), ("critical", (trouble,)), ("error", ())]
    assert [alert.revision for alert in found[silence]] == [1, 2, 3, 4]
    assert [alert.stage for alert in found[silence]] == ["active", "active", "lapsed", "lapsed"]  # the third says that
    assert life(found[trouble]) == [
        (1, "firing", "error", ()),  # announced at once
        (2, "updated", "critical", (silence,)),
        (3, "updated", "critical", (silence,)),
        (4, "resolved", "critical", (silence,)),
    ]
    assert found[silence][1].summary.endswith(" Critical: support_spike open as well.")
    assert "Critical" not in found[silence][-1].summary
    assert "Critical" not in found[trouble][-1].summary


def test_the_revision_comes_at_the_boundary_even_if_silence_changes_nothing_for_the_alert_itself() -> None:
    found = told([*buys(), *asks()], ASKED_ON + 1)
    before, after = found["loyal_gone_silent"]
    assert before.observed_at == after.observed_at == f"{date_of(FIRST_DAY + 69)}T00:00:00Z"
    assert after.due_at == before.due_at
    assert told([*buys(), *asks()], ASKED_ON).get("loyal_gone_silent") == [before]


def test_an_alert_that_begins_beside_an_open_one_is_critical_from_its_first_revision() -> None:
    found = told([*buys(), *asks(66)], 69)
    assert life(found["loyal_gone_silent"]) == [(1, "firing", "critical", ("support_spike",))]
    assert life(found["support_spike"])[-1] == (3, "updated", "critical", ("loyal_gone_silent",))


def test_another_catalogue_takes_back_what_it_no_longer_calls_grave_at_the_next_midnight() -> None:
    before = Replay(RULES, 1)
    for event in sorted([*buys(), *asks()], key=lambda event: event.time_ms):
        before.take(event)
    before.until(at(ASKED_ON + 1, 7_200_000))
    assert before.drain()
    milder = merged(catalogue(), {"signals": {**ONE_SILENCE, "support_spike": {"severity": "warning", **PATIENT}}})
    partition = load(freeze(before.partitions[0]).to_bytes(), without_model(build_rules(milder)))
    partition.lift(at(ASKED_ON + 2, 7_200_000), [0, 1, 2, 3])
    alerts = [message for message in partition.drain() if isinstance(message, AlertV1)]
    assert {alert.signal: life([alert])[0][1:] for alert in alerts} == {
        "support_spike": ("updated", "warning", ()),
        "loyal_gone_silent": ("updated", "error", ()),
    }
    assert len(alerts) == 2


def test_what_reads_the_same_feed_is_no_second_witness() -> None:
    witnesses = witnesses_of(default_rules())
    assert witnesses["churn_risk"] == {"support_spike", "repeated_complaints"}
    assert "churn_risk" in witnesses["support_spike"]
    silences = {"churn_risk", "loyal_gone_silent", "dormant_high_value", "purchase_drop_and_silence"}
    assert not any(witnesses[one] & silences for one in silences)
    assert "support_spike" not in witnesses["repeated_complaints"]


def test_only_negative_signals_of_severity_error_take_part() -> None:
    grave = {signal.id for signal in RULES.signals if (signal.polarity, signal.severity) == ("negative", "error")}
    assert witnesses_of(RULES).keys() == grave
    assert all(others <= grave for others in witnesses_of(RULES).values())


@pytest.mark.parametrize("stage_reads", ["purchase", "activity"])
def test_a_stage_is_evidence_of_what_restarts_its_clock(stage_reads: str) -> None:
    own = catalogue()
    own["lifecycle"]["silence"] = stage_reads
    found = witnesses_of(build_rules(own)).get("dormant_high_value", frozenset())
    assert ("support_spike" in found) == (stage_reads == "purchase")


def test_the_severities_known_beforehand_have_critical_for_who_can_be_corroborated() -> None:
    known = severities(RULES)
    assert ("support_spike", "error") in known
    assert ("support_spike", "critical") in known
    assert ("usage_drop", "error") in known, "once it is escalated"
    assert ("usage_drop", "critical") not in known
    assert len(known) == len(set(known))
