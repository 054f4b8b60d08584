"""Customers who come for the first time while a midnight is judged, after days on which a feed was down."""

from __future__ import annotations

from random import Random

import pytest

from models.catalogue.catalogue import build_rules
from property.test_reference import differences
from schemas.event import FEEDS
from support.builders import DAY_MS, HOUR_MS
from support.silences import silent_history
from support.tries import tries
from support.troubled import FIRST_DAY, catalogue, make_event


@pytest.mark.parametrize("seed", range(3, 3 + tries(16)))
def test_who_comes_while_a_midnight_is_judged_changes_nothing_of_others_behind_an_outage(seed: int) -> None:
    dice, own = Random(seed), catalogue() | {"outage": {"chance": 0.4, "weeks": 2}}
    own["lifecycle"] = {"silence": "activity", "dormant_days": 2, "churned_days": 9}
    arrivals = silent_history(dice, range(len(FEEDS)), days=45)
    for place in range(0, len(arrivals), 24):  # each of them may be the one that makes columns grow
        at_ms = arrivals[place].time_ms
        arrivals[place] = make_event(dice.randrange(4), f"n{place}", at_ms, 100_000 + place, dice.randrange(60))
    until_ms = (FIRST_DAY + 55) * DAY_MS + HOUR_MS
    assert differences({0: build_rules(own)}, arrivals, until_ms, seed=seed) == []
