"""With a model that scores, alerts and what is at stake are still a function of the events and of its version."""

from __future__ import annotations

import random
from typing import Any

import pytest
from models.partition import Partition

from models.scoring.version import Version
from support.examples import taught
from support.one_partition import DAY_MS, PATTERNS, by_time, differences, logs_of, run
from support.troubled import FIRST_DAY, default_rules, rich_history

VERSION = Version("2026-01-05-00000000", FIRST_DAY, taught(8, 200).scorer())


class Scored(Partition):
    """A partition that has had the same version of the model all the time."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options | {"versions": lambda _boundary: VERSION})


@pytest.mark.parametrize("seed", range(2))
def test_arrival_leaves_no_trace_in_what_is_at_stake(seed: int) -> None:
    assert not VERSION.scorer.is_cold
    rules, logs, end = default_rules(), logs_of(rich_history(seed, customers=4, days=150)), (FIRST_DAY + 200) * DAY_MS
    truth = run(rules, logs, by_time, random.Random(0), made=Scored, until_ms=end)
    payloads = b"".join(payload for told in truth.told.values() for payload in told)
    for text in (b'"value_basis":"expected"', b'"value_basis":"last_year"', b'"severity":"critical"'):
        assert text in payloads
    for name, pattern in PATTERNS.items():
        found = run(rules, logs, pattern, random.Random(seed), crashes=4, made=Scored, until_ms=end)
        assert differences(found, truth) == [], name
