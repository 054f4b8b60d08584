"""The model over columns says what a recount of the events says, whoever stands beside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from models.catalogue.rules import without_outages
from models.config import Learning
from models.customers.arrays import Floats, Rows
from models.customers.stages import LOST
from models.engine.replay import Replay
from models.labels import PARTS, Question, label, matures_after
from models.scoring.features import features
from models.scoring.ranks import BUCKETS
from models.scoring.scoring import Scoring
from models.scoring.snapshots import is_in_risk_set, weekday_of
from property.test_measures import CALENDAR
from schemas.event import PURCHASE, Event
from schemas.example import LessonV1, encode_lesson
from support.closing import VERSION, Closing, Known, at_risk, crowded, labels_of
from support.examples import scorer_of
from support.histories import Size, history
from support.troubled import FIRST_DAY, default_rules, rich_history

BASIS = without_outages(default_rules()).basis


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


# -- whole runs against a recount


LEARNINGS = {
    "default": Learning(),
    "anchored": Learning(anchor=FIRST_DAY + 20),
    "daily": Learning(Question(4, 30), step_days=1),
    "horizon_no_multiple": Learning(Question(30, 60), step_days=9),
    "four_weeks": Learning(Question(20, 90), step_days=28),
    "rare": Learning(Question(60, 120), step_days=45, anchor=FIRST_DAY + 10),
    "yearly": Learning(Question(14, 90), step_days=365),
}


def expected_labels(events: Sequence[Event], learning: Learning, end: int) -> Known:
    """What is known by a boundary, from the list of events: labels of every snapshot of everybody at risk."""
    found: Known = {}
    question, longest = learning.question, min(learning.question.risk_set_days, BASIS.keep_days)
    first = min(CALENDAR.day_of(event.time_ms) for event in events)
    bought: dict[str, list[int]] = {}
    for event in events:
        if event.feed == PURCHASE:
            bought.setdefault(event.customer_id, []).append(CALENDAR.day_of(event.time_ms))
    for customer, days in bought.items():
        own = weekday_of(customer, learning)
        dates = [d for d in range(max(first + 1, learning.anchor or 0), end + 1) if d % learning.step_days == own]
        for snapshot in dates:
            before = [day for day in days if day < snapshot]
            if not before or snapshot - max(before) > longest:
                continue
            for part in PARTS:
                matured = snapshot + matures_after(question, part)
                told_on = next((day for day in dates if day >= matured), None)
                if told_on is None:
                    continue
                until = min((day - snapshot for day in days if snapshot <= day < told_on), default=None)
                said = label(question, part, until)
                if said is not None:
                    found[customer, CALENDAR.text_of(snapshot), part] = said
    return found


@pytest.mark.parametrize("name", LEARNINGS)
def test_lessons_scores_and_ranks_are_those_of_a_recount(name: str) -> None:
    learning = LEARNINGS[name]
    basis = replace(BASIS, learning=learning)
    days = 60 if name == "daily" else 110
    events = crowded(11, 12, days)
    closing, end = Closing(basis, events), FIRST_DAY + days + 40
    cold = replace(VERSION, name="cold", scorer=replace(VERSION.scorer, is_cold=True))
    ranking = replace(VERSION, base=[3] * BUCKETS)
    versions = [None, cold, ranking, ranking, replace(ranking, name="other", scorer=scorer_of(9, 200))]
    known: Known = {}
    taken: dict[int, tuple[Rows, Floats]] = {}
    scoring = Scoring(closing.customers, learning)
    scored = lost = caught_up = 0
    for boundary in closing.until(end):
        version = versions[min((boundary - FIRST_DAY) // 15, 4)]
        columns, size = closing.customers.columns, closing.customers.size
        told = labels_of(scoring.review(version))
        assert not known.keys() & told.keys(), "a label is told once"
        known |= told
        due: Rows = np.flatnonzero(scoring._weekdays[:size] == boundary % learning.step_days).astype(np.int32)
        rows = due[is_in_risk_set(closing.customers, due, learning.question)]
        if boundary >= (learning.anchor or 0):
            taken[boundary] = rows, features(closing.customers, rows, boundary)
        if version is None or version.scorer.is_cold:
            assert np.isnan(scoring.scores().risk).all()
            continue
        is_first = boundary - FIRST_DAY == 30
        counts: Counter[int] = Counter()
        for day, (rows, found) in taken.items():
            if not (boundary - learning.step_days if is_first else boundary - 1) < day <= boundary or not len(rows):
                continue
            scores, risks = scoring.scores(), version.risks(found)
            assert scores.risk[rows].tolist() == risks.tolist()
            steps = np.minimum(199, (risks * 200).astype(int))
            assert scores.rank[rows].tolist() == version.ranks(risks).tolist()
            scored += len(rows)
            caught_up += len(rows) * (day < boundary)
            assert {scoring.scored_by(int(row)) for row in rows} == {version.name}
            given = steps[~np.isin(columns.stage[rows], LOST)].tolist()
            counts.update(given)
            lost += len(rows) - len(given)
        assert scoring.given == tuple(sorted(counts.items()))
    assert known == expected_labels(events, learning, end)
    assert scored > 100 or name == "yearly"
    assert caught_up > 100 or name in ("anchored", "daily", "rare", "yearly")
    assert lost > 0 or learning.question.risk_set_days <= 60 or name in ("yearly", "rare")


def test_lessons_of_a_replay_are_those_of_its_days() -> None:
    events = history(Size(4_000, 300, 120), seed=3)
    replay = Replay(default_rules(), 2)
    for partition in replay.partitions:
        partition.versions = lambda _boundary: VERSION
    for event in events:
        replay.take(event)
    expected = sorted(encode_lesson(one) for one in replay.drain() if isinstance(one, LessonV1))
    learning, found = default_rules().basis.learning, []
    assert learning is not None
    for partition in replay.partitions:
        known = set(partition.customers.roster.ids)
        own = [event for event in events if event.customer_id in known]
        for _, _, lessons in Closing(BASIS, own).scored(learning, partition.boundary, VERSION):
            found += [encode_lesson(lesson) for lesson in lessons]
    assert len(expected) > 500
    assert sorted(found) == expected


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
