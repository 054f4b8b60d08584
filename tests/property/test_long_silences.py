"""Who comes back after a silence longer than the days that are kept is told of as the reference says."""

from __future__ import annotations

from random import Random

import pytest

from models.catalogue.catalogue import build_rules
from models.catalogue.rules import Rules
from property.test_reference import days_of_all_feeds, differences
from schemas.event import Event
from support.builders import DAY_MS, HOUR_MS
from support.tries import tries
from support.troubled import FIRST_DAY, catalogue, make_event
from support.upsets import extra_signal

FEEDS = (
    ["purchase", "login", "ticket"], ["purchase", "login"], ["purchase"], ["login"], ["ticket", "purchase"],
    ["login", "email"], ["ticket", "email"], ["purchase", "login", "ticket", "email"],
)  # fmt: skip
BACK = 405
"""The day around which customers return: what they did at first is then no longer kept."""


def rules_of(dice: Random, feeds: list[str]) -> Rules:
    """A catalogue with few signals that read clocks and stages."""
    own = catalogue() | {"feeds": feeds, "experiment": {"holdout": 0}, "outage": "off"}
    own["signals"] = {
        "reactivated": own["signals"]["reactivated"],
        "quiet": extra_signal("days_since_activity >= 4", "days_since_activity < 4", "days_since_activity"),
        "no_login": extra_signal("days_since_login >= 4", "days_since_login < 4", "days_since_login"),
        "no_purchase": extra_signal("days_since_purchase >= 4", "days_since_purchase < 4", "days_since_purchase"),
    }
    dormant = dice.choice((5, 60, 200))
    own["lifecycle"] = {
        "silence": dice.choice(("purchase", "activity")), "dormant_days": dormant, "churned_days": dormant + 30,
        "reactivated_days": dice.choice((7, 30, 300)),
    }  # fmt: skip
    return build_rules(own)


def history(dice: Random, customers: int = 4) -> list[Event]:
    """A few days of customers, a silence of all but the clock, and days on which they return; some events come late."""
    arriving: list[tuple[int, Event]] = [(one.time_ms, one) for one in days_of_all_feeds(0, 3)]
    arriving += [(one.time_ms, one) for one in days_of_all_feeds(BACK - 8, BACK + 30)]
    for number in range(12 * customers):
        day = dice.choice((0, 0, 1, 2, *range(BACK - 3, BACK + 20)))
        at_ms = (FIRST_DAY + day) * DAY_MS + dice.randrange(24) * HOUR_MS
        event = make_event(dice.choice((0, 0, 1, 2)), f"c{number % customers}", at_ms, number, dice.randrange(60))
        arriving.append((at_ms + dice.choice((0, 0, 2, 5)) * DAY_MS * (day > BACK - 8), event))
    return [event for _, event in sorted(arriving, key=lambda one: one[0])]


@pytest.mark.parametrize("seed", range(tries(12)))
def test_late_events_leave_a_return_after_a_long_silence_as_the_reference_says(seed: int) -> None:
    dice = Random(seed)
    rules = rules_of(dice, dice.choice((["purchase", "login", "ticket"], ["purchase", "login"], ["purchase"])))
    assert differences({0: rules}, history(dice), seed=seed) == []


def test_who_bought_before_purchases_were_declared_does_not_return_by_logging_in() -> None:
    dice = Random(1)
    without, rules = rules_of(dice, ["login", "ticket"]), rules_of(Random(1), ["purchase", "login", "ticket"])
    bought = make_event(0, "c1", FIRST_DAY * DAY_MS, 1, 3)
    seen = make_event(1, "c1", (FIRST_DAY + BACK + 5) * DAY_MS, 2, 3)
    before = [bought, *days_of_all_feeds(0, 1), *days_of_all_feeds(BACK, BACK + 2)]
    arrivals = [*before, seen, *days_of_all_feeds(BACK + 5, BACK + 8)]
    assert rules.basis.lifecycle.silence == "purchase"
    assert differences({0: without, len(before): rules}, arrivals) == []


@pytest.mark.parametrize("seed", sorted({4, 5, *range(tries(16))}))
def test_clocks_of_other_feeds_are_known_however_long_ago_they_stopped(seed: int) -> None:
    dice = Random(seed)
    days = {*range(3), *dice.sample(range(60), 4), *dice.sample(range(560, 640), 9), *range(585, 600)}
    arriving = [(one.time_ms, one) for day in days for one in days_of_all_feeds(day, day)]
    for number in range(40):
        day = dice.choice((0, 1, dice.randrange(60), dice.randrange(60), dice.randrange(60, 640)))
        at_ms = (FIRST_DAY + day) * DAY_MS + dice.randrange(24) * HOUR_MS
        event = make_event(dice.randrange(4), f"c{number % 6}", at_ms, number, dice.randrange(60))
        arriving.append((at_ms + dice.choice((0, 0, 0, 2, 5)) * DAY_MS * (day > 10), event))
    arrivals = [event for _, event in sorted(arriving, key=lambda one: one[0])]
    changes = {place: rules_of(dice, dice.choice(FEEDS)) for place in (0, *dice.sample(range(1, len(arrivals)), 2))}
    assert differences(dict(sorted(changes.items())), arrivals, seed=seed) == []
