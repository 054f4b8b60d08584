"""The model over columns says what it says of packed records, whoever stands beside and whatever comes late."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models.activity import fold
from models.customer import Customer, risks_in_force
from models.learning.crowd import Crowd
from models.learning.features import Past
from models.learning.foresight import Foresight, Insight
from models.oracle import Oracle
from models.worth import worth_of as worth_of_record

from models.config import Basis, Learning
from models.customers.arrays import Floats
from models.customers.columns import STAGE_NAMES
from models.labels import Question
from models.scoring.features import feature_names, features
from models.scoring.scoring import Scoring
from models.scoring.snapshots import is_in_risk_set
from models.scoring.version import Version
from models.scoring.worth import worth_of
from property.test_measures import pasts, quick
from schemas.event import Event
from schemas.example import encode_lesson
from support.closing import VERSION, Closing, at_risk, crowded
from support.examples import taught
from support.histories import Size, history
from support.troubled import FIRST_DAY, default_rules, rich_history

BASIS = default_rules().basis
ROUGH = 1e-3
"""Share of features that may differ in the last of 32 bits: logarithms of numpy are not those of the C library."""


class Records:
    """The same customers as packed records, looked at by the engine that came before."""

    def __init__(self, basis: Basis, events: Sequence[Event]) -> None:
        self.basis = basis
        self.customers: dict[str, Customer] = {}
        self._days: dict[int, list[Event]] = {}
        for event in events:
            self._days.setdefault(basis.calendar.day_of(event.time_ms), []).append(event)

    def close(self, day: int) -> None:
        """Fold what happened on a day."""
        for event in self._days.pop(day, ()):
            customer = self.customers.setdefault(event.customer_id, Customer())
            fold(customer, event, day, self.basis.rates)


def folded(basis: Basis, events: Sequence[Event]) -> dict[str, Customer]:
    records = Records(basis, events)
    for event in events:
        records.close(basis.calendar.day_of(event.time_ms))
    return records.customers


def assert_features(found: Floats, expected: Floats) -> int:
    """Equal but for the last of 32 bits, seldom; how many differ."""
    assert found.dtype == np.float64
    assert np.array_equal(found, found.astype(np.float32))
    ours, theirs = found.astype(np.float32), expected.astype(np.float32)
    assert np.all(ours >= np.nextafter(theirs, np.float32(-np.inf)))
    assert np.all(ours <= np.nextafter(theirs, np.float32(np.inf)))
    return int((ours != theirs).sum())


@pytest.mark.parametrize("feeds", [(0, 1, 2, 3), (0, 2), (0, 3), (0,)])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_features_are_those_of_the_records(zone: str, feeds: tuple[int, ...]) -> None:
    basis = replace(default_rules(zone).basis, feeds=feeds)
    events = rich_history(3, customers=20, days=470 if zone == "UTC" else 150, zone=zone, scale=0.5)
    closing, learning = Closing(basis, events), Learning(Question(60, 180))
    ids = closing.customers.roster.ids
    histories = {customer_id: Past(customer, basis) for customer_id, customer in folded(basis, events).items()}
    compared = differing = 0
    for boundary in closing.until(FIRST_DAY + 500):
        rows = np.arange(closing.customers.size, dtype=np.int32)
        silent = [histories[ids[row]].silent_days(boundary) for row in rows]
        known = np.array([days is not None and days <= 180 for days in silent])
        assert is_in_risk_set(closing.customers, rows, learning.question).tolist() == known.tolist()
        if boundary % 5:
            continue
        found = features(closing.customers, rows[known], boundary)
        assert found.shape == (known.sum(), len(feature_names(feeds)))
        vectors = [histories[ids[row]].vector(boundary) for row in rows[known]]
        differing += assert_features(found, np.array(vectors, np.float64).reshape(found.shape))
        compared += found.size
    assert compared > 5_000
    print(f"{differing} of {compared} features differ in the last of 32 bits")
    assert differing <= compared * ROUGH


@quick
@given(events=pasts(), ahead=st.integers(1, 130))
def test_features_of_any_history(events: list[Event], ahead: int) -> None:
    boundary = FIRST_DAY + ahead
    closing = Closing(BASIS, events)
    for _ in closing.until(boundary):
        pass
    past = Past(folded(BASIS, events)["c1"], BASIS)
    rows = at_risk(closing, Learning(Question(60, 365))) if closing.customers.boundary == boundary else np.empty(0, int)
    assert bool(len(rows)) == (past.silent_days(boundary) is not None)
    if len(rows):
        assert_features(features(closing.customers, rows, boundary), np.array([past.vector(boundary)]))


def test_a_row_alone_has_the_same_bits_as_among_all() -> None:
    events = rich_history(5, customers=60, days=120)
    closing = Closing(BASIS, events)
    for boundary in closing.until(FIRST_DAY + 121):
        if boundary % 20:
            continue
        rows = at_risk(closing, Learning())
        together = features(closing.customers, rows, boundary)
        risks = VERSION.risks(together)
        for place in range(len(rows)):
            alone = features(closing.customers, rows[place : place + 1], boundary)
            assert alone.tobytes() == together[place : place + 1].tobytes()
            assert VERSION.risks(alone)[0] == risks[place]


# -- whole runs against the records


def by_records(
    basis: Basis, learning: Learning, events: Sequence[Event], versions: dict[int, Version | None]
) -> Iterator[tuple[int, list[bytes], dict[str, Customer]]]:
    """What the engine over records says at each boundary."""
    foresight, crowd = Foresight(learning, basis), Crowd(learning.step_days)
    records = Records(basis, events)
    for boundary, version in versions.items():
        records.close(boundary - 1)
        foreseen = foresight.foresee(records.customers, boundary, Insight(version, crowd))
        yield boundary, sorted(output.payload for one in foreseen.values() for output in one.lessons), records.customers


def give_stages(closing: Closing, records: dict[str, Customer]) -> None:
    """Put the stages as of the boundary into the records, where they stand until the next one."""
    for customer_id, customer in records.items():
        customer.stage = STAGE_NAMES[closing.customers.columns.stage[closing.customers.roster.rows[customer_id]]]


LEARNINGS = {
    "default": Learning(),
    "anchored": Learning(anchor=FIRST_DAY + 20),
    "daily": Learning(Question(4, 30), step_days=1),
    "horizon_no_multiple": Learning(Question(30, 60), step_days=9),
    "four_weeks": Learning(Question(20, 90), step_days=28),
    "rare": Learning(Question(60, 120), step_days=45, anchor=FIRST_DAY + 10),
    "yearly": Learning(Question(14, 90), step_days=365),
}


@pytest.mark.parametrize("name", LEARNINGS)
def test_lessons_scores_ranks_and_worth_are_those_of_the_records(name: str) -> None:
    learning = LEARNINGS[name]
    basis = replace(BASIS, learning=learning)
    days = 60 if name == "daily" else 150
    events = crowded(11, 12, days)
    closing, end = Closing(basis, events), FIRST_DAY + days + 40
    cold = replace(VERSION, name="cold", scorer=replace(VERSION.scorer, is_cold=True))
    other = replace(VERSION, name="other", scorer=taught(9, 250).scorer())
    assert not other.scorer.is_cold
    chosen = [None, cold, VERSION, VERSION, other]
    versions = {b: chosen[min((b - FIRST_DAY) // 15, 4)] for b in range(closing.first + 1, end + 1)}
    told = by_records(basis, learning, events, versions)
    ranked = expected = 0
    scoring = Scoring(closing.customers, learning)
    for boundary in closing.until(end):
        _, lessons, records = next(told)
        found = scoring.review(versions[boundary])
        assert [lesson.customer_id for lesson in found] == sorted(
            (lesson.customer_id for lesson in found), key=closing.customers.roster.rows.__getitem__
        )
        assert sorted(map(encode_lesson, found)) == lessons
        if boundary % 3 == 0:
            known = compare_scores(closing, scoring, records, learning)
            ranked, expected = ranked + known[0], expected + known[1]
        give_stages(closing, records)
    assert expected > 100 or name == "yearly"
    assert ranked > 100 or name in ("yearly", "rare", "daily")


def test_lessons_of_a_replay_are_those_of_the_engine_over_records() -> None:
    events = history(Size(6_000, 400, 120), seed=3)
    oracle = Oracle(default_rules(), 2, 0, lambda _partition, _boundary: VERSION)
    published = [output for event in events for output in oracle.take(event)[1]] + oracle.finish()
    expected = sorted(output.payload for output in published if output.kind == "lesson")
    learning, found = default_rules().basis.learning, []
    assert learning is not None
    for place, partition in enumerate(oracle.partitions):
        own = [event for event in events if oracle.place_of(event.customer_id) == place]
        for _, _, lessons in Closing(BASIS, own).scored(learning, partition.state.boundary, VERSION):
            found += [encode_lesson(lesson) for lesson in lessons]
    assert len(expected) > 1_000
    assert sorted(found) == expected


def compare_scores(
    closing: Closing, scoring: Scoring, records: dict[str, Customer], learning: Learning
) -> tuple[int, int]:
    """Hold every customer's scores and worth against the record; how many were ranked, how many are expected."""
    scores, boundary, basis = scoring.scores(), closing.customers.boundary, closing.customers.basis
    rows = np.array([closing.customers.roster.rows[customer_id] for customer_id in records], np.int32)
    worth = worth_of(closing.as_of(scoring), rows, scoring)
    assert worth is not None
    for place, (row, customer) in enumerate(zip(rows.tolist(), records.values(), strict=True)):
        risks = risks_in_force(customer, boundary, learning)
        before = [risk.value for risk in risks[:-1]]
        usual = sum(before) / len(before) if before else None
        expected = (risks[-1].value, usual, risks[-1].rank) if risks else (None, None, None)
        assert tuple(None if isnan(value) else value for value in (array[row] for array in scores)) == expected
        if risks:
            assert scoring.scored_by(row) == customer.scored_by
        if max(customer.first) >= 0:
            of_record = worth_of_record(customer, boundary, basis)
            assert of_record is not None
            assert (worth[0][place], worth[1][place]) == (of_record.minor, of_record.basis == "expected")
    return int((~np.isnan(scores.rank)).sum()), int(worth[1].sum())


def test_drivers_are_those_of_who_was_scored_at_this_boundary() -> None:
    closing = Closing(BASIS, crowded(2))
    explained = 0
    for boundary, scoring, _ in closing.scored(Learning(), FIRST_DAY + 60, VERSION):
        rows = at_risk(closing, Learning())
        for row in range(closing.customers.size):
            drivers = scoring.explain(row)
            is_due = np.isin(row, rows) and scoring._weekdays[row] == boundary % 7
            assert (drivers is not None) == is_due
            if drivers is not None:
                alone = features(closing.customers, np.array([row], np.int32), boundary)[0].tolist()
                assert drivers == VERSION.drivers(alone)
                explained += 1
    assert explained > 100
