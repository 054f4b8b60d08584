"""Constants that run on their way: told by partitions, added up by the learner, carried by versions, told to people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final, cast

import msgspec
import numpy as np
import pytest

from models.catalogue.catalogue import build_rules
from models.catalogue.overlay import merged
from models.catalogue.rules import Rules, without_model
from models.customers.customers import Customers
from models.customers.distributions import Counted, running_values, told_of
from models.customers.sketch import BUCKETS, Counts, sketched
from models.engine.arrivals import Arrival
from models.engine.learning_replay import LearningReplay
from models.engine.partition import Partition
from models.engine.replay import Replay
from models.engine.snapshot import freeze, load
from models.learning.distribution_counts import DistributionCounts
from models.learning.learner import Learner
from models.measures.known_days import KnownDays
from models.scoring.scorer import Scorer
from models.scoring.version import Version, counted_of
from models.what_if.changes import changes
from schemas.alert import AlertV1
from schemas.event import FEEDS, Event
from schemas.example import Lesson, LessonError, LessonV1, ProgressV1, decode_lesson, encode_lesson
from schemas.model import ModelStateError
from schemas.model_version import (
    DistributionsV1,
    ModelVersionV1,
    decode_model_version,
    encode_model_version,
    sealed,
)
from streams.cli.model import shown_lines, shown_version
from support.builders import DAY_MS, purchase
from support.closing import Closing
from support.lessons import FIRST_WEEK, RULES, WEEKLY, lessons
from support.program import run
from support.troubled import FIRST_DAY, catalogue

OWN: Final[dict[str, Any]] = {
    "constants": {
        "second_purchase_days": {"start": 60, "quantile": 0.75, "of": "days_to_second_purchase"},
        "high_spend": {"start": 300, "quantile": 0.8, "of": "spend_total"},
    }
}
SPEND, SECOND = "spend_total in USD", "days_to_second_purchase within 120 days"


def rules(**more: Any) -> Rules:
    return build_rules(merged(catalogue(), OWN | more))


def counts(*values: int) -> Counts:
    return sketched(np.array(values))


# -- what a partition tells


def told(bought: Sequence[tuple[str, int, float]], boundary: int, **more: Any) -> dict[str, Counts]:
    """Of customers who bought on days since the first, for so much."""
    events = [
        purchase(who, (FIRST_DAY + day) * DAY_MS + number, amount, currency="USD", id=f"p{number}")
        for number, (who, day, amount) in enumerate(bought)
    ]
    return told_of(_closed(rules(**more), events, FIRST_DAY + boundary))


def _closed(of: Rules, events: Sequence[Event], boundary: int) -> Customers:
    closing = Closing(of.basis, events)
    for _ in closing.until(boundary):
        pass
    return closing.customers


def test_second_purchases_count_of_who_was_followed_for_long_enough_and_if_they_came_before_that() -> None:
    seconds = {"twice": 0, "soon": 9, "last": 120, "behind": 121}
    bought = [(who, at, 1.0) for who, second in seconds.items() for at in (0, second)]
    assert told(bought, 120)[SECOND] == ()
    assert told(bought, 121)[SECOND] == counts(0, 9, 120)
    assert told([*bought, ("new", 5, 1.0), ("new", 9, 1.0)], 125)[SECOND] == counts(0, 9, 120)
    assert told([*bought, ("new", 5, 1.0), ("new", 9, 1.0)], 126)[SECOND] == counts(0, 4, 9, 120)
    assert told(bought, 200, lifecycle={"churned_days": 60})["days_to_second_purchase within 60 days"] == counts(0, 9)


def test_spend_counts_of_who_spent_anything_and_nothing_without_purchases() -> None:
    bought = [("one", 0, 10.0), ("one", 3, 0.55), ("free", 1, 0.0), ("big", 2, 4000.0)]
    assert told(bought, 2)[SPEND] == counts(1000)
    assert told(bought, 9)[SPEND] == counts(1055, 400_000)
    assert told(bought, 9, feeds=["login"]) == {SECOND: (), SPEND: ()}
    assert told_of(_closed(build_rules(catalogue()), [], FIRST_DAY)) == {}


def test_values_hold_from_200_on_and_only_of_what_was_counted_before() -> None:
    basis = rules().basis
    known = {SPEND: counts(*[1000] * 160, *[50_000] * 40), SECOND: counts(*[3] * 199)}
    assert running_values(basis, Counted(5, known), 6) == {"second_purchase_days": 60, "high_spend": 10.0}
    known = {SPEND: counts(*[1000] * 159, *[50_000] * 41), SECOND: counts(*[3] * 200)}
    assert running_values(basis, Counted(5, known), 6) == {"second_purchase_days": 3, "high_spend": 496.64}
    starts = {"second_purchase_days": 60, "high_spend": 300}
    assert running_values(basis, Counted(6, known), 6) == running_values(basis, None, 6) == starts
    other = rules(lifecycle={"churned_days": 90}).basis
    assert running_values(other, Counted(5, known), 6)["second_purchase_days"] == 60, "it was counted within 120 days"


def test_what_lost_days_are_left_out_of_reads_the_same_constants() -> None:
    closing = Closing(rules().basis, [purchase("c", FIRST_DAY * DAY_MS, id="p")])
    for _ in closing.until(FIRST_DAY + 1):
        pass
    as_of = closing.as_of()
    as_of.running = {"high_spend": 7}
    assert KnownDays(as_of).running == {"high_spend": 7}


# -- added up


def test_only_what_every_partition_told_of_the_same_boundary_is_a_sum() -> None:
    found = DistributionCounts(2)
    found.take(7, 0, {SPEND: counts(1, 1, 200), SECOND: counts(4)}, 10)
    found.take(8, 1, {SPEND: counts(5)}, 11)
    assert found.as_of(7) == {}
    found.take(7, 1, {SPEND: counts(1, 3)}, 12)
    for _ in range(2):
        assert found.as_of(7) == {SPEND: counts(1, 1, 1, 3, 200)}
        found.take(7, 0, {SPEND: counts(9)}, 13)  # told again, after a crash
    assert (found.as_of(8), found.resume_at(20)) == ({}, 10)
    found.forget(8)
    found.take(7, 0, {SPEND: counts(1)}, 14)
    assert (found.as_of(7), found.resume_at(20)) == ({}, 11)


WEEKS: Final = 20


@cache
def examples() -> tuple[Lesson, ...]:
    """What two partitions tell of each day of some weeks; one is a few days behind the other."""
    known = [one for one in lessons(WEEKS) if isinstance(one, LessonV1)]
    behind: list[Lesson] = []
    found: list[Lesson] = []
    for week in range(WEEKS):
        found += known[80 * week : 80 * (week + 1)]
        for day in range(7 * (FIRST_WEEK + week), 7 * (FIRST_WEEK + week + 1)):
            found.append(marker(0, day))
            behind.append(marker(1, day))
            if len(behind) > 4:
                found += behind[:3]
                del behind[:3]
    return (*found, *behind)


def marker(partition: int, day: int) -> ProgressV1:
    at = RULES.basis.calendar.text_of(day)
    own = counts(*range(100, 100 + day % 90 + partition))
    return ProgressV1(partition, at, at, None, distributions={SPEND: own, SECOND: own[: day % 7]})


def versions_of(
    given: Sequence[Lesson], known: ModelVersionV1 | None = None, first: int = 0
) -> Iterator[ModelVersionV1]:
    learner = Learner(RULES, WEEKLY, 2, known)
    for offset, lesson in enumerate(given[first:], start=first):
        learner.take(lesson, offset)
        if offset % 60 == 0:
            yield from learner.versions()
    yield from learner.versions()


def test_versions_carry_the_sum_as_of_the_day_until_which_was_learned_whatever_the_order() -> None:
    given = list(examples())
    truth = list(versions_of(given))
    assert len(truth) > 10
    for one in truth:
        assert isinstance(one.distributions, DistributionsV1)
        assert one.distributions.as_of == one.learned_until
        day = RULES.basis.calendar.day_of_text(one.learned_until)
        values = [*range(100, 100 + day % 90), *range(100, 100 + day % 90 + 1)]
        assert one.distributions.counts[SPEND] == counts(*values)
        assert one.distributions.counts.keys() == ({SPEND, SECOND} if day % 7 else {SPEND})
        assert counted_of(decode_model_version(encode_model_version(one, 3))) == Counted(day, one.distributions.counts)
    Random(1).shuffle(given)
    again = Learner(RULES, WEEKLY, 2)
    for offset, lesson in enumerate([*given, *given[:500]]):
        again.take(decode_lesson(encode_lesson(lesson)), offset)
    assert [one.version for one in again.versions()] == [one.version for one in truth]


def test_a_learner_that_goes_on_from_any_version_carries_the_same_sums() -> None:
    truth = list(versions_of(examples()))
    for place in (0, len(truth) // 2, len(truth) - 2):
        one = truth[place]
        known = decode_model_version(encode_model_version(one, 1))
        again = list(versions_of(examples(), known, known.resume_offset))
        assert [found.version for found in again] == [found.version for found in truth[place + 1 :]]


@pytest.mark.parametrize("own", [((BUCKETS, 1),), ((-1, 1),), ((0, 0),), ((0, -5),), ((0, 1 << 60),)])
def test_counts_that_are_none_are_refused_by_learner_and_worker(own: Counts) -> None:
    wrong = msgspec.structs.replace(marker(0, 700), distributions={SPEND: own})
    with pytest.raises(LessonError, match="distributions at 1971-12-02"):
        Learner(RULES, WEEKLY, 1).take(wrong, 0)
    version = next(versions_of(examples()))
    told_wrong = DistributionsV1(version.learned_until, {SPEND: own})
    with pytest.raises(ModelStateError, match="shape: distributions: spend_total in USD is not counted in buckets"):
        counted_of(sealed(msgspec.structs.replace(version, distributions=told_wrong)))


def test_a_boundary_that_is_none_is_refused() -> None:
    version = next(versions_of(examples()))
    wrong = sealed(msgspec.structs.replace(version, distributions=DistributionsV1("yesterday", {})))
    with pytest.raises(ModelStateError, match="undecodable"):
        decode_model_version(encode_model_version(wrong, 1))


# -- decided and told


@cache
def buyers() -> list[Event]:
    """Customers of whom most buy once or twice, for more as time goes on."""
    dice, found = Random(4), list[Event]()
    for number in range(140):
        day = dice.uniform(0, 90)
        for order in range(dice.choice((1, 2, 2, 2, 3))):
            at_ms, name = int((FIRST_DAY + day) * DAY_MS), f"{number}-{order}"
            found.append(purchase(f"c{number}", at_ms, 10 + day, currency="USD", id=name, order_id=name))
            day += dice.expovariate(1 / 20)
    return sorted(found, key=lambda one: one.time_ms)


def decided(replay: Replay) -> list[AlertV1]:
    for one in buyers():
        replay.take(one)
    found = [one for one in replay.drain() if isinstance(one, AlertV1)]
    return sorted(found, key=lambda one: (one.alert_id, one.revision))


def thresholds(alerts: Sequence[AlertV1], signal: str) -> set[float | None]:
    return {one.threshold for one in alerts if one.signal == signal}


def test_constants_run_where_a_model_is_learned_whatever_the_number_of_partitions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("models.customers.sketch.MIN_VALUES", 40)
    starts = {name: one | {"start": 20} for name, one in OWN["constants"].items()}
    lifecycle = {"churned_days": 25, "dormant_days": 15}
    own = rules(feeds=["purchase"], lifecycle=lifecycle, model={"horizon_days": 28}, constants=starts)
    alerts = decided(LearningReplay(own, 1))
    assert len(thresholds(alerts, "dormant_high_value")) > 3
    waits = thresholds(alerts, "first_purchase_only")
    assert 20 in waits
    assert min(one for one in waits if one) < 18
    assert decided(LearningReplay(own, 3)) == alerts
    assert thresholds(decided(Replay(without_model(own), 1)), "first_purchase_only") == {20}


def test_a_snapshot_holds_the_constants_that_decided() -> None:
    own = rules(lifecycle={"churned_days": 80})
    partition = Partition(own)
    known = {SPEND: counts(*[1000] * 160, *[50_000] * 140)}
    version = Version("v", 1 << 29, cast("Scorer", None), None, Counted(FIRST_DAY, known))
    partition.versions = lambda _boundary: version
    partition.observe([Arrival(one.feed, place, one) for place, one in enumerate(buyers()[:50])])
    partition.lift((FIRST_DAY + 20) * DAY_MS + 3_600_000, range(len(FEEDS)))
    assert partition.review.as_of.running == {"second_purchase_days": 60, "high_spend": 496.64}
    data = freeze(partition).to_bytes()
    assert load(data, own).review.as_of.running == partition.review.as_of.running
    other = merged(catalogue(), OWN | {"constants": {"third": {"start": 3, "quantile": 0.5, "of": "purchases_total"}}})
    assert load(data, build_rules(other)).review.as_of.running == {"third": 3}


def test_commands_say_where_constants_that_run_are(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    own = "base: default\nconstants: {high_spend: {start: 300, quantile: 0.8, of: spend_total}}\n"
    file.write_text(own)
    done = run("catalogue", "check", str(file))
    note = "note: high_spend is 300 until 200 values of spend_total are known, then a 0.8 quantile of them"
    assert note in " ".join(done.out.split())
    file.write_text(own + "model: off\n")
    done = run("catalogue", "check", str(file))
    assert "high_spend stays 300: constants run by the model, which is off" in " ".join(done.out.split())


def test_model_show_says_what_constants_are_by_the_newest_version() -> None:
    version = next(versions_of(examples()))
    known = {SPEND: counts(*[1000] * 160, *[50_000] * 140), SECOND: counts(7)}
    version = msgspec.structs.replace(version, distributions=DistributionsV1(version.learned_until, known))
    lines = list(shown_lines(shown_version(version, 3, rules().basis)))
    assert "high_spend is 496.64: the 0.8 quantile of 300 values of spend_total" in lines
    assert "second_purchase_days is 60: of days_to_second_purchase there must be 200 values, and 1 are known" in lines
    assert shown_version(version, 3)["running"] == {}


def test_replay_against_says_how_a_constant_changes() -> None:
    found = {one.part: (one.before, one.after) for one in changes(build_rules(catalogue()), rules())}
    assert found["constants.high_spend"] == ("300", "300, later the 0.8 quantile of spend_total")
