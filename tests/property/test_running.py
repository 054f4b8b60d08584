"""Constants that run: what partitions count, what is made of it, and what is decided by it, against a plain recount."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from models.calendar import Calendar
from models.catalogue.catalogue import build_rules
from models.catalogue.rules import Rules
from models.config import Basis
from models.customers.distributions import DISTRIBUTIONS, Counted
from models.customers.entries import MAX_SUM
from models.customers.sketch import BUCKETS, MIN_VALUES, Counts, least_of, quantile, sketched
from models.scoring.scorer import Scorer
from models.scoring.version import Version
from property.test_arrival import IN_STEP, scattered
from property.test_reference import keyed
from reference import counted
from reference.life import Risks
from reference.run import moments_of, run
from schemas.alert import AlertV1
from schemas.command import Command
from schemas.event import Event
from schemas.example import ProgressV1
from support.builders import DAY_MS
from support.driven import Driven, engine_outcome
from support.one_partition import PATTERNS, Kind, differences, logs_of, told_again
from support.one_partition import run as run_workers
from support.silences import silent_history
from support.spoken import ERASING, with_commands
from support.tries import tries
from support.troubled import FIRST_DAY, catalogue, rich_history
from support.upsets import CLOCK, ZONES, catalogues, end_of, extra_signal, some_risk, successors, troubled_arrivals

quick = settings(
    max_examples=tries(8), derandomize=True, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
BEYOND: Final = 1 << 29
"""Until when the versions here learned: they say nothing of risks, whatever the boundary."""
SCALES: Final = {"days_to_second_purchase": 60, "spend_total": 40_000, "purchases_total": 9}
"""How large values are about, in whole numbers."""


def running(of: str, share: float, start: float = 5) -> dict[str, Any]:
    return {"start": start, "quantile": share, "of": of}


def runs(own: dict[str, Any], draw: st.DrawFn | None = None) -> dict[str, Any]:
    """A catalogue with constants that run, and signals that read them in every place."""

    def share() -> float:
        return 0.75 if draw is None else draw(st.sampled_from((0.05, 0.5, 0.75, 0.8)))

    own["constants"] = {
        "second_purchase_days": running("days_to_second_purchase", share()),
        "high_spend": running("spend_total", share()),
        "many": running("purchases_total", share(), 2),
        "two": 2,
    }
    away = extra_signal("days_since_activity > second_purchase_days / two", "purchases_total > many", "purchases_total")
    away["score"]["threshold"] = "many + 1"
    away["values"] |= {"spent": "spend_total - high_spend", "limit": "high_spend"}
    away["clears_when"] = "more than {limit} {currency}"
    own["signals"]["away_for_long"] = away
    return own


@st.composite
def running_catalogues(draw: st.DrawFn) -> dict[str, Any]:
    return runs(draw(catalogues()), draw)


# -- what versions say


def values_of(basis: Basis, boundary: int) -> tuple[int, dict[str, list[int]]] | None:
    """What a version passed at a boundary counted: as of when, and values by name; now and then none, or too few."""
    dice = random.Random(boundary)
    if dice.random() < 0.2:
        return None
    known: dict[str, list[int]] = {}
    for of, scale in SCALES.items():
        count = dice.choice((MIN_VALUES - 1, MIN_VALUES, 450))
        known[counted.name_of(of, basis)] = [int(dice.expovariate(1 / scale)) for _ in range(count)]
    return boundary - dice.choice((-1, 0, 1, 1, 2, 5)), known


def version_by(basis: Basis, boundary: int) -> Version | None:
    """The same as a version, in the buckets of the wire."""
    found = values_of(basis, boundary)
    if found is None:
        return None
    as_of, known = found
    return Version(f"v{boundary}", BEYOND, cast("Scorer", None), None, Counted(as_of, in_buckets(known)))


def in_buckets(known: Mapping[str, Sequence[int]]) -> dict[str, Counts]:
    numbers = {least: number for number, least in enumerate(counted.LEASTS)}
    return {
        name: tuple(sorted(Counter(numbers[counted.cut(one)] for one in values).items()))
        for name, values in known.items()
    }


def in_force(basis: Basis, passed: int, judged: int) -> Mapping[str, float]:
    """What constants are at a boundary, by the version with which it, or one behind it, was passed."""
    found = values_of(basis, passed) if basis.learning else None
    if found is None or found[0] >= judged:
        return counted.worth(basis, {})
    return counted.worth(basis, found[1])


class DrivenByVersions(Driven):
    """With another version of the model at each boundary."""

    told_by_last: Sequence[Any] = ()

    def version_of(self, boundary: int) -> Version | None:
        return version_by(self.partition.rules.basis, boundary)

    def finish(self, until_ms: int | None) -> Any:
        found = super().finish(until_ms)
        type(self).told_by_last = self.told
        return found


@st.composite
def running_runs(draw: st.DrawFn) -> tuple[dict[int, Rules], list[Event]]:
    """As `upset_runs`, with constants that run."""
    zone, own = draw(st.sampled_from(ZONES)), draw(running_catalogues())
    changes = {0: build_rules(own, zone=zone)}
    arrivals = draw(troubled_arrivals(changes[0]))
    for _ in range(draw(st.sampled_from((0, 1, 2)))):
        own = runs(draw(successors(own)), draw)
        changes[max(changes) + draw(st.integers(1, len(arrivals)))] = build_rules(own, zone=zone)
    return changes, arrivals


def apart(
    changes: dict[int, Rules], arrivals: Sequence[Event | Command], until_ms: int | None, risks: Risks | None, seed: int
) -> list[str]:
    """How the engine and the reference differ: in what is decided, and in what is told to the learner."""
    moments = list(moments_of(arrivals, changes, until_ms))
    found = engine_outcome(moments, until_ms, risks, seed, DrivenByVersions)
    truth = run(moments, risks=risks, but=(CLOCK,), running=in_force)
    told: list[str] = []
    for left, right in zip(keyed(found), keyed(truth), strict=True):
        keys = sorted((left.keys() | right.keys()) - {CLOCK})
        told += [f"{left.get(key)}\nis not\n{right.get(key)}" for key in keys if left.get(key) != right.get(key)]
    return told[:2] + _told_wrong(DrivenByVersions.told_by_last, counted.recounted(moments))


def _told_wrong(messages: Sequence[Any], truth: Mapping[int, Mapping[str, Counter[int]]]) -> list[str]:
    wrong, days = [], set()
    for one in messages:
        if not isinstance(one, ProgressV1):
            continue
        day = Calendar.day_of_text(one.boundary)
        days.add(day)
        assert isinstance(one.distributions, dict)
        told = {name: Counter({counted.LEASTS[b]: n for b, n in of}) for name, of in one.distributions.items()}
        expected = truth.get(day, {name: Counter() for name in told})
        wrong += [] if told == expected else [f"{one.boundary}: {told}\nis not\n{expected}"]
    return wrong[:2] + [f"{day} was not told" for day in sorted(truth.keys() - days)][:1]


@quick
@given(running_runs(), st.sampled_from((None, 5, 140)), st.sampled_from((None, some_risk)), st.integers(0, 999))
def test_whatever_versions_counted_the_reference_says_the_same(
    upset: tuple[dict[int, Rules], list[Event]], ahead: int | None, risks: Risks | None, seed: int
) -> None:
    changes, arrivals = upset
    assert apart(changes, arrivals, None if ahead is None else end_of(arrivals, ahead), risks, seed) == []


@quick
@given(running_catalogues(), st.integers(0, 9_999), st.sampled_from((None, 5)))
def test_feeds_that_go_silent_leave_constants_as_they_run(own: dict[str, Any], seed: int, ahead: int | None) -> None:
    own["outage"] = {"chance": 0.4, "weeks": 2}
    dice, rules = random.Random(seed), build_rules(own)
    arrivals = silent_history(dice, rules.basis.feeds)
    until_ms = None if ahead is None else max(event.time_ms for event in arrivals) + ahead * DAY_MS
    assert apart({0: rules}, arrivals, until_ms, None, seed) == []


@quick
@given(st.data(), running_runs(), st.integers(0, 999))
def test_who_is_erased_counts_no_more(
    data: st.DataObject, upset: tuple[dict[int, Rules], list[Event]], seed: int
) -> None:
    changes, events = upset
    until_ms = end_of(events, 5)
    told = run(list(moments_of(events, changes, until_ms)), but=(CLOCK,)).alerts
    assert apart(changes, data.draw(with_commands(told, events, ERASING)), until_ms, None, seed) == []


@pytest.mark.parametrize("seed", range(tries(3)))
def test_alerts_say_the_value_they_were_decided_by(seed: int) -> None:
    own = runs(catalogue() | {"lifecycle": {"churned_days": 40, "dormant_days": 20}})
    changes = {0: build_rules(own)}
    arrivals = sorted(rich_history(seed, customers=6, days=70), key=lambda event: event.time_ms)
    assert apart(changes, arrivals, arrivals[-1].time_ms + 30 * DAY_MS, None, seed) == []
    alerts = [one for one in DrivenByVersions.told_by_last if isinstance(one, AlertV1)]
    starts = {"away_for_long": 3, "first_purchase_only": 5, "dormant_high_value": 5}
    assert any(one.threshold != starts.get(one.signal, one.threshold) for one in alerts)
    rare = [one for one in alerts if one.signal == "first_purchase_only" and one.status == "firing"]
    assert all(f"within {one.threshold:g} day" in one.summary for one in rare)


# -- arrival, crashes, snapshots


@pytest.mark.parametrize("seed", range(tries(3)))
def test_lives_and_arrivals_agree_about_constants_that_run(seed: int) -> None:
    rules = build_rules(runs(catalogue()))
    logs = scattered(rich_history(seed, customers=6, days=50), random.Random(seed), 0.1)
    kind = Kind(versions=lambda boundary: version_by(rules.basis, boundary))
    for name in IN_STEP:
        found = run_workers(rules, logs, PATTERNS[name], random.Random(seed), crashes=5, kind=kind, max_frame=25)
        assert differences(found, told_again(rules, logs, found)) == [], name
        assert found.slips == []
    events = rich_history(seed, customers=6, days=50)
    always = version_by(rules.basis, FIRST_DAY + 1)
    assert always is not None
    kind = Kind(versions=lambda _boundary: always)
    one, *others = [
        run_workers(rules, logs_of(events), PATTERNS[name], random.Random(seed), crashes=4, kind=kind)
        for name in (*IN_STEP, "mixed")
    ]
    assert [differences(other, one) for other in others] == [[]] * len(others)


# -- the sketch


@given(st.lists(st.one_of(st.integers(0, 300), st.integers(0, MAX_SUM)), max_size=50))
def test_every_number_lies_in_the_bucket_whose_least_is_its_first_seven_digits(values: list[int]) -> None:
    found = sketched(np.array(values, np.int64))
    assert Counter({least_of(bucket): count for bucket, count in found}) == Counter(map(counted.cut, values))
    assert [least_of(bucket) for bucket in range(BUCKETS)] == list(counted.LEASTS)
    assert all(value * 63 // 64 <= counted.cut(value) <= value for value in values)


@given(
    st.lists(st.integers(0, 10_000), min_size=150, max_size=400),
    st.sampled_from((0.01, 0.25, 0.5, 0.75, 0.8, 0.9, 0.99)),
    st.integers(1, 9),
)
def test_a_quantile_is_the_same_however_many_told_of_the_values(values: list[int], share: float, parts: int) -> None:
    summed: Counter[int] = Counter()
    for part in range(parts):
        summed.update(dict(sketched(np.array(values[part::parts], np.int64))))
    assert quantile(summed.items(), share) == counted.quantile(values, share)


def test_what_is_counted_is_named_by_what_it_means() -> None:
    basis = build_rules(catalogue() | {"lifecycle": {"churned_days": 90}}).basis
    assert {one.key(basis) for one in DISTRIBUTIONS.values()} == {counted.name_of(of, basis) for of in SCALES}
    assert DISTRIBUTIONS["days_to_second_purchase"].key(basis) == "days_to_second_purchase within 90 days"
