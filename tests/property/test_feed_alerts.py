"""What becomes of the alerts of feeds is what the reference says, whatever is said of them and whoever owns them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from models.catalogue.catalogue import build_rules
from models.catalogue.rules import Rules
from property.test_reference import differences, quick
from reference.run import moments_of, run
from schemas.alert import AlertV1
from schemas.event_time import LAST_MS
from schemas.instant import from_rfc3339
from support.builders import DAY_MS
from support.silences import silent_history
from support.spoken import spoken_of, with_commands
from support.troubled import catalogue
from support.upsets import ZONES, outages


def of_feeds(alerts: Iterable[AlertV1]) -> list[AlertV1]:
    return [one for one in alerts if one.is_of_feed]


@quick
@given(st.data(), st.integers(0, 9_999), st.sampled_from(ZONES))
def test_what_is_said_of_the_alerts_of_feeds_comes_to_what_the_reference_says(
    data: st.DataObject, seed: int, zone: str
) -> None:
    """By catalogues of other owners and severities, some of whom escalate to nobody; before it begins and behind it."""
    own = catalogue() | {"owners": {"Platform": {"escalate_to": "Head of Platform"}}}
    arrivals, changes = silent_history(Random(seed), range(4)), dict[int, Rules]()
    for place in (0, 2 * len(arrivals) // 3, 3 * len(arrivals) // 4):
        outage = data.draw(outages().filter(lambda one: one != "off")) | {"chance": 0.4, "weeks": 2}
        changes[place] = build_rules(own | {"outage": outage}, zone=zone)
    until_ms = max(event.time_ms for event in arrivals) + 20 * DAY_MS
    told = of_feeds(run(list(moments_of(arrivals, changes, until_ms))).alerts)
    said = data.draw(with_commands(told, sorted(arrivals, key=lambda one: one.time_ms)))
    assert differences(changes, said, until_ms, seed=seed) == []


def test_alerts_of_feeds_are_taken_on_put_off_and_passed_on() -> None:
    """Everything that the comparison before is about happens in some history."""
    own = catalogue() | {"owners": {"Platform": {"escalate_to": "Head of Platform"}}}
    outage = {"chance": 0.4, "weeks": 2}
    first = build_rules(own | {"outage": outage | {"respond_hours": 30, "severity": "warning"}})
    later = build_rules(own | {"outage": outage | {"owner": "Support"}})
    seen = Counter[str]()
    for seed in range(5):
        arrivals = silent_history(Random(seed), range(4))
        changes, until_ms = {0: first, 4 * len(arrivals) // 5: later}, arrivals[-1].time_ms + 20 * DAY_MS
        told = of_feeds(run(list(moments_of(arrivals, changes, until_ms))).alerts)
        said = spoken_of(lasting(told), sorted(arrivals, key=lambda one: one.time_ms), Random(seed))
        outcome = run(list(moments_of(said, changes, until_ms)))
        assert differences(changes, said, until_ms, seed=seed) == []
        for one in of_feeds(outcome.alerts):
            seen["acknowledged"] += one.acknowledged_by is not None
            seen["answered"] += one.outcome is not None
            seen["told of a snooze"] += one.snoozed_until is not None
            seen["escalated"] += (one.escalated_to, one.severity) == ("Head of Platform", "error")
            seen["another owner"] += one.owner == "Support" and one.status == "updated"
            seen["over"] += one.ended_because == "over"
        seen.update(one.rule for one in outcome.suppressed if one.alert.is_of_feed)
        seen.update(one.reason or "done" for one in outcome.receipts)
    happened = {name for name, count in seen.items() if count}
    assert happened == {
        "acknowledged", "answered", "told of a snooze", "escalated", "another owner", "over", "snoozed", "done",
        "no_open_alert", "already_over", "too_late",
    }  # fmt: skip


def lasting(alerts: Sequence[AlertV1]) -> list[AlertV1]:
    """First revisions, those of outages that last for days several times: more is said of them."""
    ends = {one.alert_id: from_rfc3339(one.ends_at) for one in alerts if one.ends_at is not None}
    first = [one for one in alerts if one.revision == 1]
    long = [one for one in first if ends.get(one.alert_id, LAST_MS) > from_rfc3339(one.observed_at) + 3 * DAY_MS]
    return [*first, *long * 12]
