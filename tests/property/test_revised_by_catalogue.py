"""An open alert is revised when its owner or severity changes with the catalogue, whatever hides its customer then."""

from __future__ import annotations

from random import Random
from typing import Any, Final

import pytest

from models.catalogue.catalogue import build_rules
from models.catalogue.rules import Rules
from property.test_reference import days_of_all_feeds, differences
from reference.run import moments_of, run
from schemas.command import Command
from schemas.event import Event
from support.builders import DAY_MS, HOUR_MS
from support.spoken import spoken_of
from support.tries import tries
from support.troubled import FIRST_DAY, catalogue, make_event
from support.upsets import CLOCK, extra_signal

DAYS: Final = 40
OWNERS: Final = ("Support", "Quality", "Nobody's")


def rules_by(owner: str, feeds: list[str], severity: str = "warning", **more: Any) -> Rules:
    """Two signals that everybody has from the first day on, and that may corroborate each other."""
    own = catalogue() | {"feeds": feeds, "outage": "off", "experiment": {"holdout": 0}} | more
    own["signals"] = {
        name: extra_signal(when, "slope_z > 100", "days_since_first", severity, owner=owner)
        for name, when in (("came", "days_since_first >= 0"), ("bought", "purchases(since start) >= 0"),
                           ("asked", "tickets(since start) >= 0"))
    }  # fmt: skip
    return build_rules(own)


def test_who_is_to_be_seen_again_is_told_of_by_the_catalogue_that_was_taken_up_meanwhile() -> None:
    came = [make_event(kind, "c1", (FIRST_DAY + day) * DAY_MS, day, 1) for kind, day in ((1, 0), (0, 15))]
    arrivals = sorted([*came, *days_of_all_feeds(0, 20)], key=lambda event: event.time_ms)
    changes = {
        0: rules_by("Support", ["purchase", "login"]),
        22: rules_by("Quality", ["purchase"]),
        41: rules_by("Nobody's", ["purchase"], "error"),
    }
    told = run(list(moments_of(arrivals, changes, None)), but=(CLOCK,)).alerts
    revised = [one for one in told if one.signal == "came" and one.owner != "Support"]
    assert [(one.owner, one.severity, one.starts_at[:10]) for one in revised][:1] == [
        ("Nobody's", "critical", "2024-10-05")
    ]
    assert differences(changes, arrivals) == []


@pytest.mark.parametrize("seed", sorted({14, 137, 214, *range(tries(16))}))
def test_what_hides_a_customer_at_the_change_keeps_no_alert_with_its_old_owner(seed: int) -> None:
    dice = Random(seed)
    events = history(dice)
    first, second, third = sorted(dice.sample(range(1, len(events)), 3))
    changes = {0: some_rules(dice), first: some_rules(dice), second: some_rules(dice), third: some_rules(dice)}
    until_ms = (FIRST_DAY + DAYS + 20) * DAY_MS
    known = run(list(moments_of(events, changes, until_ms)), but=(CLOCK,))
    alerts = [*known.alerts, *(one.alert for one in known.suppressed)]
    arrivals: list[Event | Command] = spoken_of(
        sorted((one for one in alerts if not one.is_of_feed), key=lambda one: (one.customer_id, one.alert_id)),
        events, dice,
    )  # fmt: skip
    assert differences(changes, arrivals, until_ms, seed=seed) == []


def some_rules(dice: Random) -> Rules:
    """Anybody owns the signals, of any severity; any feeds are declared, and anything may hide a customer."""
    feeds = dice.choice((["purchase", "login", "ticket"], ["purchase", "ticket"], ["purchase"], ["login"], ["ticket"]))
    return rules_by(
        dice.choice(OWNERS), feeds, dice.choice(("warning", "error", "error")),
        attention={"contact_days": dice.choice((0, 3, 30))},
        experiment={"holdout": dice.choice((0, 0.5)), "salt": "s"},
        outage=dice.choice(("off", {"chance": 0.4, "weeks": 2})),
    )  # fmt: skip


def history(dice: Random, customers: int = 6) -> list[Event]:
    """Customers who each use some feeds alone; some feeds fall silent for a while."""
    events: list[Event] = days_of_all_feeds(0, DAYS)
    for number in range(30 * customers):
        who, day = number % customers, dice.randrange(DAYS)
        at_ms = (FIRST_DAY + day) * DAY_MS + dice.randrange(24) * HOUR_MS
        kinds = ((0,), (1,), (2,), (0, 1), (1, 2), (0, 1, 2))[who % 6]
        events.append(make_event(dice.choice(kinds), f"c{who}", at_ms, number, dice.randrange(60)))
    return sorted(events, key=lambda event: event.time_ms)
