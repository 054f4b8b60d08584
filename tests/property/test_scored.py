"""With a model that scores, alerts and what is at stake are still a function of the events and of its version."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from models.scoring.version import Version
from support.examples import scorer_of
from support.one_partition import DAY_MS, PATTERNS, Kind, by_time, differences, logs_of, run, told_again
from support.tries import tries
from support.troubled import FIRST_DAY, default_rules, rich_history

VERSION = Version("2026-01-05-00000000", FIRST_DAY, scorer_of(8, 200))


SCORED = Kind(versions=lambda _boundary: VERSION)


@pytest.mark.parametrize("seed", range(tries(4)))
def test_arrival_leaves_no_trace_in_what_is_at_stake(seed: int) -> None:
    assert not VERSION.scorer.is_cold
    rules, logs, end = default_rules(), logs_of(rich_history(seed, customers=4, days=150)), (FIRST_DAY + 180) * DAY_MS
    truth = run(rules, logs, by_time, random.Random(0), kind=replace(SCORED, spreads=False), until_ms=end)
    payloads = b"".join(payload for told in truth.told.values() for payload in told)
    for text in (b'"value_basis":"expected"', b'"value_basis":"last_year"', b'"severity":"critical"'):
        assert text in payloads
    for name in ("sorted", "e-mails to purchases", "mixed"):
        found = run(rules, logs, PATTERNS[name], random.Random(seed), crashes=4, kind=SCORED, until_ms=end)
        assert differences(found, truth) == [], name


@pytest.mark.parametrize("seed", range(tries(4)))
def test_a_boundary_is_judged_again_with_the_version_it_was_begun_with(seed: int) -> None:
    """Which version is in force when a boundary is passed is a race; what was recorded decides from then on."""
    dice, rules = random.Random(seed), default_rules()
    versions = [None, VERSION, *(replace(VERSION, name=f"v{n}", scorer=scorer_of(n, 200)) for n in (6, 9))]
    racing = Kind(versions=lambda _boundary: dice.choice(versions))
    logs = logs_of(rich_history(seed, customers=5, days=110))
    found = run(rules, logs, PATTERNS["mixed"], random.Random(seed), crashes=6, kind=racing)
    used = {passed.version for passed in found.begun.values()}
    assert len(used) > 1
    assert differences(found, told_again(rules, logs, found)) == []
